// The layout ldap beside OpenLDAP's slapd, whose log says which name it read.
//
// PORTSPLIT_MUTANTS is the number of requests.

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "judges/client_hello.h"
#include "judges/layout_reader.h"
#include "judges/server_process.h"

namespace portsplit::judges {
namespace {

class LdapJudge {
  public:
    struct Bind {
        bool is_read = false;
        std::string dn;
    };
    Bind judge(const Segments& segments) {
        (void)server_.new_output();
        (void)server_.answer_to(segments, true);
        const std::string log = server_.new_output();
        const std::string before = " BIND dn=\"";
        const std::size_t found = log.find(before);
        if (found == std::string::npos) return {};
        const std::size_t begin = found + before.size();
        return {true, log.substr(begin, log.find("\" method=", begin) - begin)};
    }

  private:
    static std::vector<std::string> command(const Folder& folder) {
        give_to_nobody(folder);
        const std::string path = folder / "slapd.conf";
        // The attributes of the names that the test uses.
        std::ofstream(path)
            << "pidfile " << folder / "pid"
            << "\nallow bind_v2\n"
            << "attributetype ( 0.9.2342.19200300.100.1.25 NAME 'dc' EQUALITY caseIgnoreIA5Match"
               " SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )\n";
        std::string url = "ldapi://";
        for (const char c : folder / "socket") url += c == '/' ? "%2F" : std::string(1, c);
        return {"slapd", "-d", "stats", "-f", path, "-h", url};
    }

    Folder folder_;
    ServerProcess server_{folder_, command(folder_), "socket", SIGTERM, kNobody};
};

class BindRequests {
  public:
    explicit BindRequests(Random& random) : random_(random) {}

    std::string make() {
        const std::string name = one_in(8) ? "" : dn();
        std::string authentication = element(0x80, one_in(3) ? "" : "secret");
        if (one_in(4))
            authentication = element(
                0xA3, element(0x04, "PLAIN") +
                          (one_in(2) ? element(0x04, std::string(below(random_, 300), 'c')) : ""));
        const std::string bind =
            element(0x60, element(0x02, std::string(1, one_in(5) ? '\2' : '\3')) +
                              element(0x04, name) + authentication);
        std::string controls;
        if (one_in(6))
            controls = element(0xA0, element(0x30, element(0x04, "1.3.6.1.4.1.42.2.27.8.5.1")));
        const std::string id = random_bytes(random_, one_in(4) ? below(random_, 3) : 0);
        std::string request = element(0x30, element(0x02, "\1" + id) + bind + controls);
        if (one_in(3)) change(request);
        return request;
    }

  private:
    /// Returns an element of ASN.1 whose length is in the shortest form or a longer one (X.690 8.1.3).
    std::string element(unsigned tag, const std::string& content) {
        const std::string head(1, static_cast<char>(tag));
        const std::size_t size = content.size();
        if (size < 0x80 && !one_in(5)) return head + behind_length(1, content);
        const std::size_t least = size < 0x100 ? 1 : 2;
        const std::size_t bytes = least + below(random_, 5 - least);
        return head + static_cast<char>(0x80 | bytes) + behind_length(bytes, content);
    }

    std::string dn() {
        static const std::vector<std::string> kTypes{"cn=", "uid=", "dc=", "CN="};
        static const std::vector<std::string> kValues{"user", "Admin", "people", "a b", "x-1"};
        std::string name = one_of(kTypes, random_) + one_of(kValues, random_);
        for (std::size_t left = below(random_, one_in(6) ? 30 : 3); left > 0; --left)
            name += (one_in(4) ? ", " : ",") + one_of(kTypes, random_) + one_of(kValues, random_);
        return name + (one_in(4) ? "" : ",dc=example,dc=org");
    }

    void change(std::string& request) {
        switch (below(random_, 4)) {
            case 0:
                request[below(random_, request.size())] = random_byte(random_);
                return;
            case 1:
                request[below(random_, std::min<std::size_t>(request.size(), 20))] =
                    random_byte(random_);
                return;
            case 2:
                request.erase(below(random_, request.size()), 1);
                return;
            default:
                request += random_bytes(random_, 1 + below(random_, 5));
        }
    }

    bool one_in(std::size_t times) { return below(random_, times) == 0; }

    Random& random_;
};

/// Returns a name as both the client and slapd write it: slapd removes blanks, escapes other bytes, and
/// writes a comma for a semicolon (RFC 4514 2.4, 4).
std::string plain(const std::string& dn) {
    std::string text;
    for (std::size_t i = 0; i < dn.size(); ++i) {
        char c = dn[i];
        const std::string digits = dn.substr(i + 1, 2);
        const bool is_byte =
            digits.size() == 2 && digits.find_first_not_of("0123456789abcdefABCDEF") == dn.npos;
        if (c == '\\' && is_byte) {
            c = static_cast<char>(std::stoi(digits, nullptr, 16));
            i += 2;
        }
        if (c == ';') c = ',';
        if (std::string_view(" \t\r\n\\").find(c) == std::string_view::npos) text += c;
    }
    return folded(text);
}

TEST(LdapJudge, ReadsTheNameThatTheLayoutReads) {
    const LayoutReader layout("ldap");
    LdapJudge slapd;
    Random random(1);  // NOLINT(cert-msc51-cpp): the same requests in each run
    BindRequests requests(random);
    std::size_t accepted = 0;
    std::size_t refused = 0;
    std::size_t fits = 0;
    for (std::size_t left = mutants_wanted(1'000); left > 0; --left) {
        const std::string stream = requests.make();
        const Segments segments = in_few_segments(stream, random);
        const Reading reading = layout.read(segments);
        const LdapJudge::Bind bind = slapd.judge(segments);
        ++(bind.is_read ? accepted : refused);
        if (!bind.is_read) {
            fits += reading.fits() ? 1U : 0U;
            continue;
        }
        EXPECT_TRUE(reading.fits() && plain(reading.value("dn")) == plain(bind.dn))
            << "slapd: " << bind.dn << "\nthe layout: " << reading
            << "\nthe stream: " << in_hex(stream);
    }
    std::cout << "slapd accepted " << accepted << ", refused " << refused
              << " (which fit the layout: " << fits << ")\n";
    EXPECT_GT(accepted, refused);
}

}  // namespace
}  // namespace portsplit::judges
