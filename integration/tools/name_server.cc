// name_server ZONE QUESTIONS ADDRESS[=MODE]... -- COMMAND [ARGUMENT...]
//
// A DNS server for a test, on port 53 of each address (UDP and TCP, RFC 1035), while a command runs.
// Executes the command once the server listens; the server ends with it. Appends each question to the
// file QUESTIONS: `NAME TYPE udp|tcp ADDRESS`.
//
// Lines of the file ZONE. A name that is in no line does not exist (NXDOMAIN).
//   NAME A ADDRESS
//   NAME AAAA ADDRESS
//   NAME CNAME OTHER
//   NAME FAIL -          SERVFAIL
//   NAME CUT -           truncated over UDP, so that the resolver asks again over TCP
//   NAME DROP TYPE       questions of this type get no answer
//   NAME NONE -          exists, without an address
//
// Modes of a server: `fail` answers every question with SERVFAIL, `refuse` with REFUSED, `silent` never
// answers.

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/fd.h"

namespace {

using portsplit::sys::UniqueFd;

// RFC 1035 3.2.2, 4.1.1; RFC 3596.
constexpr std::uint16_t kA = 1, kCname = 5, kAaaa = 28;
constexpr unsigned kNoError = 0, kFail = 2, kNoName = 3, kRefused = 5;
constexpr std::size_t kHeader = 12;

struct Line {
    std::string name, type, value;
};

struct Server {
    std::string address, mode;
    UniqueFd udp, tcp;
};

struct Question {
    std::string name;  ///< in lower case
    std::uint16_t type = 0;
    std::string_view bytes;  ///< as they came
};

[[noreturn]] void fail(const std::string& what) {
    std::perror(what.c_str());
    std::exit(1);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                      static_cast<unsigned char>(bytes[at + 1]));
}

std::string as_bytes(std::size_t number) {
    return {static_cast<char>(number >> 8 & 0xff), static_cast<char>(number & 0xff)};
}

std::string type_name(std::uint16_t type) {
    if (type == kA) return "A";
    return type == kAaaa ? "AAAA" : std::to_string(type);
}

/// Returns the first question of a message; its name is empty if there is none.
Question question_of(std::string_view message) {
    Question question;
    std::size_t at = kHeader;
    while (at < message.size() && message[at] != 0) {
        const auto length = static_cast<unsigned char>(message[at]);
        if (at + 1 + length > message.size()) return {};
        if (at > kHeader) question.name += '.';
        question.name += message.substr(at + 1, length);
        at += 1U + length;
    }
    if (at + 5 > message.size()) return {};
    std::transform(question.name.begin(), question.name.end(), question.name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    question.type = number_at(message, at + 1);
    question.bytes = message.substr(kHeader, at + 5 - kHeader);
    return question;
}

std::string name_bytes(std::string_view name) {
    std::string bytes;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        bytes += static_cast<char>(label.size());
        bytes += label;
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    return bytes + '\0';
}

std::string record(const Line& line, std::uint16_t type) {
    std::array<char, 16> address{};
    std::string data = name_bytes(line.value);
    if (type != kCname) {
        ::inet_pton(type == kA ? AF_INET : AF_INET6, line.value.c_str(), address.data());
        data.assign(address.data(), type == kA ? 4 : 16);
    }
    constexpr std::string_view kInternetFor60Seconds("\0\1\0\0\0\x3c", 6);
    return name_bytes(line.name) + as_bytes(type) + std::string(kInternetFor60Seconds) +
           as_bytes(data.size()) + data;
}

class Zone {
  public:
    explicit Zone(const std::string& path) {
        std::ifstream in(path);
        for (Line line; in >> line.name >> line.type >> line.value;) lines_.push_back(line);
    }

    bool has(const std::string& name, std::string_view type) const {
        return std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) {
            return line.name == name && line.type == type;
        });
    }
    bool drops(const Question& question) const {
        return std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) {
            return line.name == question.name && line.type == "DROP" &&
                   line.value == type_name(question.type);
        });
    }

    /// Returns the records of an answer, aliases first.
    std::vector<std::string> records(std::string name, std::uint16_t type, bool& exists) const {
        std::vector<std::string> records;
        exists = false;
        for (std::string next = name; !next.empty();) {
            name = std::exchange(next, {});
            for (const Line& line : lines_) {
                if (line.name != name) continue;
                exists = true;
                if (line.type == type_name(type)) records.push_back(record(line, type));
                if (line.type != "CNAME") continue;
                records.push_back(record(line, kCname));
                next = line.value;
            }
        }
        return records;
    }

  private:
    std::vector<Line> lines_;
};

