#include "cli/system_check.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/program_output.h"
#include "core/model.h"
#include "support/folder.h"
#include "support/printed.h"

namespace portsplit::cli {
namespace {

core::IpAddress ip(const char* text) { return *core::IpAddress::parse(text); }

core::Service service(const char* name, core::Action action) {
    core::Service service;
    service.name = name;
    service.action = std::move(action);
    return service;
}

core::Connect to(core::List<core::Endpoint> targets, bool transparent) {
    core::Connect connect;
    connect.targets = std::move(targets);
    connect.transparent = transparent;
    return connect;
}

TEST(TransparentEndpoints, AreThoseOfTransparentServicesInTheOrderOfTheFile) {
    core::Config config;
    config.services.push_back(service("a", to({{"192.0.2.1", 1}}, true)));
    config.services.push_back(service("b", to({{"192.0.2.1", 2}}, false)));
    config.services.push_back(service("c", core::Exec()));
    config.services.push_back(service("d", to({{"name.example", 4}, {"::1", 5}}, true)));
    EXPECT_EQ(transparent_endpoints(config),
              (std::vector<TransparentEndpoint>{
                  {"a", {"192.0.2.1", 1}}, {"d", {"name.example", 4}}, {"d", {"::1", 5}}}));
}

const TransparentTarget kTarget{.service = "ssh", .address = ip("203.0.113.5"), .port = 22};

TEST(Findings, AreEmptyForATargetThatAccepts) { EXPECT_TRUE(findings(kTarget, 0, {}).empty()); }

TEST(Findings, NameWhatAnErrorOfTheAttemptMeans) {
    EXPECT_EQ(findings(kTarget, ECONNREFUSED, {}),
              std::vector<std::string>{"service ssh: 203.0.113.5:22 refuses the connection, so its "
                                       "answers come back, but no server listens there"});
    EXPECT_EQ(
        findings(kTarget, EPERM, {}),
        std::vector<std::string>{"service ssh: 203.0.113.5:22 cannot be tried: only root, or a "
                                 "process with CAP_NET_RAW, can use a client's address"});
    EXPECT_EQ(findings(kTarget, ENETUNREACH, {}),
              std::vector<std::string>{
                  "service ssh: 203.0.113.5:22 cannot be reached: Network is unreachable"});
}

TEST(Findings, HaveEachThingThatIsMissingForASilentTarget) {
    EXPECT_EQ(
        findings(kTarget, ETIMEDOUT, {}),
        (std::vector<std::string>{
            "service ssh: 203.0.113.5:22 does not answer to a client's address",
            "service ssh: 203.0.113.5:22: no rule of nftables marks its answers (table inet "
            "portsplit_transparent)",
            "service ssh: 203.0.113.5:22: no rule of policy routing sends its answers through the "
            "routing table 5053",
            "service ssh: 203.0.113.5:22: the routing table 5053 has no local route for IPv4"}));
}

TEST(Findings, NameOtherReasonsIfNothingIsMissing) {
    KernelSetup setup{.rules = {{.from = kTarget.address, .asks_for_mark = true}},
                      .has_route_v4 = true,
                      .marked = {{kTarget.address, kTarget.port}}};
    const std::string begin =
        "service ssh: 203.0.113.5:22: all that transparent.sh sets up is there; ";
    const std::string another_host = begin +
                                     "the target's route to its clients must lead through this "
                                     "machine, and no firewall may drop "
                                     "the answers";
    EXPECT_EQ(findings(kTarget, ETIMEDOUT, setup).at(1), another_host);
    setup.is_strict = true;
    EXPECT_EQ(
        findings(kTarget, ETIMEDOUT, setup).at(1),
        another_host +
            "; net.ipv4.conf.*.rp_filter is 1, so they must come in by the link to the target");
    TransparentTarget own = kTarget;
    own.is_own = true;
    EXPECT_EQ(findings(own, ETIMEDOUT, setup).at(1),
              begin + "this machine may have no default route, or a firewall may drop the answers");
}

TEST(CheckSystem, NeedsNothingForAFileWithoutATransparentService) {
    const Folder folder;
    const std::string file = folder / "a.conf";
    std::ofstream(file) << "bind = 127.0.0.1:8443\n[fallback]\nconnect = 192.0.2.1:80\n";
    EXPECT_EQ(printed_by([&] { return check_system(file); }),
              (Printed{0, file + ": no service is transparent\n", ""}));
}

TEST(CheckSystem, Returns78ForAFileThatCannotBeRead) {
    const Folder folder;
    EXPECT_EQ(printed_by([&] { return check_system(folder / "none.conf"); }).code, 78);
}

TEST(OutputOf, IsStandardOutputAlone) {
    const auto text = output_of({"sh", "-c", "echo out; echo err >&2; cat"});
    ASSERT_TRUE(text);
    EXPECT_EQ(*text, "out\n");
}

TEST(OutputOf, FailsIfTheProgramFailsOrDoesNotExist) {
    const auto failed = output_of({"sh", "-c", "echo half; exit 3"});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, EIO);
    const auto missing = output_of({"no-such-program"});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ENOENT);
}

}  // namespace
}  // namespace portsplit::cli
