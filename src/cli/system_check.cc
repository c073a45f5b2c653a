#include "cli/system_check.h"

#include <fmt/core.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/program_output.h"
#include "core/endpoint.h"
#include "core/entrance.h"
#include "exit_codes.h"
#include "sys/address.h"
#include "sys/clock.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/program.h"
#include "sys/socket.h"

namespace portsplit::cli {
namespace {

/// How long all targets together may take to answer. A lost first packet is sent again after one second
/// (RFC 6298 2.1).
constexpr std::chrono::milliseconds kPatience{2500};

/// The address of a client that does not exist.
core::IpAddress documentation_address(bool v4) {
    return *core::IpAddress::parse(v4 ? "192.0.2.53" : "2001:db8:5053::1");
}

// --- the targets ---------------------------------------------------------------------------------

/// Returns the addresses of a host, a name or numeric; empty if none is known.
std::vector<core::IpAddress> addresses_of(const std::string& host) {
    if (const auto numeric = core::IpAddress::parse(host)) return {numeric->reached()};
    if (core::is_localhost(host)) {
        return {core::IpAddress::loopback_v4(), core::IpAddress::loopback_v6()};
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
    std::vector<core::IpAddress> addresses;
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        sockaddr_storage storage{};
        std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                    reinterpret_cast<char*>(&storage));
        const auto address = sys::Address::from(storage, entry->ai_addrlen);
        if (address.is_internet()) addresses.push_back(address.ip());
    }
    return addresses;
}

// --- connecting ----------------------------------------------------------------------------------

struct Attempt {
    TransparentTarget target;
    sys::UniqueFd fd = sys::UniqueFd();
    int error = 0;  ///< EINPROGRESS until it has ended

    sys::Address address() const { return sys::Address::from(target.address, target.port); }
};

/// Starts a connection with the address of a client that does not exist.
Attempt start(TransparentTarget target) {
    Attempt attempt{.target = std::move(target)};
    const auto source =
        sys::Address::from(documentation_address(attempt.target.address.is_v4()), 0);
    auto fd = sys::transparent_socket(source.family());
    if (fd) {
        attempt.fd = std::move(*fd);
        const auto bound = sys::bind_to(attempt.fd.get(), source);
        attempt.error =
            bound ? sys::connect_outcome(attempt.fd.get(), attempt.address()) : bound.error().code;
    } else {
        attempt.error = fd.error().code;
    }
    return attempt;
}

bool is_open(const Attempt& attempt) { return attempt.error == EINPROGRESS; }

/// Takes the outcome of an attempt that poll(2) has reported.
void finish(Attempt& attempt) {
    const int outcome = sys::connect_outcome(attempt.fd.get(), attempt.address());
    if (outcome != EALREADY && outcome != EINPROGRESS) attempt.error = outcome;
}

/// Waits for all attempts. Those that do not end in time get ETIMEDOUT.
void wait_for(std::vector<Attempt>& attempts) {
    const auto end = sys::Clock::now() + kPatience;
    while (std::ranges::any_of(attempts, is_open) && sys::Clock::now() < end) {
        std::vector<pollfd> polled;
        for (const Attempt& attempt : attempts) {
            const int fd = is_open(attempt) ? attempt.fd.get() : -1;
            polled.push_back({.fd = fd, .events = POLLOUT, .revents = 0});
        }
        if (::poll(polled.data(), polled.size(), sys::poll_timeout(end)) <= 0) continue;
        for (std::size_t i = 0; i < attempts.size(); ++i) {
            if (polled[i].revents != 0) finish(attempts[i]);
        }
    }
    for (Attempt& attempt : attempts) {
        if (is_open(attempt)) attempt.error = ETIMEDOUT;
        sys::reset_on_close(attempt.fd.get());
    }
}

// --- this machine --------------------------------------------------------------------------------

std::string text_or_empty(const std::vector<std::string>& arguments) {
    auto text = output_of(arguments);
    return text ? *std::move(text) : std::string();
}

/// Returns true if an interface has net.ipv4.conf.NAME.rp_filter 1, itself or by `all`.
bool is_strict() {
    const std::string folder = "/proc/sys/net/ipv4/conf/";
    const auto names = sys::names_in(folder);
    return std::ranges::any_of(names, [&](const std::string& name) {
        if (name == "." || name == ".." || name == "default") return false;
        const auto text = sys::read_file(fmt::format("{}{}/rp_filter", folder, name));
        return text && text->starts_with('1');
    });
}

KernelSetup read_setup() {
    KernelSetup setup;
    for (const char* family : {"-4", "-6"}) {
        const auto rules = read_rules(text_or_empty({"ip", "-j", family, "rule", "show"}));
        std::ranges::copy(rules, std::back_inserter(setup.rules));
    }
    const auto has_route = [](const char* family) {
        return has_turning_route(
            text_or_empty({"ip", "-j", family, "route", "show", "table", kTurningTable}));
    };
    setup.has_route_v4 = has_route("-4");
    setup.has_route_v6 = has_route("-6");
    setup.is_strict = is_strict();
    setup.marked =
        read_marked(text_or_empty({"nft", "-j", "list", "table", "inet", kMarkingTable}));
    return setup;
}

/// Returns why a target may not answer, if this machine has all that transparent.sh sets up.
std::string other_reasons(const TransparentTarget& target, const KernelSetup& setup) {
    if (target.is_own) {
        return "this machine may have no default route, or a firewall may drop the answers";
    }
    std::string text =
        "the target's route to its clients must lead through this machine, and no firewall may "
        "drop the answers";
    if (target.address.is_v4() && setup.is_strict) {
        text += "; net.ipv4.conf.*.rp_filter is 1, so they must come in by the link to the target";
    }
    return text;
}

// --- the command ---------------------------------------------------------------------------------

/// Starts an attempt for each address of a target.
/// @returns false, after a message, for a target without an address
bool start_all(const std::string& file, const TransparentEndpoint& it,
               std::vector<Attempt>& attempts) {
    const auto addresses = addresses_of(std::string(it.endpoint.host));
    for (const core::IpAddress& address : addresses) {
        attempts.push_back(start({it.service, address, it.endpoint.port, sys::is_own(address)}));
    }
    if (!addresses.empty()) return true;
    const std::string name = core::to_string(it.endpoint);
    complain_about(file, fmt::format("service {}: {} has no address now", it.service, name));
    return false;
}

bool has_answered(const Attempt& attempt) {
    return attempt.error == 0 || attempt.error == ECONNREFUSED;
}
bool is_silent(const Attempt& attempt) { return attempt.error == ETIMEDOUT; }

/// Returns the path of the script; its name alone if this program is not installed.
std::string script() {
    const std::string path = sys::beside_own({PORTSPLIT_BIN_TO_LIBEXEC "/transparent.sh"});
    return names_a_file(path) ? path : "transparent.sh";
}

/// Prints what was found about each target, and how to set up what is missing.
void report(const std::string& file, const std::vector<Attempt>& attempts) {
    const bool any_silent = std::ranges::any_of(attempts, is_silent);
    const KernelSetup setup = any_silent ? read_setup() : KernelSetup();
    bool is_incomplete = false;
    for (const Attempt& attempt : attempts) {
        const TransparentTarget& target = attempt.target;
        for (const std::string& line : findings(target, attempt.error, setup)) {
            complain_about(file, line);
        }
        is_incomplete |=
            is_silent(attempt) && !missing_for(setup, target.address, target.port).empty();
    }
    if (!is_incomplete) return;
    complain_about(file,
                   fmt::format("this sets up what is missing: {} up --config {}", script(), file));
}

}  // namespace

