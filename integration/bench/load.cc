// load short|paced|ping-pong|both|hold|pieces|names HOST:PORT [OPTION...]
//
// The client of the bench, for workloads that no existing load generator has. It prints one line of JSON.
// load.h describes each workload.
//
//   --at-once N      connections at the same time (short)
//   --ms N           duration in milliseconds (short, paced, both, names)
//   --rate N         connections a second (paced)
//   --count N        number of round trips or connections (ping-pong, hold, pieces)
//   --request TEXT   the first bytes, to which a newline is added
//   --file FILE      the first bytes are the content of FILE
//   --cut WORD       send them `whole`, or each of the `records` or `bytes` alone (names)
//   --answer BYTE    the first byte of the right server (names)
//   --half-close     send EOF after the request (short, paced)

#include "load.h"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "net.h"

namespace {

std::string content_of(const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) bench::give_up(path);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

bench::Cut cut_of(std::string_view word) {
    if (word == "records") return bench::Cut::Records;
    if (word == "bytes") return bench::Cut::Bytes;
    if (word != "whole") bench::give_up("not whole, records or bytes: " + std::string(word));
    return bench::Cut::Whole;
}

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
        } else if (name == "--file") {
            order.request = content_of(value);
        } else if (name == "--cut") {
            order.cut = cut_of(value);
        } else if (name == "--answer") {
            order.answer = *value;
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
    if (workload == "names") run = bench::run_names;
    if (run == nullptr) {
        std::fputs(
            "usage: load short|paced|ping-pong|both|hold|pieces|names HOST:PORT [OPTION...]\n",
            stderr);
        return 64;
    }
    return run(read_order({argv + 2, static_cast<std::size_t>(argc - 2)}));
}
