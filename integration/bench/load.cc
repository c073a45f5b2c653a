// load short|paced|ping-pong|both|hold|pieces HOST:PORT [OPTION...]
//
// The client of the bench, for workloads that no existing load generator has. It prints one line of JSON.
// load.h describes each workload.
//
//   --at-once N      connections at the same time (short)
//   --ms N           duration in milliseconds (short, paced, both)
//   --rate N         connections a second (paced)
//   --count N        number of round trips or connections (ping-pong, hold, pieces)
//   --request TEXT   the first bytes, to which a newline is added
//   --half-close     send EOF after the request (short, paced)

#include "load.h"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include "net.h"

namespace {

bench::Order read_order(std::span<char*> words) {
    bench::Order order;
    order.where = bench::address_of(words[0]);
    for (std::size_t i = 1; i < words.size(); ++i) {
        const std::string_view name = words[i];
        if (name == "--half-close") {
            order.half_close = true;
            continue;
        }
        errno = EINVAL;
        if (i + 1 == words.size()) bench::give_up(words[i]);
        const char* value = words[++i];
        const auto number = static_cast<std::size_t>(std::atol(value));
        if (name == "--at-once") {
            order.at_once = number;
        } else if (name == "--ms") {
            order.time = std::chrono::milliseconds(number);
        } else if (name == "--rate") {
            order.rate = std::atol(value);
        } else if (name == "--count") {
            order.count = number;
        } else if (name == "--request") {
            order.request = std::string(value) + '\n';
        } else {
            bench::give_up(words[i - 1]);
        }
    }
    return order;
}

}  // namespace

int main(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    const std::string_view workload = argc > 2 ? argv[1] : "";
    int (*run)(const bench::Order&) = nullptr;
    if (workload == "short") run = bench::run_short;
    if (workload == "paced") run = bench::run_paced;
    if (workload == "ping-pong") run = bench::run_ping_pong;
    if (workload == "both") run = bench::run_both;
    if (workload == "hold") run = bench::run_hold;
    if (workload == "pieces") run = bench::run_pieces;
    if (run == nullptr) {
        std::fputs("usage: load short|paced|ping-pong|both|hold|pieces HOST:PORT [OPTION...]\n",
                   stderr);
        return 64;
    }
    return run(read_order({argv + 2, static_cast<std::size_t>(argc - 2)}));
}
