#include "config/protocol.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace portsplit::config {
namespace {

TEST(AdviceOnProtocol, NamesTheEntryOrTheReason) {
    EXPECT_EQ(advice_on_protocol("https"), "write include = tls, which recognises https too");
    EXPECT_EQ(advice_on_protocol("HTTPS"), "write include = tls, which recognises https too");
    EXPECT_EQ(advice_on_protocol("vnc"),
              "the server of vnc speaks first, so its client cannot be recognised; see "
              "portsplit-patterns(7)");
    EXPECT_EQ(advice_on_protocol("quic"), "quic uses UDP, and Portsplit serves TCP alone");
    EXPECT_EQ(advice_on_protocol("shh"), "");
    EXPECT_EQ(advice_on_protocol(""), "");
}

/// Returns true if the library has an entry of this name.
bool has_entry(const std::string& name) {
    return std::filesystem::exists(PORTSPLIT_SOURCE_DIR "/contrib/patterns/" + name + ".conf");
}

TEST(AdviceOnProtocol, NamesEntriesThatTheLibraryHas) {
    for (const char* name : {"ssl", "wss", "ws", "h2", "sftp", "postgres", "jabber", "socks",
                             "cifs", "sqlserver", "torrent", "proxy", "valkey", "grpc"}) {
        const std::string advice = advice_on_protocol(name);
        const std::size_t begin = advice.find("= ") + 2;
        EXPECT_TRUE(has_entry(advice.substr(begin, advice.find(',') - begin))) << advice;
        EXPECT_FALSE(has_entry(name)) << name << " has an entry of its own";
    }
}

}  // namespace
}  // namespace portsplit::config
