// The layout mqtt beside mosquitto, whose log names the client.
//
// PORTSPLIT_MUTANTS is the number of packets.

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "judges/client_hello.h"
#include "judges/layout_reader.h"
#include "judges/server_process.h"

namespace portsplit::judges {
namespace {

class MqttJudge {
  public:
    struct Client {
        bool is_accepted = false;
        std::string id;  ///< `auto-...` if mosquitto chose it
    };
    Client judge(const Segments& segments) {
        (void)server_.new_output();
        const std::string answer = server_.answer_to(segments, true);
        // CONNACK: its length, flags, and 0 for success (MQTT 5.0 3.2).
        const bool is_accepted = answer.size() >= 4 && answer[0] == 0x20 && answer[3] == 0;
        if (!is_accepted) return {};
        const std::string log = server_.new_output();
        const std::size_t line = log.find(" connected from ");
        const std::size_t begin = log.find(" as ", line);
        const std::size_t end = log.rfind(" (p", log.find('\n', begin));
        if (end == std::string::npos) return {true, "no line in the log: " + log};
        return {true, log.substr(begin + 4, end - begin - 4)};
    }

  private:
    static std::vector<std::string> command(const Folder& folder) {
        give_to_nobody(folder);
        const std::string path = folder / "mosquitto.conf";
        std::ofstream(path)
            << "listener 0 " << folder / "socket"
            << "\nallow_anonymous true\nlog_dest stderr\nlog_type all\npersistence false\n";
        return {"mosquitto", "-c", path};
    }

    Folder folder_;
    ServerProcess server_{folder_, command(folder_), "socket", SIGTERM, kNobody};
};

/// Returns a number in groups of seven bits, the least significant first (MQTT 5.0 1.5.5).
std::string variable_number(std::size_t value) {
    std::string bytes;
    for (; value > 0x7F; value >>= 7) bytes += static_cast<char>(0x80 | (value & 0x7F));
    return bytes + static_cast<char>(value);
}

class ConnectPackets {
  public:
    explicit ConnectPackets(Random& random) : random_(random) {}

    std::string make() {
        // Bridges of mosquitto add 0x80 to the version.
        static const std::vector<int> kVersions{3, 4, 4, 5, 5, 0x83, 0x84};
        const int version = one_of(kVersions, random_);
        const bool has_will = one_in(4);
        const bool has_user = one_in(3);
        const bool has_password = has_user && one_in(2);
        std::string body = behind_length(2, (version & 0x7F) == 3 ? "MQIsdp" : "MQTT") +
                           number(1, static_cast<unsigned>(version));
        body += number(
            1, 2U | (has_will ? 4U : 0U) | (has_user ? 0x80U : 0U) | (has_password ? 0x40U : 0U));
        body += number(2, below(random_, 100));
        if (version == 5) body += properties();
        body += behind_length(2, id());
        if (has_will && version == 5) body += properties_of_will();
        if (has_will)
            body += behind_length(2, "topic") +
                    behind_length(2, std::string(below(random_, one_in(20) ? 65'000 : 50), 'w'));
        if (has_user) body += behind_length(2, "user");
        if (has_password)
            body += behind_length(2, one_in(20) ? std::string(60'000, 'p') : "password");
        std::string packet = "\x10" + variable_number(body.size()) + body;
        if (one_in(3)) change(packet);
        return packet;
    }

  private:
    std::string id() {
        static const std::vector<std::string> kIds{
            "client", "", "A", "mqttjs_1a2b", "a b", "b\303\274cher", "as (p4"};
        return one_in(6) ? std::string(below(random_, 200), 'i') : one_of(kIds, random_);
    }

    /// Returns a session's end, a limit and pairs of the user (MQTT 5.0 3.1.2.11).
    std::string properties() {
        std::string all;
        if (one_in(2)) all += "\x11" + number(4, 60);
        if (one_in(2)) all += "\x21" + number(2, 20);
        for (std::size_t pairs = one_in(3) ? below(random_, 8) : 0; pairs > 0; --pairs)
            all += "\x26" + behind_length(2, "key") +
                   behind_length(2, std::string(below(random_, 90), 'v'));
        return variable_number(all.size()) + all;
    }

    std::string properties_of_will() {
        return one_in(2) ? std::string(1, '\0') : variable_number(5) + "\x18" + number(4, 1);
    }

    void change(std::string& packet) {
        switch (below(random_, 4)) {
            case 0:
                packet[below(random_, packet.size())] = random_byte(random_);
                return;
            case 1:
                packet[below(random_, std::min<std::size_t>(packet.size(), 24))] =
                    random_byte(random_);
                return;
            case 2:
                packet.erase(below(random_, packet.size()), 1);
                return;
            default:
                packet.insert(below(random_, packet.size()), 1, random_byte(random_));
        }
    }

    bool one_in(std::size_t times) { return below(random_, times) == 0; }

    Random& random_;
};

TEST(MqttJudge, ReadsTheClientThatTheLayoutReads) {
    const LayoutReader layout("mqtt");
    MqttJudge mosquitto;
    Random random(1);  // NOLINT(cert-msc51-cpp): the same packets in each run
    ConnectPackets packets(random);
    std::size_t accepted = 0;
    std::size_t refused = 0;
    std::size_t fits = 0;
    for (std::size_t left = mutants_wanted(1'000); left > 0; --left) {
        const std::string stream = packets.make();
        const Segments segments = in_few_segments(stream, random);
        const Reading reading = layout.read(segments);
        const MqttJudge::Client client = mosquitto.judge(segments);
        ++(client.is_accepted ? accepted : refused);
        if (!client.is_accepted) {
            fits += reading.fits() ? 1U : 0U;
            continue;
        }
        const std::string id = reading.value("client");
        const bool agrees =
            reading.fits() && (id == client.id || (id.empty() && client.id.starts_with("auto-")));
        EXPECT_TRUE(agrees) << "mosquitto: " << client.id << "\nthe layout: " << reading
                            << "\nthe stream: " << in_hex(stream.substr(0, 300));
    }
    std::cout << "mosquitto accepted " << accepted << ", refused " << refused
              << " (which fit the layout: " << fits << ")\n";
    EXPECT_GT(accepted, refused);
}

}  // namespace
}  // namespace portsplit::judges
