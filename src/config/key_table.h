#pragma once
// The one table of options. The readers, the writer, the manual's table of keys and the completion
// of the shells derive from it: an option is added by adding its row.

#include <chrono>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/model.h"

namespace portsplit::config {

enum class Place { Global, Service, Both };

/// The one key that never reaches the model: include.h puts what it names in its place.
inline constexpr std::string_view kInclude = "include";

/// What kind of value an option takes.
enum class Type {
    Listener,  ///< ADDR:PORT to listen on
    Target,    ///< HOST:PORT to connect to
    Seconds,   ///< with fraction, kept in milliseconds
    Number,    ///< whole
    Path,      ///< of a file, absolute
    Account,   ///< a user or a group
    Bytes,     ///< the one type with escapes: `\XX`
    Hex,       ///< bytes in hex, with wildcards and ranges
    Regex,     ///< an expression of PCRE2
    Program,   ///< absolute path, or a name to look up
    Text,      ///< as it stands, may be empty
    Word,      ///< one of `words`
    YesNo,     ///< yes, no, true, false
    Include,   ///< of a file: its name in the library, or a path
};

/// The place in the model where a value lands, and so its type in C++. A list collects.
using Field = std::variant<std::vector<core::Endpoint> core::Config::*,   //
                           std::chrono::milliseconds core::Config::*,     //
                           std::size_t core::Config::*,                   //
                           std::string core::Config::*,                   //
                           core::PatternKind,                             // Service::patterns
                           std::vector<core::Endpoint> core::Connect::*,  //
                           std::string core::Exec::*,                     //
                           std::vector<std::string> core::Exec::*,        //
                           core::Stdio core::Exec::*,                     //
                           core::StderrTo core::Exec::*,                  //
                           std::monostate>;  // nowhere: resolved before

struct Option {
    std::string_view key;
    Place place = Place::Global;
    Type type = Type::Text;
    Field field;
    bool repeatable = false;
    std::size_t smallest = 0;  ///< of a Number
    std::size_t largest = std::numeric_limits<std::size_t>::max();
    std::span<const std::string_view> words = {};  ///< of a Word, in the order of the enumerators
    std::string_view default_text = {};            ///< empty: none
    std::string_view unit = {};
    std::string_view help = {};      ///< one line
    std::string_view alias_of = {};  ///< the key that is today's way to say it; never written
};

/// All options, in the order in which they are documented and written.
std::span<const Option> options();

/// The option of that key, or null.
const Option* find_option(std::string_view key);

/// Whether a key may stand in the global section or in a service.
bool stands_in(const Option& option, Place section);

/// The form of a value in documentation: `ADDR:PORT`, `SECONDS`, `socket|pipe|pty`.
std::string form(const Option& option);

/// Whether it says how a program is started, and so means nothing without `exec`.
bool describes_exec(const Option& option);

}  // namespace portsplit::config
