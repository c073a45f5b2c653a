#include "connections.h"
#include "load.h"
#include "samples.h"

namespace bench {

int run_short(const Order& order) {
    Connections connections(order, order.at_once);
    std::size_t complete = 0;
    std::size_t errors = 0;
    const auto reopen = [&](std::size_t number) {
        const State state = connections.read(number);
        if (state == State::Open) return;
        ++(state == State::Complete ? complete : errors);
        connections.open(number);
    };

    const auto begun = Clock::now();
    const auto end = begun + order.time;
    for (std::size_t i = 0; i < order.at_once; ++i) connections.open(i);
    for (auto now = begun; now < end; now = Clock::now()) connections.wait(end - now, reopen);
    const double time = seconds(Clock::now() - begun);

    std::printf("{\"rate\":%.1f,\"connections\":%zu,\"errors\":%zu,\"gbit_s\":%.3f",
                static_cast<double>(complete) / time, complete, errors,
                static_cast<double>(connections.bytes()) * 8e-9 / time);
    connections.first_byte().print();
    std::puts("}");
    return 0;
}

}  // namespace bench
