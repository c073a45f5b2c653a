#pragma once
// The workloads of `load`. Each prints one line of JSON at its end and returns an exit code.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "net.h"

namespace bench {

/// In how many pieces a client sends its first bytes.
enum class Cut {
    Whole,    ///< all at once
    Records,  ///< each TLS record alone
    Bytes,    ///< each byte alone
};

/// The options of the command line. Each workload uses some of them.
struct Order {
    Address where{};
    std::size_t at_once = 1;
    std::chrono::milliseconds time{1000};
    std::size_t count = 1000;
    std::int64_t rate = 500;
    std::string request = "GET /short\n";  ///< the first bytes of each connection
    bool half_close = false;               ///< true: send EOF after the request
    Cut cut = Cut::Whole;
    char answer = 'n';  ///< the first byte of the right server
};

/// Connects, sends the request and reads the answer to EOF, with `at_once` connections at any moment, for
/// `time`. Prints connections a second and the time from connect to the first byte.
int run_short(const Order& order);

/// Begins `rate` connections a second for `time`, each when it is due, even if earlier ones have no answer.
/// Prints the time from when it was due to the first byte of the answer.
int run_paced(const Order& order);

/// Makes `count` round trips of one byte in one connection.
int run_ping_pong(const Order& order);

/// Sends as much as possible in one connection and receives it back, for `time`. Prints the bits a second,
/// the sum of both ways.
int run_both(const Order& order);

/// Opens `count` connections, each tested by an answer, prints a line, and waits for a line on standard
/// input. Then sends a byte on each and measures the time until all are answered.
int run_hold(const Order& order);

/// Makes connections for `time`, one after the other, one at least, and sends the request, cut in pieces.
/// Ends earlier if two fail. Prints how many came to the right server, came to another one, were closed, or
/// had no answer in a second; of the first, the time from the last piece to the first byte of the answer.
int run_names(const Order& order);

/// Makes `count` connections, one after the other, and sends the request byte by byte up to its first blank.
/// Measures the time from the last piece to the first byte of the answer.
int run_pieces(const Order& order);

}  // namespace bench