std::vector<TransparentEndpoint> transparent_endpoints(const core::Config& config) {
    std::vector<TransparentEndpoint> endpoints;
    for (const core::Service& service : config.services) {
        if (!core::is_transparent(service)) continue;
        for (const core::Endpoint& endpoint : std::get<core::Connect>(service.action).targets) {
            endpoints.push_back({std::string(service.name), endpoint});
        }
    }
    return endpoints;
}

std::vector<std::string> findings(const TransparentTarget& target, int error,
                                  const KernelSetup& setup) {
    const std::string subject = fmt::format("service {}: {}", target.service,
                                            sys::Address::from(target.address, target.port).text());
    if (error == 0) return {};
    if (error == ECONNREFUSED) {
        return {subject +
                " refuses the connection, so its answers come back, but no server listens there"};
    }
    if (error == EPERM || error == EACCES) {
        return {subject +
                " cannot be tried: only root, or a process with CAP_NET_RAW, can use a client's "
                "address"};
    }
    if (error != ETIMEDOUT) {
        return {fmt::format("{} cannot be reached: {}", subject, sys::error_text(error))};
    }
    std::vector<std::string> lines{subject + " does not answer to a client's address"};
    const auto missing = missing_for(setup, target.address, target.port);
    for (const std::string& it : missing) lines.push_back(fmt::format("{}: {}", subject, it));
    if (!missing.empty()) return lines;
    lines.push_back(fmt::format("{}: all that transparent.sh sets up is there; {}", subject,
                                other_reasons(target, setup)));
    return lines;
}

int check_system(const std::string& file) {
    const auto loaded = load_or_complain(file, config::Need::Services);
    if (!loaded || !loaded->config) return kExitConfiguration;
    const auto endpoints = transparent_endpoints(*loaded->config);
    if (endpoints.empty()) {
        return print_result(fmt::format("{}: no service is transparent\n", file));
    }
    std::vector<Attempt> attempts;
    std::ptrdiff_t failed = 0;
    for (const TransparentEndpoint& endpoint : endpoints) {
        if (!start_all(file, endpoint, attempts)) ++failed;
    }
    wait_for(attempts);
    report(file, attempts);
    const auto answering = std::ranges::count_if(attempts, has_answered);
    failed += std::ssize(attempts) - answering;
    const int code = print_result(
        fmt::format("{}: targets that see the client's address, for {}: {} answer, {} do not\n",
                    file, ::geteuid() == 0 ? "root" : "this user", answering, failed));
    return failed == 0 ? code : kExitUnexpected;
}

}  // namespace portsplit::cli
