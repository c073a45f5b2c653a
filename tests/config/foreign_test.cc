#include "config/foreign.h"

#include <gmock/gmock.h>

#include <string>

#include "support/issues_of.h"
#include "support/memory_files.h"

namespace portsplit::config {
namespace {

using ::testing::ElementsAre;

constexpr const char* kSslh =
    "this looks like an sslh configuration, which Portsplit cannot read; each address of listen is "
    "a bind here; each protocol a [service] with include = NAME of portsplit-patterns(7), or a "
    "pattern, and connect; anyprot is [fallback], and on-timeout [timeout]; see portsplit.conf(5)";

std::string looks_like(const std::string& file, const std::string& advice) {
    return "this looks like " + file + ", which Portsplit cannot read; " + advice +
           "; see portsplit.conf(5)";
}

std::string service_of_program(const std::string& file) {
    return looks_like(
        file,
        "each of its services is a [service] here, with a pattern, exec for its server "
        "and execarg for each argument");
}

std::string proxy(const std::string& file) {
    return looks_like(file,
                      "Portsplit stands in front of it: bind is the public port, and connect the "
                      "address on which it listens");
}

TEST(WhyForeign, RecognisesEachProgram) {
    struct Case {
        std::string text;
        std::string expected;
    };
    const std::string xinetd = service_of_program("an xinetd configuration");
    const std::string inetd = service_of_program("an inetd configuration");
    const std::string haproxy = proxy("a HAProxy configuration");
    const std::string nginx = proxy("an nginx configuration");
    const Case cases[] = {
        {"listen: ( { host: \"a\"; port: \"443\"; } );\nprotocols:\n(\n);\n", kSslh},
        {"protocols = ();", kSslh},
        {"DAEMON=/usr/sbin/sslh\nDAEMON_OPTS=\"--user sslh --listen 0.0.0.0:443\"\n", kSslh},
        {"# a comment\ndefaults\n{\n\n}\nincludedir /etc/xinetd.d\n", xinetd},
        {"includedir /etc/xinetd.d\n", xinetd},
        {"service echo\n{\n\tdisable = yes\n}\n", xinetd},
        {"service echo {\n\tdisable = yes\n}\n", xinetd},
        {"\nftp stream tcp nowait root /usr/sbin/tcpd in.ftpd\n", inetd},
        {"mountd/1\tdgram\trpc/udp\twait.40\troot\t/usr/sbin/mountd mountd\n", inetd},
        {"#:INTERNAL: Internal services\n#discard\t\tstream\ttcp\tnowait\troot\tinternal\n", inetd},
        {"#<off># netbios-ssn stream tcp nowait root /usr/sbin/tcpd smbd\n", inetd},
        {"global\n\tlog /dev/log local0\n", haproxy},
        {"frontend www\n    bind *:80\n", haproxy},
        {"listen stats *:8404\n  mode http\n", haproxy},
        {"defaults\r\n  mode tcp\r\n", haproxy},
        {"user www-data;\nevents {\n}\n", nginx},
        {"server {\n\tlisten 80;\n}\n", nginx},
        {"http{\n", nginx},
        {"location ~ \\.php$ {\n", nginx},
        {"fastcgi_param  SCRIPT_NAME  $fastcgi_script_name;\n", nginx},
    };
    for (const Case& c : cases) EXPECT_EQ(why_foreign(c.text), c.expected) << c.text;
}

TEST(WhyForeign, RecognisesNothingInAConfigurationOfPortsplit) {
    for (const char* text :
         {"", "# listen\n", "bind = *:443\n[server]\nstring = a\nexec = b\n",
          "services : { server : { connect = \"a:1\"; }; };",
          "services :\n{\n  server :\n  {\n    string = \"a\";\n  };\n};\n",
          "[global]\nstring = a\nexec = b\n", "listen = *:443\n", "backend = a:1\n",
          "# ssh stream tcp nowait root /usr/sbin/sshd sshd -i\nbind *:443\n"}) {
        EXPECT_EQ(why_foreign(text), "") << text;
    }
}

TEST(Read, ReportsAFileOfAnotherProgramWithOneError) {
    EXPECT_THAT(
        issues_of("timeout: 2;\nuser: \"nobody\";\nlisten: ( { host: \"a\"; port: \"1\"; } );\n"
                  "protocols: ( { name: \"ssh\"; host: \"b\"; port: \"22\"; } );\n"),
        ElementsAre(std::string("f:1: ") + kSslh));
    EXPECT_THAT(issues_of("frontend www\n    bind *:80\n"),
                ElementsAre("f:1: " + proxy("a HAProxy configuration")));
}

TEST(Read, ReportsAnIncludedFileOfAnotherProgramWithOneError) {
    const Files files = memory_files({{"/etc/web", "server {\n\tlisten 80;\n}\n"}});
    EXPECT_THAT(texts_of(read("bind = *:443\ninclude = ./web\n[fallback]\nconnect = b\n",
                              "/etc/main", Need::Listeners, files)
                             .issues),
                ElementsAre("/etc/main:4: connect = b: no port; write HOST:PORT, such as "
                            "127.0.0.1:8443",
                            "/etc/web:1: " + proxy("an nginx configuration")));
}

}  // namespace
}  // namespace portsplit::config
