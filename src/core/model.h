#pragma once
// The model: the content of a configuration file as plain values, the same for both spellings.
// Nothing here is compiled, opened or resolved. config/ reads and writes it; core/plan.h compiles
// it.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "core/endpoint.h"
#include "core/memory.h"
#include "core/source.h"

namespace portsplit::core {

inline constexpr const char* kFallback = "fallback";
inline constexpr const char* kTimeout = "timeout";
/// The listener of the `bind`s above the services.
inline constexpr const char* kMain = "main";

/// The largest value of `window`, in bytes.
inline constexpr std::size_t kLargestWindow = 65536;

enum class PatternKind {
    String,  ///< `text` is the bytes themselves: escapes are resolved
    Hex,     ///< `text` is in the notation of core/hex.h
    Regex,   ///< `text` is an expression of PCRE2
};

/// A pattern as it stands in the file.
struct PatternSource {
    PatternKind kind = PatternKind::String;
    Text text;

    bool operator==(const PatternSource&) const = default;
};

/// One line of a layout.
struct LayoutRule {
    Text name;
    Text text;  ///< in the notation of core/layout_text.h

    bool operator==(const LayoutRule&) const = default;
};

/// How the first bytes of a protocol lie, as it stands in the file; core/layout.h compiles it.
struct LayoutSource {
    Text name;
    List<LayoutRule> rules;

    bool operator==(const LayoutSource&) const = default;
};

/// What a service asks of one field: any of the values is enough. core/field_test.h reads them.
struct FieldCondition {
    Text field;
    List<Text> values;

    bool operator==(const FieldCondition&) const = default;
};

/// What a service asks of one layout: all of it must hold.
struct LayoutPattern {
    Text layout;
    bool whole = false;  ///< the stream fits the layout from its first byte to the layout's end
    List<FieldCondition> conditions;

    bool operator==(const LayoutPattern&) const = default;
};

/// What a program gets as descriptors 0 and 1: the client's socket, two pipes, or a terminal.
enum class Stdio { Socket, Pipe, Pty };

/// Where the output of a program's descriptor 2 goes.
enum class StderrTo { Log, Null, Client };

/// Starts a local program on the connection.
struct Exec {
    Text program;
    List<Text> arguments;  ///< without argument 0
    Stdio stdio = Stdio::Socket;
    StderrTo stderr_to = StderrTo::Log;
    Text argv0{};          ///< argument 0; empty: `program`
    Text directory = "/";  ///< where the program starts
    Text umask = "022";    ///< octal
    List<Text> env{};      ///< NAME=VALUE, or `NAME LAYOUT.FIELD` for a field
    List<Text> passenv{};  ///< names of the daemon's variables that the program gets
    // Who the program runs as; both empty: as Config has it. src/run_as.h reads them.
    Text user{};
    Text group{};
    List<Text> limits{};  ///< core/resource_limit.h reads them
    Text nice{};          ///< -20 to 19; empty: that of the daemon
    /// How long a program may go on after HUP, and after TERM, once its client is gone; 0: for ever.
    std::chrono::milliseconds grace{60000};

    bool operator==(const Exec&) const = default;
};

/// Whether a target gets a header of the PROXY protocol in front of the client's bytes, and of which version.
enum class ProxyHeader { None, V1, V2 };
/// The word for each.
inline constexpr std::array<std::string_view, 3> kProxyWords{"no", "v1", "v2"};

/// Relays to the first target that accepts a connection.
struct Connect {
    List<Endpoint> targets;
    /// The time for each target: for its name and all its addresses together.
    std::chrono::milliseconds timeout{5000};
    ProxyHeader proxy = ProxyHeader::None;
    /// What a header of version 2 has, too: core/passed_fields.h reads them.
    List<Text> proxy_tlv{};
    bool transparent = false;  ///< the target sees the client's address (ip(7) IP_TRANSPARENT)

    bool operator==(const Connect&) const = default;
};

using Action = std::variant<Exec, Connect>;

/// At most `count` in any `seconds`. A count of 0 is no limit.
struct Rate {
    std::size_t count = 0;
    std::size_t seconds = 1;

    bool operator==(const Rate&) const = default;
};

/// For how long new connections of a source are refused after one of its connections ended in some way.
struct Penalty {
    enum class Cause : std::uint8_t {
        Undecided,  ///< no service was chosen, or only `timeout`, and the client sent nothing to that
        Crash,      ///< its dispatcher crashed
        Rate,       ///< the source came more often than `rate-source` lets it
        Exit,       ///< the service's program ended with the exit code `code`
        Signal,     ///< a signal ended the service's program
    };
    Cause cause = Cause::Undecided;
    std::uint8_t code = 0;    ///< for Exit
    std::size_t seconds = 0;  ///< 0: none

