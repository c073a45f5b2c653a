// Any texts as what a super-server says of a connection, and as the listeners that the daemon names. An input has
// four variables and the listeners, with a NUL between.

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "dispatch/loop.h"
#include "dispatch/told_addresses.h"
#include "support/checks.h"
#include "support/fuzz_input.h"

namespace {

using namespace portsplit;
using core::require;

sys::Address address_of(const char* host) { return *sys::Address::from({host, 7}); }

bool is_same(const sys::Address& a, const sys::Address& b) { return a.text() == b.text(); }

void check_ends(const char* peer) {
    const sys::Ends of_socket{address_of(peer), address_of("127.0.0.1")};
    const sys::Ends told = dispatch::told_ends(of_socket);
    require(told.peer.is_valid() && told.local.is_valid(), "both ends are addresses");
    const bool is_local = of_socket.peer.ip().is_loopback();
    require(is_local || is_same(told.peer, of_socket.peer),
            "a variable that is not TCPREMOTEIP changes no client");
    if (!is_same(told.peer, of_socket.peer)) core::note_accepted();
}

void check_listeners(const std::string& text) {
    const auto listeners = dispatch::listeners_in(text);
    const auto words = std::count(text.begin(), text.end(), ' ') + 1;
    require(listeners.size() <= static_cast<std::size_t>(words), "a word is one listener at most");
    const dispatch::OwnListeners own{listeners, {}};
    for (const core::Endpoint& listener : listeners) {
        const auto target = sys::Address::from(listener);
        if (!target || !target->is_internet()) continue;
        // Of an address that is written with a zone only the address counts.
        require(dispatch::leads_back(*target, own) || target->ip().is_any(),
                "a target that is a listener leads back");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array kVariables{"REMOTE_ADDR", "REMOTE_PORT", "SOCAT_SOCKADDR",
                                    "SOCAT_SOCKPORT"};
    core::FuzzInput input(data, size);
    for (const char* variable : kVariables) {
        const std::string text = input.until('\0');
        if (text == "-") {
            ::unsetenv(variable);
        } else {
            ::setenv(variable, text.c_str(), 1);
        }
    }
    check_ends("127.0.0.1");
    check_ends("192.0.2.7");
    check_listeners(input.until('\0'));
    return 0;
}
