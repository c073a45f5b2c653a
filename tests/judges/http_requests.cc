#include "judges/http_requests.h"

#include <string>
#include <vector>

namespace portsplit::judges {

std::string HttpRequests::make() {
    static const std::vector<std::string> kMethods{"GET",
                                                   "POST",
                                                   "HEAD",
                                                   "PUT",
                                                   "OPTIONS",
                                                   "PROPFIND",
                                                   "M-SEARCH",
                                                   "RPC_IN_DATA",
                                                   "RDG_OUT_DATA",
                                                   "CONNECT",
                                                   "UPDATEREDIRECTREF",
                                                   "VERSION-CONTROL"};
    static const std::vector<std::string> kOddMethods{
        "get", "G", "GE", "", "GET ", "G3T", "AVERYLONGMETHODTHATNOBODYHAS"};
    static const std::vector<std::string> kOddVersions{"HTTP/1.2", "HTTP/2.0", "HTTP/1.1 ",
                                                       "http/1.1", "HTTP/1.",  ""};
    is_odd_ = one_in(2);
    const bool has_odd_line = is_odd_ && one_in(3);
    const std::string method =
        has_odd_line && one_in(2) ? one_of(kOddMethods, random_) : one_of(kMethods, random_);
    const std::string version = has_odd_line && one_in(2) ? one_of(kOddVersions, random_)
                                : one_in(4)               ? "HTTP/1.0"
                                                          : "HTTP/1.1";
    std::string request = is_odd_ && one_in(10) ? end_of_line() : "";
    request += method + " " + (has_odd_line && one_in(4) ? " " : "") + target(method) + " " +
               version + end_of_line();
    for (std::size_t fields = below(random_, 7); fields > 0; --fields)
        request += other_field() + end_of_line();
    if (!one_in(10)) request += host_field() + end_of_line();
    for (std::size_t fields = below(random_, 3); fields > 0; --fields)
        request += other_field() + end_of_line();
    if (is_odd_ && one_in(5)) request += host_field() + end_of_line();
    request += end_of_line();
    if (is_odd_ && one_in(4)) request[below(random_, request.size())] = random_byte(random_);
    return request;
}

std::string HttpRequests::host() {
    static const std::vector<std::string> kHosts{
        "www.example.org", "WWW.Example.ORG", "www.example.org.",      "localhost",          "a",
        "192.0.2.7",       "[2001:db8::7]",   "xn--bcher-kva.example", "under_score.example"};
    static const std::vector<std::string> kOdd{
        "", ".", "a..b", "b\303\274cher.example", "a b", "user@a", "a/b", "[", "a:b:c"};
    std::string host = is_odd_ && one_in(6) ? one_of(kOdd, random_) : one_of(kHosts, random_);
    if (one_in(3))
        host += ":" + (is_odd_ && one_in(3) ? "" : std::to_string(below(random_, 65'536)));
    return host;
}

std::string HttpRequests::target(const std::string& method) {
    static const std::vector<std::string> kPaths{"/",         "/index.html", "/a/b?c=d&e",
                                                 "/%20x",     "/a//b/../c",  "/?http://x/",
                                                 "/\303\274", "/\"<>|{}^`"};
    static const std::vector<std::string> kOdd{"*", "", "a", "//x/y", "/a b", "?x", "/\x01", "/#f"};
    if (method == "CONNECT") return host();
    if (method == "OPTIONS" && one_in(4)) return "*";
    const std::string path = is_odd_ && one_in(6) ? one_of(kOdd, random_) : one_of(kPaths, random_);
    if (!one_in(4)) return one_in(30) ? "/" + std::string(below(random_, 9'000), 'p') : path;
    static const std::vector<std::string> kSchemes{"http://", "https://", "HTTP://"};
    const bool has_path = path.starts_with('/') || !is_odd_;
    return one_of(kSchemes, random_) + host() +
           (one_in(4)  ? (one_in(2) ? "?q=1" : "")
            : has_path ? path
                       : "");
}

std::string HttpRequests::blanks(bool may_be_none) {
    static const std::vector<std::string> kBlanks{" ", "", "  ", "\t", " \t ", "          "};
    return !one_in(6) ? (may_be_none && one_in(4) ? "" : " ") : one_of(kBlanks, random_);
}

std::string HttpRequests::host_field() {
    static const std::vector<std::string> kNames{"Host", "host", "HOST", "hOsT"};
    std::string name = one_of(kNames, random_);
    if (is_odd_ && one_in(8)) name += " ";
    return name + ":" + blanks(true) + host() + (one_in(4) ? blanks(true) : "");
}

std::string HttpRequests::other_field() {
    static const std::vector<std::string> kFields{"Accept: */*",
                                                  "Upgrade: websocket",
                                                  "upgrade:h2c",
                                                  "Connection: Upgrade",
                                                  "User-Agent: curl/8 (x; y)",
                                                  "X-Host: evil.example",
                                                  "Hostile: 1",
                                                  "DNT: 1",
                                                  "X: Host: evil.example",
                                                  "Empty:"};
    static const std::vector<std::string> kOdd{
        " folded",  "\tHost: folded.example", "no colon",  ": no name",
        "Hos t: x", "H\xc3\xb6st: x",         "Host\t: x", "X_Y: z",
        "A: \r b",  std::string("N: a\0b", 6)};
    if (one_in(12)) return "Cookie: " + std::string(below(random_, one_in(3) ? 9'000 : 4'000), 'c');
    return is_odd_ && one_in(8) ? one_of(kOdd, random_) : one_of(kFields, random_);
}

}  // namespace portsplit::judges
