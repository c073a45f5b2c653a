#include "cli/help.h"

namespace portsplit::cli {
namespace {

constexpr const char* kProgram =
    "Usage: portsplit [--log WHERE] [--ready-fd N] FILE\n"
    "       portsplit check [--inetd] [--system] [--silence WARNING]... FILE\n"
    "       portsplit convert [--to SPELLING] FILE\n"
    "       portsplit explain [--text TEXT | --hex BYTES | --pcap CAPTURE]\n"
    "                         [--listener NAME] [--source ADDR] [--final] [--json]\n"
    "                         FILE\n"
    "       portsplit test [--tap] FILE CASES\n"
    "       portsplit upgrade FILE\n"
    "Several services behind one TCP port, told apart by their first bytes.\n"
    "With a configuration FILE alone, serve it in the foreground.\n"
    "\n"
    "Commands:\n"
    "  check     print every error and warning of a configuration\n"
    "  convert   print a configuration in the other spelling\n"
    "  explain   print which service takes a connection with given first bytes\n"
    "  test      compare the decisions of a configuration with those expected\n"
    "  upgrade   make the running portsplitd the one that is installed now\n"
    "\n"
    "Options:\n"
    "  --log WHERE     stderr (default), syslog, or the path of a file\n"
    "  --ready-fd N    once it listens, write the addresses to descriptor N\n"
    "  -h, --help      print this and exit; after a command, its options\n"
    "  -V, --version   print the version and exit\n"
    "\n"
    "See portsplit(1) and portsplit.conf(5).\n";

constexpr const char* kCheck =
    "Usage: portsplit check [--inetd] [--system] [--silence WARNING]... FILE\n"
    "Print every error and warning of the configuration FILE. Exit with 78 if it\n"
    "cannot be served.\n"
    "\n"
    "  --inetd             the file is for a super-server and needs no bind\n"
    "  --system            connect to the targets of transparent services with a\n"
    "                      client's address, and print what this machine lacks;\n"
    "                      needs root. Exit with 1 if a target does not answer\n"
    "  --silence WARNING   do not print a warning: its NAME, or NAME:SERVICE for one\n"
    "                      service; can be given several times\n"
    "  -h, --help          print this and exit\n"
    "\n"
    "See portsplit(1) for the names of the warnings.\n";

constexpr const char* kConvert =
    "Usage: portsplit convert [--to SPELLING] FILE\n"
    "Print the configuration FILE, includes in place, in the other spelling.\n"
    "\n"
    "  --to SPELLING   classic or libconfig; by default the one that FILE is not in\n"
    "  -h, --help      print this and exit\n"
    "\n"
    "See portsplit(1) and portsplit.conf(5).\n";

constexpr const char* kExplain =
    "Usage: portsplit explain [--text TEXT | --hex BYTES | --pcap CAPTURE]\n"
    "                         [--listener NAME] [--source ADDR] [--final] [--json]\n"
    "                         FILE\n"
    "Print which service of FILE takes a connection with these first bytes, and why.\n"
    "\n"
    "The bytes come from standard input, or from one of these:\n"
    "  --text TEXT      a text, in which \\XX is a byte in hex\n"
    "  --hex BYTES      bytes in hex\n"
    "  --pcap CAPTURE   all TCP streams of a capture; prints a line for each\n"
    "\n"
    "  --listener NAME  the listener that the client came to; main by default\n"
    "  --source ADDR    the client's address, or unix; by default an unknown one\n"
    "  --final          decide as at the deadline, when no more bytes are waited for\n"
    "  --json           print one JSON object a line, for programs\n"
    "  -h, --help       print this and exit\n"
    "\n"
    "See portsplit(1).\n";

constexpr const char* kTest =
    "Usage: portsplit test [--tap] FILE CASES\n"
    "Compare the decisions of the configuration FILE with those that the file CASES\n"
    "expects. Exit with 1 if a case is not as expected.\n"
    "\n"
    "  --tap        print every case in the Test Anything Protocol, for programs\n"
    "  -h, --help   print this and exit\n"
    "\n"
    "See portsplit(1) for the form of CASES.\n";

constexpr const char* kUpgrade =
    "Usage: portsplit upgrade FILE\n"
    "Make the running portsplitd, which the pid file of the configuration FILE names,\n"
    "the program that is installed now. No connection ends, and no client is refused.\n"
    "Print the outcome and exit with 0 if the new program serves; else the old does.\n"
    "\n"
    "  -h, --help   print this and exit\n"
    "\n"
    "See portsplit(1) and portsplitd(8).\n";

}  // namespace

std::string help_of(const std::string& command) {
    if (command == "check") return kCheck;
    if (command == "convert") return kConvert;
    if (command == "explain") return kExplain;
    if (command == "test") return kTest;
    if (command == "upgrade") return kUpgrade;
    return kProgram;
}

}  // namespace portsplit::cli
