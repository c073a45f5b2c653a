// Runs a copy of `portsplit` in a folder of its own: which daemon it executes depends on its place.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/folder.h"
#include "support/printed.h"
#include "sys/program.h"

namespace portsplit::cli {
namespace {

namespace fs = std::filesystem;

/// A folder with a copy of `portsplit`, installed as bin/portsplit.
class Foreground : public testing::Test {
  protected:
    Foreground() {
        fs::create_directories(bin());
        fs::create_directories(sbin());
        fs::copy_file(PORTSPLIT_PROGRAM, own());
    }

    std::string bin() const { return fs::weakly_canonical(folder_.path()) / "bin"; }
    std::string sbin() const { return bin() + "/" PORTSPLIT_BIN_TO_SBIN; }
    std::string own() const { return bin() + "/portsplit"; }

    /// Writes a daemon that prints its place and its arguments.
    static void write_daemon(const std::string& folder, const std::string& place) {
        const std::string path = folder + "/portsplitd";
        std::ofstream(path) << "#!/bin/sh\necho " << place << " \"$@\"\n";
        fs::permissions(path, fs::perms::owner_all);
    }

    Printed run(const std::vector<std::string>& arguments) const {
        std::vector<std::string> all = {"portsplit"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return printed_by([&] {
            sys::execute(own(), all, sys::own_environment());
            return 127;
        });
    }

    const Folder folder_;
};

TEST_F(Foreground, ExecutesTheDaemonOfItsFolderWithItsOptions) {
    write_daemon(bin(), "built");
    write_daemon(sbin(), "installed");
    EXPECT_EQ(run({"a.conf"}), (Printed{0, "built a.conf\n", ""}));
    EXPECT_EQ(run({"--ready-fd", "9", "--log", "syslog", "a.conf"}),
              (Printed{0, "built --log syslog --ready-fd 9 a.conf\n", ""}));
}

TEST_F(Foreground, ExecutesTheInstalledDaemonWhenItsFolderHasNone) {
    write_daemon(sbin(), "installed");
    EXPECT_EQ(run({"a.conf"}), (Printed{0, "installed a.conf\n", ""}));
}

TEST_F(Foreground, Returns71AfterAMessageWhenThereIsNoDaemon) {
    EXPECT_EQ(run({"a.conf"}), (Printed{71, "",
                                        "portsplit: cannot execute " + sbin() +
                                            "/portsplitd: No such file or directory\n"}));
}

}  // namespace
}  // namespace portsplit::cli
