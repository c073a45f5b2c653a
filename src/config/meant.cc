#include "config/meant.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "config/spelling.h"
#include "config/wording.h"

namespace portsplit::config {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789ABCDEFabcdef";
constexpr std::string_view kBlanks = " \t";

bool is_blank(char c) { return kBlanks.find(c) != kBlanks.npos; }

bool is_quoted(std::string_view text) {
    if (text.size() < 2 || (text.front() != '"' && text.front() != '\'')) return false;
    return text.find(text.front(), 1) == text.size() - 1;
}

/// Returns where a comment begins: at a # after a blank, or at the beginning before one.
std::size_t comment_in(std::string_view text) {
    for (std::size_t at = text.find('#'); at != text.npos; at = text.find('#', at + 1)) {
        const bool after_blank = at > 0 && is_blank(text[at - 1]);
        const bool alone = at == 0 && text.size() > 1 && is_blank(text[1]);
        if (after_blank || alone) return at;
    }
    return text.npos;
}

/// Returns the two digits of `0x16` or `16`; empty if a word is neither.
std::string_view byte_in(std::string_view word, bool prefixed) {
    if (prefixed) {
        if (!word.starts_with("0x") && !word.starts_with("0X")) return {};
        word.remove_prefix(2);
    }
    const bool even = !word.empty() && word.size() % 2 == 0 && (prefixed || word.size() == 2);
    return even && word.find_first_not_of(kHexDigits) == word.npos ? word : std::string_view{};
}

std::optional<std::string> hex_words(std::string_view text, bool prefixed) {
    std::string hex;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" ,\t"), text.size());
        const std::string_view digits = byte_in(text.substr(0, end), prefixed);
        if (digits.empty()) return std::nullopt;
        for (std::size_t i = 0; i < digits.size(); i += 2) {
            hex += fmt::format("{}{}", hex.empty() ? "" : " ", digits.substr(i, 2));
        }
        text.remove_prefix(end);
        text.remove_prefix(std::min(text.find_first_not_of(" ,\t"), text.size()));
    }
    return hex;
}

