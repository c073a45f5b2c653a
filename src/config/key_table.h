#pragma once
// The table of keys. A row has the key's name, where it may be written, which values it takes, and the
// member of the model that it sets. The readers, the writer, the checks of place and portsplit.conf(5)
// are derived from it.
//
// A new key is a member in core/model.h, a row in key_table.cc, and the code that uses the member.

#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/model.h"

namespace portsplit::config {

/// Where a key may be written.
enum class Place {
    Global,     ///< above the services
    Listening,  ///< above the services, and in a listener
    Listener,   ///< in a listener
    Service,    ///< in a service
    Exec,       ///< in a service that has `exec`
    Connect,    ///< in a service that has `connect`
    Both,       ///< above the services and in them
};

/// How the text of a value is read. Namespace `takes` has a function for each.
enum class Type {
    Bind,          ///< ADDR:PORT to listen on
    Target,        ///< HOST:PORT to connect to
    Seconds,       ///< with fraction, kept in milliseconds
    Number,        ///< whole
    Path,          ///< of a file, absolute
    Folder,        ///< of a folder that this machine has, absolute
    UserName,      ///< the name or number of a user that this machine has
    GroupName,     ///< the name or number of a group that this machine has
    Bytes,         ///< the one type with escapes: `\XX`
    Hex,           ///< bytes in hex, with wildcards and ranges
    Regex,         ///< an expression of PCRE2
    Program,       ///< absolute path, or a name to look up in PATH
    Text,          ///< as it stands, may be empty
    Octal,         ///< the permissions of a file, 0 to 0777
    Variable,      ///< NAME=VALUE, or `NAME LAYOUT.FIELD`
    VariableName,  ///< NAME, of a variable
    Word,          ///< one of `words`
    LogItem,       ///< one of `words`, or LAYOUT.FIELD
    YesNo,    ///< yes, no, true, false. With `alias_of`, yes sets that key to the enumerator `yes`
    Include,  ///< of a file: its name in the library, or a path
    Layout,   ///< the name of a layout
    ServiceName,  ///< of a service of the configuration
    ProxyTlv,     ///< crc32c, unique-id, or a type and LAYOUT.FIELD
    Prefix,       ///< addresses that begin alike, or `unix`, or `none`
    Rate,         ///< COUNT/SECONDS, or 0
    Penalty,      ///< a cause and whole seconds
    Limit,        ///< what a program may use: a name of core/resource_limit.h and SOFT:HARD
    Nice,         ///< a nice value
};

/// A member of any enumeration, read and written as the number of its enumerator.
template <typename Owner>
struct Enumerated {
    std::size_t (*get)(const Owner&);
    void (*set)(Owner&, std::size_t);

