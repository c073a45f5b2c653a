#include "config/key_table.h"

#include <algorithm>
#include <array>

namespace portsplit::config {
namespace {

constexpr std::array<std::string_view, 3> kStdioWords{"socket", "pipe", "pty"};
constexpr std::array<std::string_view, 3> kStderrWords{"log", "null", "client"};

constexpr auto kOptions = std::to_array<Option>({
    {.key = "bind",
     .place = Place::Global,
     .type = Type::Listener,
     .field = &core::Config::bind,
     .repeatable = true,
     .help = "address and port to listen on; * is every address of both families"},
    {.key = "timeout",
     .place = Place::Global,
     .type = Type::Seconds,
     .field = &core::Config::timeout,
     .default_text = "5",
     .unit = "seconds",
     .help = "how long a connection may stay undecided, from accept; 0 waits for ever"},
    {.key = "maxconn",
     .place = Place::Global,
     .type = Type::Number,
     .field = &core::Config::maxconn,
     .largest = 1'000'000,
     .default_text = "1000",
     .unit = "connections",
     .help = "connections served at once; more wait in the kernel's queue; 0 is no limit"},
    {.key = "window",
     .place = Place::Global,
     .type = Type::Number,
     .field = &core::Config::window,
     .smallest = 1,
     .largest = core::kLargestWindow,
     .default_text = "4096",
     .unit = "bytes",
     .help = "how many first bytes of a connection may be looked at"},
    {.key = "pid",
     .place = Place::Global,
     .type = Type::Path,
     .field = &core::Config::pid,
     .help = "file to write the process id to"},
    {.key = "user",
     .place = Place::Global,
     .type = Type::Account,
     .field = &core::Config::user,
     .help = "who serves the connections, when started by root"},
    {.key = "group",
     .place = Place::Global,
     .type = Type::Account,
     .field = &core::Config::group,
     .help = "the group of those who serve, when started by root"},
    {.key = "string",
     .place = Place::Service,
     .type = Type::Bytes,
     .field = core::PatternKind::String,
     .repeatable = true,
     .help = "the stream begins with these bytes; \\XX is a byte in hex"},
    {.key = "hex",
     .place = Place::Service,
     .type = Type::Hex,
     .field = core::PatternKind::Hex,
     .repeatable = true,
     .help = "the same in hex: 16 03 00-04 ?? 3? ?8; ? is any digit, a-b a range"},
    {.key = "regex",
     .place = Place::Service,
     .type = Type::Regex,
     .field = core::PatternKind::Regex,
     .repeatable = true,
     .help = "a PCRE2 expression that matches from the first byte of the stream on"},
    {.key = "connect",
     .place = Place::Service,
     .type = Type::Target,
     .field = &core::Connect::targets,
     .repeatable = true,
     .help = "address to relay to; several are tried in order"},
    {.key = "exec",
     .place = Place::Service,
     .type = Type::Program,
     .field = &core::Exec::program,
     .help = "program to start on the connection, never through a shell"},
    {.key = "execarg",
     .place = Place::Service,
     .type = Type::Text,
     .field = &core::Exec::arguments,
     .repeatable = true,
     .help = "one argument of the program"},
    {.key = "stdio",
     .place = Place::Service,
     .type = Type::Word,
     .field = &core::Exec::stdio,
     .words = kStdioWords,
     .default_text = "socket",
     .help = "what the program's standard input and output are"},
    {.key = "pty",
     .place = Place::Service,
     .type = Type::YesNo,
     .field = &core::Exec::stdio,
     .default_text = "no",
     .help = "yes is the old word for stdio = pty",
     .alias_of = "stdio"},
    {.key = "stderr",
     .place = Place::Service,
     .type = Type::Word,
     .field = &core::Exec::stderr_to,
     .words = kStderrWords,
     .default_text = "log",
     .help = "where the program's standard error goes"},
    {.key = kInclude,
     .place = Place::Both,
     .type = Type::Include,
     .field = std::monostate{},
     .repeatable = true,
     .help = "a file to read in this place: a name from the library of patterns, or a path with /"},
});

}  // namespace

std::span<const Option> options() { return kOptions; }

const Option* find_option(std::string_view key) {
    const auto found = std::find_if(kOptions.begin(), kOptions.end(),
                                    [&](const Option& option) { return option.key == key; });
    return found == kOptions.end() ? nullptr : &*found;
}

bool stands_in(const Option& option, Place section) {
    return option.place == section || option.place == Place::Both;
}

std::string form(const Option& option) {
    switch (option.type) {
        case Type::Listener:
            return "ADDR:PORT";
        case Type::Target:
            return "HOST:PORT";
        case Type::Seconds:
            return "SECONDS";
        case Type::Number:
            return "NUMBER";
        case Type::Path:
            return "PATH";
        case Type::Account:
            return "NAME";
        case Type::Bytes:
            return "BYTES";
        case Type::Hex:
            return "HEX";
        case Type::Regex:
            return "EXPRESSION";
        case Type::Program:
            return "PROGRAM";
        case Type::Text:
            return "TEXT";
        case Type::YesNo:
            return "yes|no";
        case Type::Include:
            return "NAME|PATH";
        case Type::Word:
            break;
    }
    std::string words;
    for (const std::string_view word : option.words) {
        if (!words.empty()) words += '|';
        words += word;
    }
    return words;
}

bool describes_exec(const Option& option) {
    return std::holds_alternative<std::vector<std::string> core::Exec::*>(option.field) ||
           std::holds_alternative<core::Stdio core::Exec::*>(option.field) ||
           std::holds_alternative<core::StderrTo core::Exec::*>(option.field);
}

}  // namespace portsplit::config