std::string answer(const Zone& zone, const std::string& mode, std::string_view message,
                   const Question& question, bool tcp) {
    bool exists = false;
    std::vector<std::string> records = zone.records(question.name, question.type, exists);
    unsigned code = exists ? kNoError : kNoName;
    if (mode == "fail" || zone.has(question.name, "FAIL")) code = kFail;
    if (mode == "refuse") code = kRefused;
    const bool cut = !tcp && zone.has(question.name, "CUT");
    if (code != kNoError || cut) records.clear();
    // A response, recursion desired and available.
    const unsigned flags = 0x8180U | (cut ? 0x0200U : 0U) | code;
    std::string bytes(message.substr(0, 2));
    bytes += as_bytes(flags) + as_bytes(1) + as_bytes(records.size()) + as_bytes(0) + as_bytes(0);
    bytes += question.bytes;
    for (const std::string& one : records) bytes += one;
    return bytes;
}

class Service {
  public:
    Service(const char* zone, const char* questions)
        : zone_(zone), questions_(questions, std::ios::app) {}

    /// Returns the answer to a message; empty for none.
    std::string reply(const Server& server, std::string_view message, bool tcp) {
        if (message.size() < kHeader) return {};
        const Question question = question_of(message);
        questions_ << question.name << ' ' << type_name(question.type) << (tcp ? " tcp " : " udp ")
                   << server.address << std::endl;
        if (server.mode == "silent" || zone_.drops(question)) return {};
        return answer(zone_, server.mode, message, question, tcp);
    }

    void serve_udp(const Server& server) {
        std::array<char, 1024> buffer{};
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        auto* peer = reinterpret_cast<sockaddr*>(&from);
        const ssize_t got =
            ::recvfrom(server.udp.get(), buffer.data(), buffer.size(), 0, peer, &size);
        if (got < 0) return;
        const std::string bytes =
            reply(server, {buffer.data(), static_cast<std::size_t>(got)}, false);
        if (!bytes.empty()) ::sendto(server.udp.get(), bytes.data(), bytes.size(), 0, peer, size);
    }

    /// Answers the questions of one connection until its end.
    void serve_tcp(const Server& server) {
        const UniqueFd client(::accept4(server.tcp.get(), nullptr, nullptr, SOCK_CLOEXEC));
        std::array<char, 1024> buffer{};
        const auto take = [&](std::size_t size) {
            return ::recv(client.get(), buffer.data(), size, MSG_WAITALL) ==
                   static_cast<ssize_t>(size);
        };
        while (take(2)) {
            const std::size_t size = number_at({buffer.data(), 2}, 0);
            if (size > buffer.size() || !take(size)) return;
            const std::string bytes = reply(server, {buffer.data(), size}, true);
            if (bytes.empty()) continue;
            const std::string whole = as_bytes(bytes.size()) + bytes;
            if (::send(client.get(), whole.data(), whole.size(), MSG_NOSIGNAL) < 0) return;
        }
    }

  private:
    Zone zone_;
    std::ofstream questions_;
};

UniqueFd bound_socket(const std::string& address, int type) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(53);
    if (::inet_pton(AF_INET, address.c_str(), &place.sin_addr) != 1) fail(address);
    UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&place), sizeof place) < 0 ||
        (type == SOCK_STREAM && ::listen(socket.get(), SOMAXCONN) < 0)) {
        fail("bind to port 53 of " + address);
    }
    return socket;
}

[[noreturn]] void serve(Service service, const std::vector<Server>& servers) {
    std::vector<pollfd> entries;
    for (const Server& server : servers) {
        entries.push_back({.fd = server.udp.get(), .events = POLLIN, .revents = 0});
        entries.push_back({.fd = server.tcp.get(), .events = POLLIN, .revents = 0});
    }
    while (::poll(entries.data(), entries.size(), -1) > 0) {
        for (std::size_t i = 0; i < servers.size(); ++i) {
            if (entries[2 * i].revents != 0) service.serve_udp(servers[i]);
            if (entries[2 * i + 1].revents != 0) service.serve_tcp(servers[i]);
        }
    }
    fail("poll");
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<Server> servers;
    int next = 3;
    for (; next < argc && std::string_view(argv[next]) != "--"; ++next) {
        const std::string text(argv[next]);
        const std::size_t equals = std::min(text.find('='), text.size());
        const std::string address = text.substr(0, equals);
        servers.push_back({address, equals < text.size() ? text.substr(equals + 1) : "",
                           bound_socket(address, SOCK_DGRAM), bound_socket(address, SOCK_STREAM)});
    }
    if (argc < 4 || next + 1 >= argc) {
        std::fputs("usage: name_server ZONE QUESTIONS ADDRESS[=MODE]... -- COMMAND...\n", stderr);
        return 64;
    }
    const pid_t parent = ::getpid();
    const pid_t server = ::fork();
    if (server < 0) fail("fork");
    if (server == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (::getppid() == parent) serve(Service(argv[1], argv[2]), servers);
        return 0;
    }
    ::execvp(argv[next + 1], argv + next + 1);
    fail(argv[next + 1]);
}
