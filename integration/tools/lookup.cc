// lookup [--portsplit] NAME...
//
// Looks names up in the way of the dispatcher (dispatch/resolve.h) and with getaddrinfo(3), and compares:
// the same addresses, and the same one first. Prints for each name `NAME ADDRESS...`, with `-` for no
// address. If the two differ, prints two lines: `NAME portsplit ADDRESS...` and `NAME system ADDRESS...`.
// With --portsplit it does not call getaddrinfo(3), and prints one line for each name.

#include <netdb.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/resolve.h"

namespace {

using Addresses = std::vector<std::string>;

/// Keeps the first of equal addresses.
void add(Addresses& addresses, const portsplit::sys::Address& address) {
    const std::string host = address.host();
    if (std::find(addresses.begin(), addresses.end(), host) == addresses.end()) {
        addresses.push_back(host);
    }
}

Addresses of_portsplit(const char* name) {
    using namespace std::chrono_literals;
    Addresses addresses;
    const auto until = portsplit::sys::Clock::now() + 5s;
    const auto resolved = portsplit::dispatch::resolve({portsplit::core::Text(name), 443}, until);
    for (const auto& address : resolved.addresses) add(addresses, address);
    return addresses;
}

Addresses of_system(const char* name) {
    Addresses addresses;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(name, "443", &hints, &found) != 0) return {};
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        sockaddr_storage storage{};
        std::copy_n(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen,
                    reinterpret_cast<char*>(&storage));
        add(addresses, portsplit::sys::Address::from(storage, one->ai_addrlen));
    }
    ::freeaddrinfo(found);
    return addresses;
}

bool are_alike(Addresses some, Addresses others) {
    if (some.empty() || others.empty()) return some.empty() && others.empty();
    if (some.front() != others.front()) return false;
    std::sort(some.begin(), some.end());
    std::sort(others.begin(), others.end());
    return some == others;
}

void print(const std::string& what, const Addresses& addresses) {
    std::fputs(what.c_str(), stdout);
    for (const std::string& address : addresses) std::printf(" %s", address.c_str());
    std::puts(addresses.empty() ? " -" : "");
}

}  // namespace

int main(int argc, char** argv) {
    const bool alone = argc > 1 && std::string_view(argv[1]) == "--portsplit";
    for (int i = alone ? 2 : 1; i < argc; ++i) {
        const std::string name = argv[i];
        const Addresses ours = of_portsplit(argv[i]);
        const Addresses theirs = alone ? ours : of_system(argv[i]);
        if (are_alike(ours, theirs)) {
            print(name, ours);
        } else {
            print(name + " portsplit", ours);
            print(name + " system", theirs);
        }
    }
}
