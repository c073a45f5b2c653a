#include "config/foreign.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "config/spelling.h"

// How it works: each program has lines that no other has, and that are neither `key = value` nor a part of
// libconfig's grammar (but sslh's, which has keys that Portsplit has not). The first such line decides.

namespace portsplit::config {
namespace {

/// The most text that is looked at.
constexpr std::size_t kMost = std::size_t{1} << 16;

constexpr std::string_view kServiceAdvice =
    "each of its services is a [service] here, with a pattern, exec for its server and execarg for "
    "each argument";
constexpr std::string_view kProxyAdvice =
    "Portsplit stands in front of it: bind is the public port, and connect the address on which it "
    "listens";

using Words = std::vector<std::string_view>;

Words words_of(std::string_view line) {
    constexpr std::string_view kBlanks = " \t\r";
    Words words;
    while (true) {
        line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
        if (line.empty()) return words;
        const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

template <std::size_t kCount>
bool is_one_of(std::string_view word, const std::array<std::string_view, kCount>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// A line that is no comment, and the words of the next such line.
struct Line {
    std::string_view text;
    Words words;
    Words next;
};

/// `protocols: (` in libconfig's grammar, or the command line in /etc/default/sslh.
bool is_of_sslh(const Line& line) {
    if (line.text.starts_with("DAEMON_OPTS=")) return line.text.find("--listen") != line.text.npos;
    std::string_view rest = trim(line.text);
    if (!rest.starts_with("protocols")) return false;
    rest = trim(rest.substr(std::string_view("protocols").size()));
    return rest.starts_with(':') || rest.starts_with('=');
}

/// `service NAME` or `defaults`, and a brace on this line or the next.
bool is_of_xinetd(const Line& line) {
    Words words = line.words;
    const bool on_next = !line.next.empty() && line.next.front() == "{";
    if (words.back() == "{") {
        words.pop_back();
    } else if (!on_next) {
        return words.size() == 2 && words.front() == "includedir";
    }
    return (words.size() == 2 && words.front() == "service") ||
           (words.size() == 1 && words.front() == "defaults");
}

/// `NAME stream tcp nowait USER PROGRAM`: inetd.conf(5).
bool is_of_inetd(const Words& words) {
    constexpr std::array<std::string_view, 5> kTypes{"stream", "dgram", "raw", "rdm", "seqpacket"};
    return words.size() >= 6 && is_one_of(words[1], kTypes) &&
           (words[3].starts_with("nowait") || words[3].starts_with("wait"));
}

/// `frontend NAME`, `global` and the like at the beginning of a line.
bool is_of_haproxy(const Line& line) {
    constexpr std::array<std::string_view, 5> kNamed{"frontend", "backend", "listen", "peers",
                                                     "resolvers"};
    const char last = line.text.back();
    if (last == ';' || last == '{' || line.words.front().data() != line.text.data()) return false;
    if (line.words.size() == 1) {
        return line.words.front() == "global" || line.words.front() == "defaults";
    }
    const bool is_name = line.words[1].find_first_of("=:{(") == std::string_view::npos;
    return is_name && is_one_of(line.words.front(), kNamed);
}

/// `server {`, `location / {`, `proxy_pass http://...;`
bool is_of_nginx(const Line& line) {
    constexpr std::array<std::string_view, 8> kBlocks{"http",     "server",   "stream", "events",
                                                      "upstream", "location", "map",    "types"};
    constexpr std::array<std::string_view, 9> kDirectives{
        "server_name", "proxy_pass", "fastcgi_param",    "fastcgi_pass",   "root",
        "uwsgi_param", "scgi_param", "proxy_set_header", "ssl_certificate"};
    const Words& words = line.words;
    if (words.size() > 1 && words[1].find_first_of("=:") == 0) return false;
    if (line.text.ends_with('{')) {
        std::string_view block = words.front();
        if (words.size() == 1) block.remove_suffix(1);  // `server{`
        return is_one_of(block, kBlocks);
    }
    return words.size() > 1 && line.text.ends_with(';') && is_one_of(words.front(), kDirectives);
}

std::string looks_like(std::string_view file, std::string_view advice) {
    return fmt::format("this looks like {}, which Portsplit cannot read; {}; see portsplit.conf(5)",
                       file, advice);
}

std::string looks_like_inetd() { return looks_like("an inetd configuration", kServiceAdvice); }

/// Returns the message for the program whose line this is; empty for none.
std::string message_for(const Line& line) {
    if (is_of_sslh(line)) {
        return looks_like("an sslh configuration",
                          "each address of listen is a bind here; each protocol a [service] with "
                          "include = NAME of portsplit-patterns(7), or a pattern, and connect; "
                          "anyprot is [fallback], and on-timeout [timeout]");
    }
    if (is_of_xinetd(line)) return looks_like("an xinetd configuration", kServiceAdvice);
    if (is_of_inetd(line.words)) return looks_like_inetd();
    if (is_of_haproxy(line)) return looks_like("a HAProxy configuration", kProxyAdvice);
    if (is_of_nginx(line)) return looks_like("an nginx configuration", kProxyAdvice);
    return {};
}

}  // namespace

std::string why_foreign(std::string_view text) {
    std::vector<Line> lines;
    std::vector<Words> comments;
    for_each_line(text.substr(0, kMost), [&](std::string_view line, int) {
        while (line.ends_with('\r') || line.ends_with(' ') || line.ends_with('\t')) {
            line.remove_suffix(1);
        }
        Words words = words_of(line);
        if (words.empty()) return;
        if (words.front().starts_with('#')) {
            words.front().remove_prefix(words.front().find_last_of('#') + 1);
            if (words.front().empty()) words.erase(words.begin());
            comments.push_back(std::move(words));
            return;
        }
        if (!lines.empty()) lines.back().next = words;
        lines.push_back({line, std::move(words), {}});
    });
    for (const Line& line : lines) {
        if (std::string message = message_for(line); !message.empty()) return message;
    }
    // In the inetd.conf of a new system every line is a comment.
    const bool is_idle =
        lines.empty() && std::any_of(comments.begin(), comments.end(), is_of_inetd);
    return is_idle ? looks_like_inetd() : "";
}

}  // namespace portsplit::config