    bool operator==(const Penalty&) const = default;
};

struct Service {
    Text name;
    List<PatternSource> patterns;
    Action action;
    /// How long a connection is silent before the kernel probes whether the peer is alive; 0: no probes.
    std::size_t keepalive = 120;  ///< seconds
    bool no_delay = true;         ///< small segments are sent at once (tcp(7) TCP_NODELAY)
    /// How long a peer may take no data before the connection is reset (tcp(7) TCP_USER_TIMEOUT); 0: as long as
    /// the kernel lets it.
    std::size_t user_timeout = 0;  ///< seconds
    /// How long a relay may move no byte before it is closed; 0: for ever.
    std::chrono::milliseconds half_closed{0};  ///< after one direction has ended
    std::chrono::milliseconds idle{0};         ///< while both are open
    List<LayoutPattern> layouts{};  ///< one for each layout that it asks; patterns like the others
    List<Text> log{};               ///< as that of Config, for the connections of this service
    // Of which clients it is asked at all; core/access.h reads them.
    List<Prefix> from{};
    List<Prefix> not_from{};
    // How many of its connections there are at the same time, of all clients and of one source; 0: no limit.
    std::size_t maxconn = 0;
    std::size_t maxconn_source = 0;
    List<Penalty> penalty{};  ///< of the causes Exit and Signal

    /// Returns false for a service that has clients as a last resort only.
    bool has_patterns() const { return !patterns.empty() || !layouts.empty(); }

    /// Returns true for `fallback` and `timeout`. They have no patterns, and their place among the
    /// services means nothing.
    bool is_last_resort() const { return name == kFallback || name == kTimeout; }
    bool operator==(const Service&) const = default;
};

/// Which lines the log has for a connection.
enum class LogLines {
    End,    ///< one at its end; of a source with many, some
    Start,  ///< one when its service is chosen, and one at its end
    None,   ///< no line; failures are logged all the same
    All,    ///< one at its end, however many a source has
};
/// The word for each.
inline constexpr std::array<std::string_view, 4> kLogWords{"end", "start", "no", "all"};

/// A set of listening sockets, and what applies to the connections that they accept.
struct Listener {
    Text name = kMain;
    List<Endpoint> bind{};
    std::chrono::milliseconds timeout{3000};  ///< the deadline, from accept; 0: none
    List<Text> services{};                    ///< names of those that are asked; empty: all
    // Names of the services that are the last resorts here; empty: the one that is called so.
    Text fallback{};
    Text on_timeout{};
    // Whose connections are served; core/access.h reads them.
    List<Prefix> allow{};
    List<Prefix> deny{};
    List<Prefix> proxy_from{};  ///< whose connections must begin with a PROXY header
    Text interface {};          ///< the only one that its sockets serve (socket(7)); empty: all
    bool freebind = false;      ///< its addresses need not exist yet (ip(7) IP_FREEBIND)
    bool mptcp = false;         ///< its sockets take Multipath TCP, if the kernel has it (RFC 8684)
    // How many connections one source has here, and how many are undecided; 0: no limit. core/budgets.h has the
    // limits where none is given.
    std::optional<std::size_t> maxconn_source{};
    std::optional<std::size_t> maxundecided{};
    Rate rate_source{};       ///< how often one source may connect
    List<Penalty> penalty{};  ///< of the causes Undecided, Crash and Rate

    bool operator==(const Listener&) const = default;
};

/// Whether the processes that read bytes of clients give up what they do not need.
enum class Sandbox {
    Auto,      ///< as far as the kernel lets them
    Required,  ///< they do not start without it
    Off,
};
/// The word for each.
inline constexpr std::array<std::string_view, 3> kSandboxWords{"auto", "required", "off"};

struct Config {
    Listener top;                ///< what is written above the services
    List<Listener> listeners;    ///< the sections, with what they have from the top
    std::size_t maxconn = 1000;  ///< connections at the same time; 0: no limit
    std::size_t window = 16384;  ///< how many first bytes are looked at
    Text pid;                    ///< path of the pid file; empty: none
    Text user;                   ///< the dispatchers run as this user; empty: no change
    Text group;
    Sandbox sandbox = Sandbox::Auto;
    List<Text> log{};  ///< one of kLogWords, and fields `LAYOUT.FIELD`; core/passing.h reads them
    List<Service> services;
    List<LayoutSource> layouts{};  ///< those that services ask

    bool operator==(const Config&) const = default;
};

}  // namespace portsplit::core