    bool operator==(const Enumerated&) const = default;
};

/// The members of these structs that a key can set. A key whose member is a list appends each value.
template <typename... Owners>
using FieldOf = std::variant<core::PatternKind,  // those of Service::patterns that are of this kind
                             bool Owners::*...,  //
                             std::size_t Owners::*...,                 //
                             std::optional<std::size_t> Owners::*...,  //
                             std::chrono::milliseconds Owners::*...,   //
                             core::Text Owners::*...,                  //
                             core::List<core::Text> Owners::*...,      //
                             core::List<core::Endpoint> Owners::*...,  //
                             core::List<core::Prefix> Owners::*...,    //
                             core::Rate Owners::*...,                  //
                             core::List<core::Penalty> Owners::*...,   //
                             Enumerated<Owners>...>;
using Field = FieldOf<core::Config, core::Listener, core::Service, core::Exec, core::Connect>;

/// The values of a key: their form as text, and the member of the model that they set. Made by the
/// functions of namespace `takes`, so that the form fits the member.
struct Takes {
    Type type = Type::Text;
    Place place = Place::Global;
    bool repeatable = false;
    std::optional<Field> field = std::nullopt;  ///< none for `include`: see kInclude
    /// Of a Number, and of Seconds in whole ones.
    std::size_t smallest = 0;
    std::size_t largest = std::numeric_limits<std::size_t>::max();
    /// Of a Word. The order matters: it is that of the enumerators.
    std::span<const std::string_view> words = {};
    std::string_view alias_of = {};  ///< of YesNo; such a key is read, and never written
    std::size_t yes = 0;             ///< with `alias_of`: the enumerator that `yes` stands for
};

/// A row.
struct Key {
    std::string_view name;
    Takes takes;
    std::string_view default_text = {};  ///< the model's default as text; empty: none
    std::string_view unit = {};
    std::string_view help = {};  ///< one line
};

/// All keys, in the order in which they are documented and written.
std::span<const Key> keys();

/// The structs of a model that a section sets.
template <typename Config, typename Listener, typename Service>
struct Owners {
    Config* config;
    Listener* listener;  ///< null for a service
    Service* service;    ///< null for another section
};

/// Returns the struct of a model that has a field; null if the section is of another kind, or if the service
/// has the other action.
template <typename Owner, typename Config, typename Listener, typename Service>
auto* owner_in(const Owners<Config, Listener, Service>& owners) {
    if constexpr (std::is_same_v<Owner, core::Config>) {
        return owners.config;
    } else if constexpr (std::is_same_v<Owner, core::Listener>) {
        return owners.listener;
    } else if constexpr (std::is_same_v<Owner, core::Service>) {
        return owners.service;
    } else {
        return std::get_if<Owner>(&owners.service->action);
    }
}

/// Returns the first key of that name, or null.
const Key* find_key(std::string_view name);

/// Returns the key of that name in that kind of section, or null: `log` has a row for each.
/// @param section  Global, Listener or Service
const Key* find_key(std::string_view name, Place section);

/// The only key that does not reach the model: include.h replaces it by the content of the file that it
/// names, before a section is read.
inline constexpr std::string_view kInclude = "include";

// Of a listener: names of services. In libconfig `services` is also the group of all of them.
inline constexpr std::string_view kServices = "services";
inline constexpr std::string_view kFallbackKey = "fallback";
inline constexpr std::string_view kOnTimeout = "on-timeout";

// Lists of clients.
inline constexpr std::string_view kAllow = "allow";
inline constexpr std::string_view kDeny = "deny";
inline constexpr std::string_view kProxyFrom = "proxy-from";
inline constexpr std::string_view kInterface = "interface";
inline constexpr std::string_view kTransparent = "transparent";
inline constexpr std::string_view kFrom = "from";
inline constexpr std::string_view kNotFrom = "not-from";

/// Names layouts that a stream fits as a whole. It sets Service::layouts together with the conditions
/// `LAYOUT.FIELD`, which are no keys of the table: layouts.h reads both.
inline constexpr std::string_view kLayout = "layout";

inline constexpr std::string_view kSandbox = "sandbox";
inline constexpr std::string_view kUser = "user";
inline constexpr std::string_view kGroup = "group";

/// Has a row for listeners and one for services with `exec`, with other causes: limits.h.
inline constexpr std::string_view kPenalty = "penalty";

/// Their values may be fields, which are passed on: core/passed_fields.h.
inline constexpr std::string_view kLog = "log";
inline constexpr std::string_view kEnv = "env";
inline constexpr std::string_view kProxyTlv = "proxy-tlv";

/// Returns true if a key may be written in that kind of section.
/// @param section  Global, Listener or Service
constexpr bool stands_in(const Key& key, Place section) {
    switch (key.takes.place) {
        case Place::Both:
            return section != Place::Listener;
        case Place::Listening:
            return section != Place::Service;
        case Place::Global:
        case Place::Listener:
            return section == key.takes.place;
        default:
            return section == Place::Service;
    }
}

/// Returns true if a key of that kind of section is written: it sets a member, and is no old form.
inline bool is_written(const Key& key, Place section) {
    return stands_in(key, section) && key.takes.field && key.takes.alias_of.empty();
}

/// One function for each Type. A member that is a list makes a key that may be repeated.
namespace takes {

template <typename Owner>
constexpr Place place_of() {
    if (std::is_same_v<Owner, core::Config>) return Place::Global;
    if (std::is_same_v<Owner, core::Listener>) return Place::Listening;
    if (std::is_same_v<Owner, core::Exec>) return Place::Exec;
    if (std::is_same_v<Owner, core::Connect>) return Place::Connect;
    return Place::Service;
}

template <typename Owner, typename T>
constexpr Takes into(Type type, T Owner::*field) {
    return {.type = type, .place = place_of<Owner>(), .field = field};
}

template <typename Owner, typename T>
constexpr Takes into(Type type, core::List<T> Owner::*field) {
    return {.type = type, .place = place_of<Owner>(), .repeatable = true, .field = field};
}

template <typename Owner>
constexpr Takes binds(core::List<core::Endpoint> Owner::*field) {
    return into(Type::Bind, field);
}

template <typename Owner>
constexpr Takes targets(core::List<core::Endpoint> Owner::*field) {
    return into(Type::Target, field);
}

template <typename Owner>
constexpr Takes seconds(std::chrono::milliseconds Owner::*field, std::size_t smallest,
                        std::size_t largest) {
    Takes made = into(Type::Seconds, field);
    made.smallest = smallest;
    made.largest = largest;
    return made;
}

/// @param field  a number; std::optional where the default is no constant
template <typename Owner, typename T>
constexpr Takes number(T Owner::*field, std::size_t smallest, std::size_t largest) {
    Takes made = into(Type::Number, field);
    made.smallest = smallest;
    made.largest = largest;
    return made;
}

template <typename Owner>
constexpr Takes path(core::Text Owner::*field) {
    return into(Type::Path, field);
}

template <typename Owner>
constexpr Takes folder(core::Text Owner::*field) {
    return into(Type::Folder, field);
}

template <typename Owner>
constexpr Takes octal(core::Text Owner::*field) {
    return into(Type::Octal, field);
}

template <typename Owner>
constexpr Takes variables(core::List<core::Text> Owner::*field) {
    return into(Type::Variable, field);
}

template <typename Owner>
constexpr Takes variable_names(core::List<core::Text> Owner::*field) {
    return into(Type::VariableName, field);
}

template <typename Owner>
constexpr Takes yes_no(bool Owner::*field) {
    return into(Type::YesNo, field);
}

template <typename Owner>
constexpr Takes user_name(core::Text Owner::*field) {
    return into(Type::UserName, field);
}

template <typename Owner>
constexpr Takes group_name(core::Text Owner::*field) {
    return into(Type::GroupName, field);
}

template <typename Owner>
constexpr Takes program(core::Text Owner::*field) {
    return into(Type::Program, field);
}

/// @param field  a text, or a list of them
template <typename Owner, typename T>
constexpr Takes text(T Owner::*field) {
    return into(Type::Text, field);
}

constexpr Takes patterns(core::PatternKind kind) {
    const Type type = kind == core::PatternKind::String ? Type::Bytes
                      : kind == core::PatternKind::Hex  ? Type::Hex
                                                        : Type::Regex;
    return {.type = type, .place = Place::Service, .repeatable = true, .field = kind};
}

template <typename>
struct Member;
template <typename O, typename E>
struct Member<E O::*> {
    using Owner = O;
    using Enum = E;
};

/// @tparam kField  a member of any enumeration
/// @param words  one for each enumerator, in their order
template <auto kField>
constexpr Takes word(std::span<const std::string_view> words) {
    using Owner = typename Member<decltype(kField)>::Owner;
    using Enum = typename Member<decltype(kField)>::Enum;
    static_assert(std::is_enum_v<Enum>);
    return {.type = Type::Word,
            .place = place_of<Owner>(),
            .field = Enumerated<Owner>{
                [](const Owner& owner) { return static_cast<std::size_t>(owner.*kField); },
                [](Owner& owner, std::size_t number) { owner.*kField = Enum(number); }},
            .words = words};
}

/// An old yes-or-no key for a member that now has a key with words. `yes` sets one enumerator; `no`
/// sets nothing. Both keys may be given if they agree.
/// @param key  the name of the key with words
template <auto kField>
constexpr Takes yes_no_for(std::string_view key, typename Member<decltype(kField)>::Enum yes) {
    Takes made = word<kField>({});
    made.type = Type::YesNo;
    made.alias_of = key;
    made.yes = static_cast<std::size_t>(yes);
    return made;
}

/// @param words  beside fields
template <typename Owner>
constexpr Takes log_items(core::List<core::Text> Owner::*field,
                          std::span<const std::string_view> words) {
    Takes made = into(Type::LogItem, field);
    made.words = words;
    return made;
}

/// Of a listener alone: above the services it would mean nothing.
/// @param field  a name, or a list of them
template <typename T>
constexpr Takes service_names(T core::Listener::*field) {
    Takes made = into(Type::ServiceName, field);
    made.place = Place::Listener;
    return made;
}

template <typename Owner>
constexpr Takes proxy_tlvs(core::List<core::Text> Owner::*field) {
    return into(Type::ProxyTlv, field);
}

template <typename Owner>
constexpr Takes prefixes(core::List<core::Prefix> Owner::*field) {
    return into(Type::Prefix, field);
}

template <typename Owner>
constexpr Takes rate(core::Rate Owner::*field) {
    return into(Type::Rate, field);
}

/// In a service, only beside `exec`: the end of a target says nothing about a client.
template <typename Owner>
constexpr Takes penalties(core::List<core::Penalty> Owner::*field) {
    Takes made = into(Type::Penalty, field);
    if (made.place == Place::Service) made.place = Place::Exec;
    return made;
}

template <typename Owner>
constexpr Takes resource_limits(core::List<core::Text> Owner::*field) {
    return into(Type::Limit, field);
}

template <typename Owner>
constexpr Takes nice(core::Text Owner::*field) {
    return into(Type::Nice, field);
}

constexpr Takes layout_name() {
    return {.type = Type::Layout, .place = Place::Service, .repeatable = true};
}

constexpr Takes included_file() {
    return {.type = Type::Include, .place = Place::Both, .repeatable = true};
}

}  // namespace takes

}  // namespace portsplit::config
