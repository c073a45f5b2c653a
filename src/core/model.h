#pragma once
// The model: what a configuration file says, in the program's own types, whichever spelling said
// it. Plain values that can be compared; nothing here is compiled, opened or resolved.

#include <chrono>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "core/endpoint.h"

namespace portsplit::core {

inline constexpr const char* kFallback = "fallback";
inline constexpr const char* kTimeout = "timeout";

/// The largest `window` a configuration may ask for, in bytes.
inline constexpr std::size_t kLargestWindow = 65536;

enum class PatternKind {
    String,  ///< the bytes themselves, escapes resolved
    Hex,     ///< the notation of core/hex.h
    Regex,   ///< an expression of PCRE2
};

/// A pattern as the user wrote it.
struct PatternSource {
    PatternKind kind = PatternKind::String;
    std::string text;

    bool operator==(const PatternSource&) const = default;
};

/// What a program's descriptors 0 and 1 are: the client's socket itself, two pipes, or a terminal.
enum class Stdio { Socket, Pipe, Pty };

/// Where a program's descriptor 2 leads.
enum class StderrTo { Log, Null, Client };

/// Start a local program on the connection. `arguments` are what follows its own name.
struct Exec {
    std::string program;
    std::vector<std::string> arguments;
    Stdio stdio = Stdio::Socket;
    StderrTo stderr_to = StderrTo::Log;

    bool operator==(const Exec&) const = default;
};

/// Relay to the first of these that answers.
struct Connect {
    std::vector<Endpoint> targets;

    bool operator==(const Connect&) const = default;
};

using Action = std::variant<Exec, Connect>;

struct Service {
    std::string name;
    std::vector<PatternSource> patterns;
    Action action;

    /// `fallback` and `timeout` are last resorts: without patterns, wherever they stand.
    bool is_last_resort() const { return name == kFallback || name == kTimeout; }
    bool operator==(const Service&) const = default;
};

struct Config {
    std::vector<Endpoint> bind;
    std::chrono::milliseconds timeout{5000};  ///< the deadline, from accept; 0 waits for ever
    std::size_t maxconn = 1000;               ///< connections served at once; 0 is no limit
    std::size_t window = 4096;                ///< how many first bytes may be looked at
    std::string pid;                          ///< path of the pid file; empty for none
    std::string user;                         ///< who the dispatchers run as; empty for no change
    std::string group;
    std::vector<Service> services;

    bool operator==(const Config&) const = default;
};

}  // namespace portsplit::core
