#include "config/key_table.h"

#include <algorithm>
#include <array>

namespace portsplit::config {
namespace {

constexpr std::array<std::string_view, 3> kStdioWords{"socket", "pipe", "pty"};
constexpr std::array<std::string_view, 3> kStderrWords{"log", "null", "client"};

/// tcp(7) TCP_KEEPIDLE: the most that the kernel takes.
constexpr std::size_t kLongestKeepalive = 32767;

/// In seconds. poll(2) takes an int of milliseconds, which is 24 days; a day is far below.
constexpr std::size_t kLongestTimeout = 86400;
/// The largest limit of connections, other than none.
constexpr std::size_t kMostConnections = 1'000'000;
/// In seconds. The kernel gives up after about two minutes (tcp(7) tcp_syn_retries).
constexpr std::size_t kLongestConnect = 120;

constexpr auto kKeys = std::to_array<Key>({
    {.name = "bind",
     .takes = takes::binds(&core::Listener::bind),
     .help = "address and port to listen on; * means every address, IPv4 and IPv6"},
    {.name = "timeout",
     .takes = takes::seconds(&core::Listener::timeout, 0, kLongestTimeout),
     .default_text = "3",
     .unit = "seconds",
     .help = "how long a connection may stay undecided, from accept; 0 is no limit"},
    {.name = kServices,
     .takes = takes::service_names(&core::Listener::services),
     .help = "a service that this listener asks; by default it asks all"},
    {.name = kFallbackKey,
     .takes = takes::service_names(&core::Listener::fallback),
     .help = "the service for clients of this listener that match nothing; else the one called "
             "fallback"},
    {.name = kOnTimeout,
     .takes = takes::service_names(&core::Listener::on_timeout),
     .help =
         "the service for clients of this listener that are undecided at the deadline; else the "
         "one called timeout"},
    {.name = kAllow,
     .takes = takes::prefixes(&core::Listener::allow),
     .help = "clients that are served, as an address or a prefix; by default all"},
    {.name = kDeny,
     .takes = takes::prefixes(&core::Listener::deny),
     .help = "clients whose connections are reset at once; of allow and deny the longest prefix "
             "decides"},
    {.name = kProxyFrom,
     .takes = takes::prefixes(&core::Listener::proxy_from),
     .help =
         "addresses or prefixes of balancers: each connection from them must begin with a PROXY "
         "header, which names the client"},
    {.name = kInterface,
     .takes = takes::text(&core::Listener::interface),
     .help = "the network interface whose clients are served, such as eth0; by default all"},
    {.name = "freebind",
     .takes = takes::yes_no(&core::Listener::freebind),
     .default_text = "no",
     .help = "yes listens on an address that this machine does not have, or not yet"},
    {.name = "mptcp",
     .takes = takes::yes_no(&core::Listener::mptcp),
     .default_text = "no",
     .help = "yes takes Multipath TCP, if the kernel has it"},
    {.name = "maxconn",
     .takes = takes::number(&core::Config::maxconn, 0, kMostConnections),
     .default_text = "1000",
     .unit = "connections",
     .help = "connections served at once; more wait in the kernel's accept queue; 0 is no limit"},
    {.name = "maxconn-source",
     .takes = takes::number(&core::Listener::maxconn_source, 0, kMostConnections),
     .default_text = "maxconn/10, at least 8",
     .help = "connections of one source at once; further ones are refused; 0 is no limit"},
    {.name = "maxundecided",
     .takes = takes::number(&core::Listener::maxundecided, 0, kMostConnections),
     .default_text = "maxconn/2, at least 8",
     .help = "connections that may be undecided at once; a new one then ends the oldest undecided "
             "one of the source that has most of them; 0 is no limit"},
    {.name = "rate-source",
     .takes = takes::rate(&core::Listener::rate_source),
     .default_text = "0",
     .help = "how often one source may connect: 20/10 is 20 connections in any 10 seconds; further "
             "ones are refused; 0 is no limit"},
    {.name = kPenalty,
     .takes = takes::penalties(&core::Listener::penalty),
     .help =
         "how long a source is refused after a connection that no service was chosen for, after "
         "a crash, or after more connections than rate-source allows; by default crash 60"},
    {.name = "window",
     .takes = takes::number(&core::Config::window, 1, core::kLargestWindow),
     .default_text = "16384",
     .unit = "bytes",
     .help = "the largest number of first bytes that are looked at"},
    {.name = "pid",
     .takes = takes::path(&core::Config::pid),
     .help = "file to write the process id to"},
    {.name = kUser,
     .takes = takes::user_name(&core::Config::user),
     .help = "the user that serves the connections, and that programs run as, if root starts the "
             "daemon"},
    {.name = kGroup,
     .takes = takes::group_name(&core::Config::group),
     .help = "the group that serves the connections, and that programs run as, if root starts the "
             "daemon"},
    {.name = kSandbox,
     .takes = takes::word<&core::Config::sandbox>(core::kSandboxWords),
     .default_text = "auto",
     .help = "what serves clients cannot leave its work: auto, as far as the kernel has means; "
             "required, or it does not start; off"},
    {.name = kLog,
     .takes = takes::log_items(&core::Config::log, core::kLogWords),
     .default_text = "end",
     .help =
         "a line for each connection at its end, at most 100 a minute of one source; all: of all; "
         "start: of all, and one when the service is chosen; no: none; LAYOUT.FIELD: with the "
         "value "
         "of a field"},
    {.name = "string",
     .takes = takes::patterns(core::PatternKind::String),
     .help = "the stream begins with these bytes; \\XX is a byte in hex"},
    {.name = "hex",
     .takes = takes::patterns(core::PatternKind::Hex),
     .help = "the same in hex: 16 03 00-04 ?? 3? ?8; ? is any digit, a-b a range"},
    {.name = "regex",
     .takes = takes::patterns(core::PatternKind::Regex),
     .help = "a PCRE2 expression that must match from the first byte of the stream"},
    {.name = kLayout,
     .takes = takes::layout_name(),
     .help = "a layout that the stream fits to its end; LAYOUT.FIELD = VALUE asks for a field"},
    {.name = kFrom,
     .takes = takes::prefixes(&core::Service::from),
     .help = "clients that may come to this service, as an address or a prefix; for others it says "
             "no; by default all"},
    {.name = kNotFrom,
     .takes = takes::prefixes(&core::Service::not_from),
     .help = "clients for which this service says no; of from and not-from the longest prefix "
             "decides"},
    {.name = "maxconn",
     .takes = takes::number(&core::Service::maxconn, 0, kMostConnections),
     .default_text = "0",
     .unit = "connections",
     .help = "connections of this service at once; further ones are closed; 0 is no limit"},
    {.name = "maxconn-source",
     .takes = takes::number(&core::Service::maxconn_source, 0, kMostConnections),
     .default_text = "0",
     .unit = "connections",
     .help = "connections of one source to this service at once; further ones are closed; 0 is no "
             "limit"},
    {.name = kLog,
     .takes = takes::log_items(&core::Service::log, core::kLogWords),
     .help =
         "the same for the connections of this service: a word replaces that of the global key, "
         "fields follow its fields"},
    {.name = "connect",
     .takes = takes::targets(&core::Connect::targets),
     .help = "address to relay to; several are tried in order"},
    {.name = "connect-timeout",
     .takes = takes::seconds(&core::Connect::timeout, 1, kLongestConnect),
     .default_text = "5",
     .unit = "seconds",
     .help = "how long one target may take to answer before the next is tried"},
    {.name = "proxy",
     .takes = takes::word<&core::Connect::proxy>(core::kProxyWords),
     .default_text = "no",
     .help = "a header of the PROXY protocol, which tells the target who the client is"},
    {.name = kProxyTlv,
     .takes = takes::proxy_tlvs(&core::Connect::proxy_tlv),
     .help =
         "what the header of version 2 has, too: crc32c, unique-id, or a field as authority, alpn "
         "or 0xE0"},
    {.name = kTransparent,
     .takes = takes::yes_no(&core::Connect::transparent),
     .default_text = "no",
     .help = "yes gives the target the client's own address; needs routes, see "
             "portsplit.conf(5)"},
    {.name = "keepalive",
     .takes = takes::number(&core::Service::keepalive, 0, kLongestKeepalive),
     .default_text = "120",
     .unit = "seconds",
     .help = "silence before the kernel probes whether a peer is alive; 0 is no probe"},
    {.name = "nodelay",
     .takes = takes::yes_no(&core::Service::no_delay),
     .default_text = "yes",
     .help = "yes sends small segments at once, no waits to join them"},
    {.name = "user-timeout",
     .takes = takes::number(&core::Service::user_timeout, 0, kLongestKeepalive),
     .default_text = "0",
     .unit = "seconds",
     .help = "how long a peer may take no data before the connection is reset; 0 is as long as the "
             "kernel tries"},
    {.name = "half-closed",
     .takes = takes::seconds(&core::Service::half_closed, 0, kLongestTimeout),
     .default_text = "0",
     .unit = "seconds",
     .help = "silence that closes a relay after one side has ended its stream; 0 is no limit"},
    {.name = "idle",
     .takes = takes::seconds(&core::Service::idle, 0, kLongestTimeout),
     .default_text = "0",
     .unit = "seconds",
     .help = "silence in both directions that closes a relay; 0 is no limit"},
    {.name = "exec",
     .takes = takes::program(&core::Exec::program),
     .help = "program to start on the connection, never through a shell"},
    {.name = "execarg",
     .takes = takes::text(&core::Exec::arguments),
     .help = "one argument of the program"},
    {.name = "argv0",
     .takes = takes::text(&core::Exec::argv0),
     .help = "argument 0 of the program; by default the value of exec"},
    {.name = "stdio",
     .takes = takes::word<&core::Exec::stdio>(kStdioWords),
     .default_text = "socket",
     .help = "what the program's standard input and output are"},
    {.name = "pty",
     .takes = takes::yes_no_for<&core::Exec::stdio>("stdio", core::Stdio::Pty),
     .default_text = "no",
     .help = "yes is the old form of stdio = pty"},
    {.name = "stderr",
     .takes = takes::word<&core::Exec::stderr_to>(kStderrWords),
     .default_text = "log",
     .help = "where the program's standard error goes"},
    {.name = kUser,
     .takes = takes::user_name(&core::Exec::user),
     .help = "the user that the program runs as, in the place of the one above the services"},
    {.name = kGroup,
     .takes = takes::group_name(&core::Exec::group),
     .help = "the group that the program runs as, in the place of the groups of its user"},
    {.name = "limit",
     .takes = takes::resource_limits(&core::Exec::limits),
     .help = "what the program may use, by the names of prlimit(1): nofile 1024, or nofile "
             "1024:4096 for soft and hard"},
    {.name = "nice",
     .takes = takes::nice(&core::Exec::nice),
     .help = "the nice value of the program, -20 to 19; by default that of portsplitd"},
    {.name = "directory",
     .takes = takes::folder(&core::Exec::directory),
     .default_text = "/",
     .help = "the folder in which the program starts"},
    {.name = "umask",
     .takes = takes::octal(&core::Exec::umask),
     .default_text = "022",
     .help = "permissions that files made by the program do not get, in octal"},
    {.name = kEnv,
     .takes = takes::variables(&core::Exec::env),
     .help = "a variable in the environment of the program"},
    {.name = "passenv",
     .takes = takes::variable_names(&core::Exec::passenv),
     .help = "a variable that the program gets from the environment of portsplitd"},
    {.name = "grace",
     .takes = takes::seconds(&core::Exec::grace, 0, kLongestTimeout),
     .default_text = "60",
     .unit = "seconds",
     .help = "the wait from HUP to TERM, and to KILL, once the client is gone; 0 is no signal"},
    {.name = kPenalty,
     .takes = takes::penalties(&core::Service::penalty),
     .help =
         "how long a source is refused after the program of its connection ended with this exit "
         "code, or by a signal"},
    {.name = kInclude,
     .takes = takes::included_file(),
     .help = "a file to read here: a name in the library of patterns, or a path with a /"},
});

}  // namespace

std::span<const Key> keys() { return kKeys; }

const Key* find_key(std::string_view name) {
    const auto found = std::ranges::find(keys(), name, &Key::name);
    return found == keys().end() ? nullptr : &*found;
}

const Key* find_key(std::string_view name, Place section) {
    const auto found = std::ranges::find_if(
        keys(), [&](const Key& key) { return key.name == name && stands_in(key, section); });
    return found == keys().end() ? nullptr : &*found;
}

}  // namespace portsplit::config
