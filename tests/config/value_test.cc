#include "config/value.h"

#include <gmock/gmock.h>

#include <chrono>

#include "config/wording.h"
#include "support/issues_of.h"

namespace portsplit::config {
namespace {

using namespace std::string_literals;
using namespace std::chrono_literals;

const Key& key(std::string_view name) { return *find_key(name); }

TEST(Parse, SplitsAnEndpointAtTheLastColon) {
    struct Case {
        const char* key;
        const char* text;
        core::Endpoint expected;
    };
    const Case cases[] = {
        {"bind", "0.0.0.0:443", {"0.0.0.0", 443}},
        {"bind", "*:0", {"*", 0}},
        {"bind", "[::]:443", {"::", 443}},
        {"bind", ":::8998", {"::", 8998}},
        {"connect", "::1:22", {"::1", 22}},
        {"connect", "[2001:db8::5]:22", {"2001:db8::5", 22}},
        {"bind", "[::0]:443", {"::", 443}},
        {"bind", "[0:0::1]:443", {"::1", 443}},
        {"bind", "[::ffff:192.0.2.1]:443", {"192.0.2.1", 443}},
        {"connect", "[2001:DB8:0::5]:22", {"2001:db8::5", 22}},
        {"connect", "localhost:65535", {"localhost", 65535}},
        {"connect", "a-b.example_1.:1", {"a-b.example_1.", 1}},
        {"connect", "1a:1", {"1a", 1}},
        {"connect", "0x7g.1:1", {"0x7g.1", 1}},
        {"connect", "node.1:1", {"node.1", 1}},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(*parse<core::Endpoint>(key(c.key), c.text), c.expected) << c.text;
    }
}

TEST(Parse, ReadsSecondsToTheMillisecond) {
    struct Case {
        const char* text;
        std::chrono::milliseconds expected;
    };
    const Case cases[] = {
        {"0", 0ms}, {"5", 5s},           {"2.5", 2500ms},       {"0.001", 1ms}, {".25", 250ms},
        {"3.", 3s}, {"007.010", 7010ms}, {"1.5000000", 1500ms}, {"86400", 24h},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(*parse<std::chrono::milliseconds>(key("timeout"), c.text), c.expected) << c.text;
    }
    EXPECT_EQ(print(2500ms), "2.5");
    EXPECT_EQ(print(10000ms), "10");
    EXPECT_EQ(print(1ms), "0.001");
}

TEST(Parse, ReportsWhatIsWrongAndWhatToWrite) {
    const std::string not_bind =
        "not an address in numbers; write one such as 0.0.0.0:443 or [::]:443, or *:443 for every "
        "address";
    const std::string no_bind_port =
        "no port; write ADDR:PORT, such as 0.0.0.0:443, [::]:443 or *:443";
    const std::string no_target_port = "no port; write HOST:PORT, such as 127.0.0.1:8443";
    const std::string not_target =
        "neither a host name nor an address; write one such as 127.0.0.1:8443";
    const std::string not_seconds = "not a number of seconds from 0 to 86400, such as 0.5";
    const std::string no_mode =
        "not three or four octal digits up to 0777; write one such as mode=0660";
    const std::string no_options =
        "a target has no options, and no path here has a comma; write unix:PATH";
    const std::string bad_option =
        "none of the options, or given twice; write unix:PATH and then mode=0660, user=NAME or "
        "group=NAME, with commas between them";
    const std::string no_path =
        "is no absolute path; write one such as unix:/run/portsplit.sock, or unix:@NAME for an "
        "abstract name";
    const std::string too_fine =
        "finer than a millisecond; write at most three digits after the point";
    const std::string not_number = "not a whole number from 0 to 1000000";
    const std::string not_window = "not a whole number from 1 to 65536";
    const std::string empty = "empty; write a value or delete the line";
    const std::string control = "a control character; write printable text";
    struct Case {
        std::string key;
        std::string text;
        std::string problem;
    };
    const Case cases[] = {
        {"bind", "", empty},
        {"bind", "443", no_bind_port},
        {"bind", "0.0.0.0", no_bind_port},
        {"bind", "0.0.0.0:", no_bind_port},
        {"bind", "[::1]", no_bind_port},
        {"bind", ":443", not_bind},
        {"bind", "localhost:443", not_bind},
        {"bind", "127.0.0.256:443", not_bind},
        {"bind", "2001:db8::5", not_bind},
        {"bind", "fe80::1%eth0:443", not_bind},
        {"bind", "[::1:443", not_bind},
        {"bind", "::1]:443", not_bind},
        {"bind", "[127.0.0.1]:443",
         "not an IPv6 address in the brackets; write one such as "
         "[::1]:443"},
        {"bind", "[]:443", "not an IPv6 address in the brackets; write one such as [::1]:443"},
        {"bind", "*:65536", "65536 is not a port; write a number from 1 to 65535"},
        {"bind", "*:-1", "-1 is not a port; write a number from 1 to 65535"},
        {"bind", "*:https", "https is not a port; write 443, the number of https"},
        {"bind", "*:nosuch", "nosuch is not a port; write a number from 1 to 65535"},
        {"bind", "/run/s", "a path; write unix:/run/s"},
        {"bind", "unix:", "no path; write one such as unix:/run/portsplit.sock"},
        {"bind", "unix:run/s", "run/s " + no_path},
        {"bind", "unix:@", "@ " + no_path},
        {"bind", "unix:/run//a",
         "a path with // or . or .. in it, or / at its end; write it without"},
        {"bind", "unix:/run/../a",
         "a path with // or . or .. in it, or / at its end; write it without"},
        {"connect", "unix:/run/",
         "a path with // or . or .. in it, or / at its end; write it without"},
        {"bind", "unix:/run/a b", "a blank in the path of a socket; choose one without"},
        {"bind", "unix:/" + std::string(107, 'x'), "a path of 108 bytes; a socket has at most 107"},
        {"bind", "unix:/s,mode=888", "mode=888: " + no_mode},
        {"bind", "unix:/s,mode=1777", "mode=1777: " + no_mode},
        {"bind", "unix:/s,mod=660", "mod=660: " + bad_option},
        {"bind", "unix:/s,mode=660,mode=660", "mode=660: " + bad_option},
        {"bind", "unix:/s,user=", "user=: " + bad_option},
        {"bind", "unix:@s,mode=660",
         "an abstract name has no mode and no owner; write a path for them"},
        {"bind", "http://127.0.0.1:80", "a URL; write ADDR:PORT, such as 127.0.0.1:8443"},
        {"bind", "*:99999999999999999999",
         "99999999999999999999 is not a port; write a number from 1 to 65535"},
        {"connect", "127.0.0.1", no_target_port},
        {"connect", "127.0.0.1:0", "0 is not a port; write a number from 1 to 65535"},
        {"connect", "127.0.0.1:ssh", "ssh is not a port; write 22, the number of ssh"},
        {"connect", "/run/php.sock", "a path; write unix:/run/php.sock"},
        {"connect", "a/b:1",
         "neither an address nor a Unix-domain socket; write HOST:PORT|unix:PATH"},
        {"connect", "unix:/s,mode=660", "mode=660: " + no_options},
        {"connect", "unix:/s,x", "x: " + no_options},
        {"connect", "unix:x", "x " + no_path},
        {"connect", "http://localhost:8080", "a URL; write HOST:PORT, such as 127.0.0.1:8443"},
        {"connect", "*:22", not_target},
        {"connect", "0x7f.1:80", not_target},
        {"connect", "0X7F000001:80", not_target},
        {"connect", "0177.0.0.1:80", not_target},
        {"connect", ":22", not_target},
        {"connect", "127.0.0.256:22", not_target},
        {"connect", "two words:22", not_target},
        {"connect", ".a:22", not_target},
        {"connect", "a..b:22", not_target},
        {"connect", "-a:22", not_target},
        {"connect", std::string(254, 'a') + ":22", not_target},
        {"connect", "a\x7f:22", control},
        {"timeout", "", not_seconds},
        {"timeout", ".", not_seconds},
        {"timeout", "-1", not_seconds},
        {"timeout", "5s", "not a number of seconds from 0 to 86400; write 5, without s"},
        {"timeout", "500 ms", "not a number of seconds from 0 to 86400; write 0.5, without ms"},
        {"timeout", "2,5", "not a number of seconds from 0 to 86400; write 2.5"},
        {"timeout", "1e3", not_seconds},
        {"timeout", "inf", not_seconds},
        {"timeout", "1.2.3", not_seconds},
        {"timeout", "86400.001", not_seconds},
        {"timeout", "86401", not_seconds},
        {"timeout", "99999999999999999999", not_seconds},
        {"timeout", "0.0005", too_fine},
        {"maxconn", "", not_number},
        {"maxconn", "x", not_number},
        {"maxconn", "-1", not_number},
        {"maxconn", "1.5", not_number},
        {"maxconn", "1000001", not_number},
        {"window", "0", not_window},
        {"window", "65537", not_window},
        {"pid", "", empty},
        {"pid", "portsplit.pid", "not an absolute path; begin it with /"},
        {"pid", "/a\tb", control},
        {"pid", "/" + std::string(4095, 'a'), "4096 bytes; at most 4095 are possible"},
        {"user", "", empty},
        {"user", "no body", "neither a name nor a number; write it without blanks and colons"},
        {"group", "a:b", "neither a name nor a number; write it without blanks and colons"},
        {"exec", "", empty},
        {"exec", "./a", "neither an absolute path nor a bare name; begin it with /"},
        {"exec", "bin/a", "neither an absolute path nor a bare name; begin it with /"},
        {"execarg", std::string(131072, 'a'), "131072 bytes; at most 131071 are possible"},
        {"stdio", "tty", "unknown; write socket, pipe or pty"},
        {"stdio", "", "unknown; write socket, pipe or pty"},
        {"stderr", "/dev/null", "unknown; write log, null or client"},
        {"pty", "maybe", "neither yes nor no; write one of them"},
        {"pty", "1", "neither yes nor no; write one of them"},
    };
    for (const Case& c : cases) {
        const std::string line = c.key + " = " + c.text + "\n";
        const bool is_global = stands_in(key(c.key), Place::Global);
        const auto issues = is_global ? issues_of(with_service(line), Need::Services)
                                      : issues_of("bind = *:4\n[fallback]\n" + line + "exec = a\n");
        const int number = is_global ? 1 : 3;
        const std::string value = c.key + " = " + shown(c.text);
        EXPECT_THAT(issues, ::testing::Contains("f:" + std::to_string(number) + ": " + value +
                                                ": " + c.problem))
            << value;
    }
}

TEST(WhyNoServiceName, RejectsNamesThatBreakTheLogOrTheEnvironment) {
    const std::string not_printable = "a name is printable ASCII without blanks, =, ] and \"";
    struct Case {
        std::string name;
        std::string expected;
    };
    const Case cases[] = {
        {"ssh", ""},
        {"http/1.1", ""},
        {"a[b", ""},
        {"", "no name; give it one"},
        {"-", "- means no service in the log; choose another name"},
        {"a b", not_printable},
        {"a=b", not_printable},
        {"a]b", not_printable},
        {"a\"b", not_printable},
        {"a\n", not_printable},
        {"m\xc3\xbcll", not_printable},
        {std::string(64, 'a'), ""},
        {std::string(65, 'a'), "a name has at most 64 characters"},
    };
    for (const Case& c : cases) EXPECT_EQ(why_no_name(c.name), c.expected) << c.name;
}

}  // namespace
}  // namespace portsplit::config
