// Each test changes the capabilities of a child, and reads them as the kernel shows them (proc(5)). Needs root.

#include "sys/capability.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/child.h"
#include "support/unprivileged.h"
#include "sys/file.h"

namespace portsplit::sys {
namespace {

/// Returns one set of this process, as its line in /proc/self/status has it, without leading zeros.
std::string set_named(const std::string& name) {
    const std::string text = *read_file("/proc/self/status");
    const std::size_t at = text.find(name + ":\t") + name.size() + 2;
    const std::string digits = text.substr(at, text.find('\n', at) - at);
    const std::size_t first = digits.find_first_not_of('0');
    return first == digits.npos ? "0" : digits.substr(first);
}

std::string all_sets() {
    return set_named("CapInh") + " " + set_named("CapPrm") + " " + set_named("CapEff") + " " +
           set_named("CapBnd") + " " + set_named("CapAmb");
}

/// Makes these two inheritable and ambient.
bool raise_bind_and_raw() {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &head, data) < 0) return false;
    data[0].inheritable |= 1U << CAP_NET_BIND_SERVICE | 1U << CAP_NET_RAW;
    if (::syscall(SYS_capset, &head, data) < 0) return false;
    return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) == 0 &&
           ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0;
}

class Capabilities : public testing::Test {
  protected:
    void SetUp() override {
        if (loopback::may_skip_root()) GTEST_SKIP() << "needs root";
        ASSERT_EQ(::geteuid(), 0U) << "needs root";
    }
};

TEST_F(Capabilities, LeaveNoneLeavesNone) {
    EXPECT_EQ(loopback::text_of_child([]() -> std::string {
                  if (!raise_bind_and_raw()) return "cannot raise";
                  if (const auto left = leave_none(Except::Nothing); !left) return "cannot";
                  return all_sets();
              }),
              "0 0 0 0 0");
}

TEST_F(Capabilities, LeaveNoneLeavesTheOneThatIsAskedFor) {
    EXPECT_EQ(loopback::text_of_child([]() -> std::string {
                  if (!leave_none(Except::NetRaw)) return "cannot";
                  return all_sets();
              }),
              "0 2000 2000 0 0");
}

TEST_F(Capabilities, LimitInheritedLeavesOneToPrograms) {
    EXPECT_EQ(loopback::text_of_child([]() -> std::string {
                  if (!raise_bind_and_raw()) return "cannot raise";
                  limit_inherited();
                  return set_named("CapInh") + " " + set_named("CapAmb");
              }),
              "2000 2000");
}

TEST_F(Capabilities, DropNetRawKeepsItForProgramsOfRoot) {
    const auto drop = [](bool has_programs) {
        return loopback::text_of_child([=] {
            drop_net_raw(has_programs);
            const auto effective = std::stoull(set_named("CapEff"), nullptr, 16);
            return std::to_string(effective >> CAP_NET_RAW & 1);
        });
    };
    EXPECT_EQ(drop(true), "1");
    EXPECT_EQ(drop(false), "0");
}

TEST_F(Capabilities, PassesOnNetRawIsTrueForRootAndForAUserWhoHasItAmbient) {
    EXPECT_TRUE(passes_on_net_raw());
    EXPECT_EQ(loopback::text_without_root([] { return std::to_string(passes_on_net_raw()); }), "0");
    EXPECT_EQ(loopback::text_of_child([]() -> std::string {
                  keep_capabilities();
                  if (::setresuid(65534, 65534, 65534) < 0) return "cannot drop root";
                  if (!leave_net_raw()) return "cannot keep it";
                  return std::to_string(passes_on_net_raw());
              }),
              "1");
    EXPECT_EQ(loopback::text_of_child([]() -> std::string {
                  if (!leave_none(Except::Nothing)) return "cannot";
                  return std::to_string(passes_on_net_raw());
              }),
              "0");
}

}  // namespace
}  // namespace portsplit::sys