/// A unit of time, and how many milliseconds it is.
struct Unit {
    std::string_view name;
    std::uint64_t milliseconds;
};
constexpr auto kUnits = std::to_array<Unit>({
    {"ms", 1},
    {"s", 1000},
    {"sec", 1000},
    {"second", 1000},
    {"seconds", 1000},
    {"m", 60'000},
    {"min", 60'000},
    {"minute", 60'000},
    {"minutes", 60'000},
    {"h", 3'600'000},
});

struct Port {
    std::string_view name;
    std::uint16_t number;
};
/// Service names of IANA (RFC 6335), those that a configuration of this program is likely to have.
constexpr auto kPorts = std::to_array<Port>({
    {"ftp", 21},       {"ssh", 22},          {"telnet", 23},      {"smtp", 25},
    {"domain", 53},    {"gopher", 70},       {"http", 80},        {"kerberos", 88},
    {"pop3", 110},     {"nntp", 119},        {"imap", 143},       {"ldap", 389},
    {"https", 443},    {"submissions", 465}, {"submission", 587}, {"ldaps", 636},
    {"domain-s", 853}, {"rsync", 873},       {"imaps", 993},      {"pop3s", 995},
    {"socks", 1080},   {"openvpn", 1194},    {"mqtt", 1883},      {"cvspserver", 2401},
    {"mysql", 3306},   {"svn", 3690},        {"sip", 5060},       {"xmpp-client", 5222},
    {"amqp", 5672},    {"postgresql", 5432}, {"redis", 6379},     {"http-alt", 8080},
    {"git", 9418},
});

struct KeyOfOthers {
    std::string_view name;
    std::string_view field;
};
/// Of sslh, HAProxy, nginx, Traefik and SNIProxy, or what users try first. Without `_`, `-` and capitals.
constexpr auto kKeysOfOthers = std::to_array<KeyOfOthers>({
    {"sni", "tls.sni"},
    {"tlssni", "tls.sni"},
    {"snihostname", "tls.sni"},
    {"snihostnames", "tls.sni"},
    {"hostsni", "tls.sni"},
    {"servername", "tls.sni"},
    {"reqsslsni", "tls.sni"},
    {"alpn", "tls.alpn"},
    {"tlsalpn", "tls.alpn"},
    {"protocol", "tls.alpn"},
    {"alpnprotocols", "tls.alpn"},
    {"host", "http.host"},
    {"hostname", "http.host"},
    {"httphost", "http.host"},
    {"vhost", "http.host"},
    {"path", "http.path"},
    {"method", "http.method"},
});

template <typename Rows>
auto row_named(const Rows& rows, std::string_view name) {
    return std::find_if(rows.begin(), rows.end(),
                        [&](const auto& row) { return row.name == name; });
}

}  // namespace

std::optional<Meant> without_habits(std::string_view value) {
    Meant meant;
    std::string_view text = trim(value);
    const auto found = [&](Habit habit, std::string_view rest) {
        meant.habits.push_back(habit);
        text = trim(rest);
    };
    if (const std::size_t at = comment_in(text); at != text.npos && !is_quoted(text)) {
        meant.comment = trim(text.substr(at));
        found(Habit::Comment, text.substr(0, at));
    }
    if (text.size() > 1 && text.ends_with(';')) {
        found(Habit::Semicolon, text.substr(0, text.size() - 1));
    }
    if (is_quoted(text)) {
        meant.quote = text.front();
        meant.habits.push_back(Habit::Quotes);
        text = text.substr(1, text.size() - 2);
    }
    if (meant.habits.empty()) return std::nullopt;
    meant.text = text;
    return meant;
}

std::string_view rule_of(Habit habit) {
    switch (habit) {
        case Habit::Comment:
            return "a comment needs a line of its own";
        case Habit::Semicolon:
            return "no semicolon in this spelling";
        case Habit::Quotes:
            break;
    }
    return "no quotes in this spelling";
}

std::string broken_rule(std::string_view key, std::string_view value,
                        const std::function<bool(const std::string&)>& can_read) {
    const auto meant = without_habits(value);
    if (!meant || !can_read(meant->text)) return {};
    return fmt::format("{}; write {} = {}", rule_of(meant->habits.front()), key,
                       shown(meant->text));
}

std::optional<std::string> hex_in(std::string_view text) {
    text = trim(text);
    if (auto hex = hex_words(text, true); hex && !hex->empty()) return hex;
    // Without 0x it takes two bytes and a digit below ten: a text seldom has that.
    const bool several = text.find_first_of(" ,\t") != text.npos;
    const bool has_digit = text.find_first_of(kDigits) != text.npos;
    return several && has_digit ? hex_words(text, false) : std::nullopt;
}

std::string advice_for_stray(std::string_view stray, std::string_view backslash) {
    const auto write = [&](std::string_view digits, std::string_view what) {
        return fmt::format("write {}{}{}", backslash, digits, what);
    };
    if (stray.size() == 4) return write(stray.substr(2), "");
    switch (stray.size() == 2 ? stray[1] : '\\') {
        case 'n':
            return write("0A", " for a line feed");
        case 'r':
            return write("0D", " for a carriage return");
        case 't':
            return write("09", " for a tab");
        case '0':
            return write("00", " for a NUL byte");
        default:
            return write("5C", " for a backslash");
    }
}

std::string warning_of_stray(std::string_view stray) {
    return fmt::format("{} is no escape here and stays as it is; {}", shown(stray),
                       advice_for_stray(stray, "\\"));
}

std::optional<std::string> seconds_in(std::string_view text) {
    // Eight digits are three years: a longer number is no time that someone means.
    constexpr std::size_t kMostDigits = 8;
    const std::size_t end = std::min(text.find_first_not_of(kDigits), text.size());
    if (end == 0 || end > kMostDigits || end == text.size()) return std::nullopt;
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + end, number);
    const std::string_view rest = text.substr(end);
    if (rest.front() == ',' && rest.size() > 1 && rest.find_first_not_of(kDigits, 1) == rest.npos) {
        return fmt::format("{}.{}", number, rest.substr(1));
    }
    const auto unit = row_named(kUnits, trim(rest));
    if (unit == kUnits.end()) return std::nullopt;
    const std::uint64_t milliseconds = number * unit->milliseconds;
    std::string seconds = fmt::format("{}.{:03}", milliseconds / 1000, milliseconds % 1000);
    seconds.erase(seconds.find_last_not_of('0') + 1);
    if (seconds.ends_with('.')) seconds.pop_back();
    return seconds;
}

std::optional<std::string_view> field_named(std::string_view key) {
    std::string word;
    for (const char c : key) {
        if (c != '-' && c != '_') word += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
    const auto row = row_named(kKeysOfOthers, word);
    if (row == kKeysOfOthers.end()) return std::nullopt;
    return row->field;
}

std::optional<std::uint16_t> port_named(std::string_view name) {
    const auto port = row_named(kPorts, name);
    if (port == kPorts.end()) return std::nullopt;
    return port->number;
}

}  // namespace portsplit::config
