#include "core/passed_fields.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <variant>

#include "core/proxy_header.h"

namespace portsplit::core {
namespace {

bool is_word(std::string_view text) {
    return std::ranges::find(kLogWords, text) != kLogWords.end();
}

}  // namespace

std::optional<FieldName> split_field(std::string_view name) {
    const std::size_t dot = name.find('.');
    if (dot == name.npos || dot == 0 || dot + 1 == name.size()) return std::nullopt;
    if (name.find_first_of(" \t,") != name.npos) return std::nullopt;
    return FieldName{name.substr(0, dot), name.substr(dot + 1)};
}

std::optional<std::pair<std::string_view, std::string_view>> split_field_variable(
    std::string_view entry) {
    const std::size_t end = entry.find_first_of(" \t=");
    if (end == entry.npos || entry[end] == '=') return std::nullopt;
    const std::size_t field = std::min(entry.find_first_not_of(" \t", end), entry.size());
    return std::pair(entry.substr(0, end), entry.substr(field));
}

std::optional<TlvSource> split_tlv(std::string_view text) {
    if (text == kChecksumWord) return TlvSource{ProxyTlv::kCrc32c};
    if (text == kUniqueIdWord) return TlvSource{ProxyTlv::kUniqueId};
    const auto parts = split_field_variable(text);
    const auto field = parts ? split_field(parts->second) : std::nullopt;
    if (!field) return std::nullopt;
    if (parts->first == "authority") return TlvSource{ProxyTlv::kAuthority, field};
    if (parts->first == "alpn") return TlvSource{ProxyTlv::kAlpn, field};
    if (parts->first.size() != 4 || !parts->first.starts_with("0x")) return std::nullopt;
    unsigned type = 0;
    const std::string_view digits = parts->first.substr(2);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), type, 16);
    const bool is_custom =
        (type >= ProxyTlv::kFirstCustom && type <= ProxyTlv::kLastCustom) ||
        (type >= ProxyTlv::kFirstExperiment && type <= ProxyTlv::kLastExperiment);
    if (read.ptr != digits.data() + digits.size() || !is_custom) return std::nullopt;
    return TlvSource{static_cast<std::uint8_t>(type), field};
}

bool may_carry_field(std::string_view variable) {
    constexpr std::string_view kNames[] = {
        // sh(1), bash(1), environ(7)
        "PATH", "IFS", "ENV", "BASH_ENV", "BASHOPTS", "SHELLOPTS", "PS4", "CDPATH", "HOME", "SHELL",
        "TMPDIR", "EDITOR", "PAGER", "TERM", "TERMINFO", "LOCPATH", "NLSPATH", "HOSTALIASES",
        // interpreters
        "PERL5LIB", "PERL5OPT", "PERLLIB", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "RUBYLIB",
        "RUBYOPT", "NODE_PATH", "NODE_OPTIONS", "CLASSPATH", "JAVA_TOOL_OPTIONS", "OPENSSL_CONF",
        // what Portsplit and super-servers say about the connection
        "PROTO"};
    constexpr std::string_view kBeginnings[] = {"LD_",        "GCONV_", "MALLOC_",    "GLIBC_",
                                                "BASH_FUNC_", "GIT_",   "PORTSPLIT_", "TCP",
                                                "REMOTE_",    "SOCAT_", "NCAT_",      "SSL_"};
    // As s6-tlsserver(8) and ucspi-tls pass the name: a text, by which no program finds code.
    if (variable == "SSL_TLS_SNI_SERVERNAME") return true;
    return std::ranges::find(kNames, variable) == std::end(kNames) &&
           std::ranges::none_of(kBeginnings,
                                [&](std::string_view it) { return variable.starts_with(it); });
}

std::vector<std::string_view> passed_fields(const Config& config) {
    std::vector<std::string_view> fields;
    const auto add_logged = [&](const List<Text>& log) {
        for (const std::string_view text : log) {
            if (!is_word(text)) fields.push_back(text);
        }
    };
    const auto add_second_words = [&](const List<Text>& values) {
        for (const std::string_view value : values) {
            if (const auto passed = split_field_variable(value)) fields.push_back(passed->second);
        }
    };
    add_logged(config.log);
    for (const Service& service : config.services) {
        add_logged(service.log);
        if (const auto* exec = std::get_if<Exec>(&service.action)) {
            add_second_words(exec->env);
        } else {
            add_second_words(std::get<Connect>(service.action).proxy_tlv);
        }
    }
    return fields;
}

LogLines log_lines(const Config& config, const Service* service) {
    for (const List<Text>* log : {service != nullptr ? &service->log : nullptr, &config.log}) {
        if (log == nullptr) continue;
        for (const std::string_view text : *log) {
            const auto word = std::ranges::find(kLogWords, text);
            if (word != kLogWords.end()) return static_cast<LogLines>(word - kLogWords.begin());
        }
    }
    return LogLines::End;
}

std::vector<std::string_view> logged_fields(const Config& config, const Service* service) {
    std::vector<std::string_view> fields;
    for (const List<Text>* log : {&config.log, service != nullptr ? &service->log : nullptr}) {
        if (log == nullptr) continue;
        for (const std::string_view text : *log) {
            const bool is_known = std::ranges::find(fields, text) != fields.end();
            if (!is_word(text) && !is_known) fields.push_back(text);
        }
    }
    return fields;
}

}  // namespace portsplit::core
