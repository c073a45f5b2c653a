#pragma once
// The workloads that `load` knows. Each runs to its end and prints one line of JSON.

#include <netinet/in.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace bench {

/// What the command line asks for. A workload looks at what concerns it.
struct Order {
    sockaddr_in where{};
    std::size_t at_once = 1;
    std::chrono::milliseconds time{1000};
    std::size_t count = 1000;
    std::string request = "GET /short\n";  ///< the first bytes of each connection
    bool half_close = false;               ///< end of stream after the request
};

/// Connections that connect, send the request and read to the end of the answer, `at_once` of them
/// at any moment, for `time`. Tells how many a second, and the time from connect to first byte.
int run_short(const Order& order);

/// One byte there and back, `count` times, in one connection.
int run_ping_pong(const Order& order);

/// One connection that sends all it can and takes it back, for `time`. Tells the bits a second,
/// both ways together.
int run_both(const Order& order);

/// Opens `count` connections and proves each with an answer, prints a line, and waits for a line on
/// standard input. Then sends a byte on every one, and times the answers.
int run_hold(const Order& order);

/// `count` connections, one after the other, whose request comes byte by byte up to its first
/// blank. Times the last piece to the first byte of the answer.
int run_pieces(const Order& order);

}  // namespace bench
