// The layouts tls and http beside nginx, which gets the same streams in the same segments.
//
// PORTSPLIT_MUTANTS is the number of streams of each test.

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "judges/client_hello.h"
#include "judges/hello_mutants.h"
#include "judges/http_requests.h"
#include "judges/layout_reader.h"
#include "judges/nginx_judge.h"
#include "judges/real_hellos.h"

namespace portsplit::judges {
namespace {

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : ",") + text;
    return all;
}

TEST(NginxJudges, PrereadFindsWhatTheLayoutTlsFinds) {
    const LayoutReader layout("tls");
    const NginxJudge nginx(NginxJudge::Of::Tls);
    OpenSslJudge openssl(make_identity());
    const std::vector<std::string> hellos = all_hellos(openssl);
    Random random(1);  // NOLINT(cert-msc51-cpp): the same mutants in each run
    HelloMutants mutants(random);
    std::size_t found = 0;
    std::size_t none = 0;
    std::size_t only_layout = 0;
    const std::size_t streams = hellos.size() + mutants_wanted(1'500);
    for (std::size_t i = 0; i < streams && !HasFailure(); ++i) {
        const bool is_mutant = i >= hellos.size();
        std::string message = without_records(hellos[i % hellos.size()]);
        if (is_mutant) message = mutants.message(message);
        const std::string stream = in_random_records(message, random);
        const Segments segments = in_few_segments(stream, random);
        const Reading reading = layout.read(segments);
        const std::string read = reading.value("sni") + "|" + joined(reading.all("alpn"));
        const NginxJudge::Hello hello = nginx.preread(segments);
        const std::string seen = folded(hello.name) + "|" + hello.alpn;
        ++(seen != "|" ? found : read == "|" ? none : only_layout);
        // nginx reads nothing of some mutants that a TLS server accepts, and names in others that all refuse:
        // those that do not fit the layout (tls_judges_test.cc).
        const bool agrees = seen == read || (is_mutant && (seen == "|" || !reading.fits()));
        EXPECT_TRUE(agrees) << "nginx: " << seen << "\nthe layout: " << reading
                            << "\nthe stream: " << in_hex(stream);
    }
    std::cout << "nginx found " << found << ", both none " << none << ", only the layout "
              << only_layout << '\n';
    EXPECT_GT(found, streams / 3);
}

/// Returns a host as the layout shows it: an IPv6 address without brackets.
std::string bare(std::string host) {
    if (!host.starts_with('[')) return folded(host);
    host.erase(0, 1);
    return folded(host.substr(0, host.find(']')));
}

/// Returns a path as nginx shows it. The target may be a URI without one.
std::string or_slash(const std::string& path) { return path.empty() ? "/" : path; }

/// Returns the first protocol of a field Upgrade as the layout shows it.
std::string first_protocol(const std::string& upgrade) {
    return folded(upgrade.substr(0, upgrade.find_first_of(", \t")));
}

TEST(NginxJudges, AcceptsNoRequestThatTheLayoutHttpReadsOtherwise) {
    const LayoutReader layout("http");
    const NginxJudge nginx(NginxJudge::Of::Http);
    Random random(1);  // NOLINT(cert-msc51-cpp): the same requests in each run
    HttpRequests requests(random);
    std::size_t accepted = 0;
    std::size_t refused = 0;
    std::size_t fits = 0;
    for (std::size_t left = mutants_wanted(3'000); left > 0; --left) {
        const std::string stream = requests.make();
        const Segments segments = in_few_segments(stream, random);
        const Reading reading = layout.read(segments);
        const NginxJudge::Request request = nginx.request(segments);
        ++(request.is_accepted ? accepted : refused);
        if (!request.is_accepted) {
            fits += reading.fits() ? 1U : 0U;
            continue;
        }
        const bool agrees = reading.fits() && reading.value("method") == request.method &&
                            reading.value("host") == bare(request.host) &&
                            or_slash(reading.value("path")) == request.path &&
                            reading.value("upgrade") == first_protocol(request.upgrade);
        EXPECT_TRUE(agrees) << "nginx: " << request.method << " " << request.host << " "
                            << request.path << " " << request.upgrade << "\nthe layout: " << reading
                            << "\nthe stream: " << testing::PrintToString(stream.substr(0, 500));
    }
    std::cout << "nginx accepted " << accepted << ", refused " << refused
              << " (which fit the layout: " << fits << ")\n";
    EXPECT_GT(3 * accepted, refused);
}

}  // namespace
}  // namespace portsplit::judges
