// lossy LOSS DELAY-MS PID PID
//
// A network between two machines that loses, delays and reorders packets. Makes a device `lossy` in the network
// namespaces of two processes (tun(4) in the kernel's documentation) and passes what one sends to the other. Of 100
// packets LOSS are dropped. Each waits DELAY-MS and up to as long again, so that later packets overtake it. The same
// packets have the same fate in each run. Prints `ready`, then works until it is killed.

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "sys/fd.h"

namespace {

using portsplit::sys::UniqueFd;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

[[noreturn]] void fail(const std::string& what) {
    std::perror(("lossy: " + what).c_str());
    std::exit(1);
}

/// Makes the device in the network namespace of a process.
UniqueFd device_of(const std::string& pid) {
    const std::string path = "/proc/" + pid + "/ns/net";
    const UniqueFd place(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!place || ::setns(place.get(), CLONE_NEWNET) < 0) fail("cannot enter " + path);
    UniqueFd device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    ifreq request{};
    std::strcpy(request.ifr_name, "lossy");
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (!device || ::ioctl(device.get(), TUNSETIFF, &request) < 0) fail("cannot make a device");
    return device;
}

struct Packet {
    Clock::time_point due;
    int to;
    std::vector<std::byte> bytes;

    bool operator>(const Packet& other) const { return due > other.due; }
};

class Network {
  public:
    Network(unsigned loss, milliseconds delay, int left, int right)
        : loss_(loss), delay_(delay), ends_{left, right} {}

    [[noreturn]] void run() {
        while (true) {
            std::array<pollfd, 2> entries{{{ends_[0], POLLIN, 0}, {ends_[1], POLLIN, 0}}};
            if (::poll(entries.data(), entries.size(), timeout()) < 0) fail("cannot poll");
            for (std::size_t i = 0; i < 2; ++i) take_all(ends_[i], ends_[1 - i]);
            deliver();
        }
    }

  private:
    int timeout() const {
        if (waiting_.empty()) return -1;
        const auto left = std::chrono::ceil<milliseconds>(waiting_.top().due - Clock::now());
        return static_cast<int>(std::max(left, milliseconds(0)).count());
    }

    void take_all(int from, int to) {
        while (true) {
            std::vector<std::byte> bytes(65536);
            const ssize_t got = ::read(from, bytes.data(), bytes.size());
            if (got <= 0) return;
            bytes.resize(static_cast<std::size_t>(got));
            const auto more = milliseconds(static_cast<long>(random_()) % (delay_.count() + 1));
            if (random_() % 100 < loss_) continue;
            waiting_.push({Clock::now() + delay_ + more, to, std::move(bytes)});
        }
    }

    /// A packet that the device does not take is lost.
    void deliver() {
        while (!waiting_.empty() && waiting_.top().due <= Clock::now()) {
            const Packet& packet = waiting_.top();
            static_cast<void>(::write(packet.to, packet.bytes.data(), packet.bytes.size()) < 0);
            waiting_.pop();
        }
    }

    unsigned loss_;
    milliseconds delay_;
    std::array<int, 2> ends_;
    std::mt19937 random_{1};
    std::priority_queue<Packet, std::vector<Packet>, std::greater<>> waiting_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: lossy LOSS DELAY-MS PID PID\n", stderr);
        return 64;
    }
    const UniqueFd left = device_of(argv[3]);
    const UniqueFd right = device_of(argv[4]);
    std::puts("ready");
    std::fflush(stdout);
    Network(static_cast<unsigned>(std::atoi(argv[1])), milliseconds(std::atoi(argv[2])), left.get(),
            right.get())
        .run();
}
