#include "cli/capture_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace portsplit::cli {
namespace {

core::Config config() {
    core::Config config;
    core::Service git{"git", {}, core::Connect{}};
    git.layouts = {{"tls", false, {{"alpn", {"h2"}}, {"sni", {"git.test"}}}}};
    core::Service sites{"sites", {}, core::Connect{}};
    sites.layouts = {{"http", false, {{"host", {"*"}}}}, {"tls", false, {{"sni", {"*"}}}}};
    config.services = {git, sites};
    return config;
}

std::vector<core::LayoutExplanation> layouts(const std::string& sni,
                                             const std::vector<std::string>& alpn = {}) {
    core::LayoutExplanation tls;
    tls.name = "tls";
    tls.fields.push_back({"sni", {}});
    tls.fields.back().values.add({sni, 0, sni.size(), sni.size()});
    if (!alpn.empty()) tls.fields.push_back({"alpn", {}});
    for (const std::string& it : alpn) {
        tls.fields.back().values.add({it, 0, it.size(), it.size()});
    }
    core::LayoutExplanation http;
    http.name = "http";
    return {http, tls};
}

TEST(CaptureTable, CountsTheConnectionsOfEachValueAndService) {
    const core::Config all = config();
    CaptureTable table(all);
    EXPECT_EQ(table.add("git", layouts("git.test", {"h2", "http/1.1"})),
              " tls.alpn=h2,http/1.1 tls.sni=git.test");
    EXPECT_EQ(table.add("sites", layouts("a b.test")), " tls.sni=a\\20b.test");
    EXPECT_EQ(table.add("sites", layouts("git.test")), " tls.sni=git.test");
    EXPECT_EQ(table.add("sites", layouts("git.test")), " tls.sni=git.test");
    EXPECT_EQ(table.add("-", {}), "");
    EXPECT_EQ(table.text(),
              "\n"
              "tls.alpn     service  connections\n"
              "(none)       -                  1\n"
              "(none)       sites              3\n"
              "h2,http/1.1  git                1\n"
              "\n"
              "tls.sni     service  connections\n"
              "(none)      -                  1\n"
              "a\\20b.test  sites              1\n"
              "git.test    git                1\n"
              "git.test    sites              2\n");
}

TEST(CaptureTable, CutsALongValueInTheTable) {
    const core::Config all = config();
    CaptureTable table(all);
    const std::string name(100, 'a');
    EXPECT_EQ(table.add("git", layouts(name)), " tls.sni=" + name);
    EXPECT_NE(table.text().find("\n" + std::string(60, 'a') + "...  git"), std::string::npos);
}

TEST(CaptureTable, IsEmptyWithoutAField) {
    const core::Config all = config();
    CaptureTable table(all);
    EXPECT_EQ(table.add("-", {}), "");
    EXPECT_EQ(table.text(), "");
    const core::Config none;
    CaptureTable empty(none);
    EXPECT_EQ(empty.add("git", layouts("git.test")), "");
    EXPECT_EQ(empty.text(), "");
}

}  // namespace
}  // namespace portsplit::cli
