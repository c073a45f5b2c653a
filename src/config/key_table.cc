#include "config/key_table.h"

#include <array>

namespace portsplit::config {
namespace {

constexpr std::array<std::string_view, 3> kStdioWords{"socket", "pipe", "pty"};
constexpr std::array<std::string_view, 3> kStderrWords{"log", "null", "client"};

/// In seconds. poll(2) takes an int of milliseconds, which is 24 days; a day is far below.
constexpr std::size_t kLongestTimeout = 86400;

constexpr auto kKeys = std::to_array<Key>({
    {.name = "bind",
     .takes = takes::binds(&core::Config::bind),
     .help = "address and port to listen on; * means every address, IPv4 and IPv6"},
    {.name = "timeout",
     .takes = takes::seconds(&core::Config::timeout, 0, kLongestTimeout),
     .default_text = "3",
     .unit = "seconds",
     .help = "how long a connection may stay undecided, from accept; 0 is no limit"},
    {.name = "maxconn",
     .takes = takes::number(&core::Config::maxconn, 0, 1'000'000),
     .default_text = "1000",
     .unit = "connections",
     .help = "connections served at once; more wait in the kernel's accept queue; 0 is no limit"},
    {.name = "window",
     .takes = takes::number(&core::Config::window, 1, core::kLargestWindow),
     .default_text = "4096",
     .unit = "bytes",
     .help = "the largest number of first bytes that are looked at"},
    {.name = "pid",
     .takes = takes::path(&core::Config::pid),
     .help = "file to write the process id to"},
    {.name = "user",
     .takes = takes::user_name(&core::Config::user),
     .help = "the user that serves the connections, if root starts the daemon"},
    {.name = "group",
     .takes = takes::group_name(&core::Config::group),
     .help = "the group that serves the connections, if root starts the daemon"},
    {.name = "string",
     .takes = takes::patterns(core::PatternKind::String),
     .help = "the stream begins with these bytes; \\XX is a byte in hex"},
    {.name = "hex",
     .takes = takes::patterns(core::PatternKind::Hex),
     .help = "the same in hex: 16 03 00-04 ?? 3? ?8; ? is any digit, a-b a range"},
    {.name = "regex",
     .takes = takes::patterns(core::PatternKind::Regex),
     .help = "a PCRE2 expression that must match from the first byte of the stream"},
    {.name = "connect",
     .takes = takes::targets(&core::Connect::targets),
     .help = "address to relay to; several are tried in order"},
    {.name = "exec",
     .takes = takes::program(&core::Exec::program),
     .help = "program to start on the connection, never through a shell"},
    {.name = "execarg",
     .takes = takes::text(&core::Exec::arguments),
     .help = "one argument of the program"},
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
    {.name = kInclude,
     .takes = takes::included_file(),
     .help = "a file to read here: a name in the library of patterns, or a path with a /"},
});

}  // namespace

std::span<const Key> keys() { return kKeys; }

}  // namespace portsplit::config
