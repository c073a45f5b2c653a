#include "dispatch/name_rules.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "sys/file.h"

namespace portsplit::dispatch {
namespace {

/// The most dots that `ndots` can require (resolv.conf(5)).
constexpr std::size_t kMostDots = 15;
constexpr std::string_view kBlanks = " \t";

/// Takes the next line, without its end, from the front of a text.
std::string_view take_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (true) {
        const std::size_t begin = text.find_first_not_of(kBlanks);
        if (begin == text.npos) return words;
        text.remove_prefix(begin);
        words.push_back(text.substr(0, text.find_first_of(kBlanks)));
        text.remove_prefix(words.back().size());
    }
}

/// Sets the domains to search; no word leaves them as they are.
void set_search(NameRules& rules, const std::vector<std::string_view>& domains) {
    if (domains.empty()) return;
    rules.search.clear();
    for (std::string_view domain : domains) {
        if (domain.starts_with('.')) domain.remove_prefix(1);
        if (domain.ends_with('.')) domain.remove_suffix(1);
        rules.search.emplace_back(domain);
    }
}

void add_options(NameRules& rules, const std::vector<std::string_view>& options) {
    constexpr std::string_view kDots = "ndots:";
    for (const std::string_view option : options) {
        if (option.starts_with(kDots)) {
            std::size_t dots = 0;
            std::from_chars(option.data() + kDots.size(), option.data() + option.size(), dots);
            rules.ndots = std::min(dots, kMostDots);
        }
        if (option == "no-tld-query") rules.as_top_level = false;
        if (option == "no-aaaa") rules.ipv6 = false;
        if (option == "use-vc") rules.over_tcp = true;
    }
}

/// The last `search` or `domain` counts. Their words begin in the first column (resolv.conf(5)).
void read_resolv_conf(NameRules& rules, std::string_view text) {
    while (!text.empty()) {
        std::vector<std::string_view> words;
        const std::string_view line = take_line(text);
        if (line.find_first_of(kBlanks) != 0) words = words_of(line);
        if (words.empty()) continue;
        const std::string_view key = words.front();
        words.erase(words.begin());
        if (key == "options") add_options(rules, words);
        if (key == "domain" && words.size() > 1) words.resize(1);
        if (key == "domain" || key == "search") set_search(rules, words);
    }
}

void add_source(NameRules& rules, NameSource source) {
    if (std::find(rules.sources.begin(), rules.sources.end(), source) == rules.sources.end()) {
        rules.sources.push_back(source);
    }
}

/// Skips services that are not known here, and the actions in brackets.
void read_nsswitch(NameRules& rules, std::string_view text) {
    constexpr std::string_view kHosts = "hosts:";
    while (!text.empty()) {
        std::string_view line = take_line(text);
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(kBlanks)));
        if (!line.starts_with(kHosts)) continue;
        for (const std::string_view word : words_of(line.substr(kHosts.size()))) {
            // systemd-resolved, too, reads /etc/hosts before it asks the DNS (nss-resolve(8)).
            if (word == "files" || word == "resolve") add_source(rules, NameSource::Hosts);
            if (word == "dns" || word == "resolve") add_source(rules, NameSource::Dns);
        }
    }
    if (rules.sources.empty()) rules.sources = {NameSource::Hosts, NameSource::Dns};
}

std::string text_of(const char* path) {
    auto text = sys::read_file(path);
    return text ? std::move(*text) : std::string();
}

}  // namespace

NameRules name_rules(const NameTexts& texts) {
    NameRules rules;
    const std::size_t dot = texts.host_name.find('.');
    if (dot != std::string::npos) set_search(rules, {texts.host_name.substr(dot + 1)});
    read_resolv_conf(rules, texts.resolv_conf);
    if (texts.localdomain) {
        rules.search.clear();
        set_search(rules, words_of(*texts.localdomain));
    }
    add_options(rules, words_of(texts.res_options));
    read_nsswitch(rules, texts.nsswitch_conf);
    return rules;
}

NameTexts read_name_texts() {
    NameTexts texts{.resolv_conf = text_of("/etc/resolv.conf"),
                    .nsswitch_conf = text_of("/etc/nsswitch.conf"),
                    .localdomain = {},
                    .res_options = {},
                    .host_name = {}};
    if (const char* domain = std::getenv("LOCALDOMAIN")) texts.localdomain = domain;
    if (const char* options = std::getenv("RES_OPTIONS")) texts.res_options = options;
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0) texts.host_name = name.data();
    return texts;
}

std::vector<std::string> names_to_ask(std::string_view host, const NameRules& rules) {
    const std::string name(host);
    if (host.ends_with('.')) return {name};
    std::vector<std::string> names;
    const auto add = [&](std::string next) {
        if (std::find(names.begin(), names.end(), next) == names.end()) {
            names.push_back(std::move(next));
        }
    };
    const auto dots = static_cast<std::size_t>(std::count(host.begin(), host.end(), '.'));
    if (dots >= rules.ndots) add(name + ".");
    for (const std::string& domain : rules.search) {
        std::string next = name + ".";
        if (!domain.empty()) next.append(domain).append(".");
        add(std::move(next));
    }
    if (dots > 0 || rules.search.empty() || rules.as_top_level) add(name + ".");
    return names;
}

}  // namespace portsplit::dispatch
