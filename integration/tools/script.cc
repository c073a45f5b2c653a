#include "script.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "pattern.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace integration {
namespace {

using portsplit::sys::Clock;
using portsplit::sys::poll_timeout;
using portsplit::sys::retry;
using std::chrono::milliseconds;

/// How often a step looks for what no descriptor signals: a file, an empty send queue.
constexpr milliseconds kLook{2};

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// Escapes bytes for a message, so that no byte under test reaches a terminal.
std::string shown(std::string_view bytes) {
    std::string text;
    for (const char c : bytes.substr(0, 200)) {
        std::array<char, 8> piece{};
        const bool plain = c >= 0x20 && c < 0x7f && c != '\\';
        std::snprintf(piece.data(), piece.size(), plain ? "%c" : "\\x%02x",
                      static_cast<unsigned char>(c));
        text += piece.data();
    }
    return text;
}

}  // namespace

std::string unescaped(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            bytes += text[i];
            continue;
        }
        switch (const char next = text[++i]) {
            case 'n':
                bytes += '\n';
                break;
            case 'r':
                bytes += '\r';
                break;
            case 't':
                bytes += '\t';
                break;
            case '0':
                bytes += '\0';
                break;
            case 'x': {
                unsigned value = 0;
                const std::string_view digits = text.substr(i + 1, 2);
                std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
                bytes += static_cast<char>(value);
                i += digits.size();
                break;
            }
            default:
                bytes += next;
        }
    }
    return bytes;
}

Script::Script(portsplit::sys::UniqueFd socket, milliseconds limit)
    : socket_(std::move(socket)), limit_(limit) {
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

bool Script::run(std::span<char* const> steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::string_view whole = steps[i];
        const std::size_t colon = std::min(whole.find(':'), whole.size());
        const std::string_view argument = whole.substr(std::min(colon + 1, whole.size()));
        if (step(whole.substr(0, colon), argument)) continue;
        std::fprintf(stderr, "peer: step %zu, %s: %s\n", i + 1, shown(whole).c_str(),
                     failure_.c_str());
        return false;
    }
    return true;
}

bool Script::step(std::string_view name, std::string_view argument) {
    if (name == "send") return send(unescaped(argument));
    if (name == "send-bytewise") return send_in_pieces(unescaped(argument), 1, 1);
    if (name == "send-cut") {
        const std::size_t colon = std::min(argument.find(':'), argument.size() - 1);
        const std::string bytes = unescaped(argument.substr(colon + 1));
        return send_in_pieces(bytes, number(argument.substr(0, colon)), bytes.size());
    }
    if (name == "trickle") return trickle(argument);
    if (name == "urgent") return send(unescaped(argument), MSG_OOB);
    if (name == "acked") return wait_until_acked();
    if (name == "expect") return expect(unescaped(argument));
    if (name == "expect-eof") return expect_end(true, false);
    if (name == "expect-reset") return expect_end(false, true);
    if (name == "expect-end") return expect_end(true, true);
    if (name == "print") return print();
    if (name == "echo") return echo();
    if (name == "hold") return hold();
    if (name == "transfer") return transfer(number(argument), number(argument));
    if (name == "feed") return transfer(number(argument), 0);
    if (name == "drain") return transfer(0, number(argument));
    if (name == "shutdown") return ::shutdown(socket_.get(), SHUT_WR) == 0 || fail_with_errno("");
    if (name == "reset") return reset();
    if (name == "close") return socket_.reset(), true;
    if (name == "say-port") return say_port();
    if (name == "wait-file") return wait_for_file(std::string(argument));
    if (name == "touch") {
        const portsplit::sys::UniqueFd file(
            ::open(std::string(argument).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        return static_cast<bool>(file) || fail_with_errno("cannot create");
    }
    return fail("no such step");
}

bool Script::send(std::string_view bytes, int flags) {
    while (!bytes.empty()) {
        const ssize_t put = retry([&] {
            return ::send(socket_.get(), bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
        });
        if (put < 0 && errno != EAGAIN) return fail_with_errno("cannot send");
        if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
        if (!bytes.empty() && !wait_for(POLLOUT)) return false;
    }
    return true;
}

/// Sends each piece as a segment: the next one after the one before is acknowledged.
bool Script::send_in_pieces(std::string_view bytes, std::size_t first, std::size_t piece) {
    std::size_t size = first;
    while (!bytes.empty()) {
        size = std::min(size, bytes.size());
        if (!send(bytes.substr(0, size)) || !wait_until_acked()) return false;
        bytes.remove_prefix(size);
        size = piece;
    }
    return true;
}

/// Sends a byte every MS milliseconds. Sleeps, because tests of the deadline need the time itself.
bool Script::trickle(std::string_view argument) {
    const std::size_t colon = std::min(argument.find(':'), argument.size() - 1);
    for (const char byte : unescaped(argument.substr(colon + 1))) {
        if (!send({&byte, 1})) return false;
        ::poll(nullptr, 0, static_cast<int>(number(argument.substr(0, colon))));
    }
    return true;
}

bool Script::wait_until_acked() {
    const auto until = Clock::now() + limit_;
    while (Clock::now() < until) {
        int unacked = 0;
        if (::ioctl(socket_.get(), SIOCOUTQ, &unacked) < 0) return fail_with_errno("SIOCOUTQ");
        if (unacked == 0) return true;
        ::poll(nullptr, 0, static_cast<int>(kLook.count()));
    }
    return fail("not acknowledged in time");
}

bool Script::wait_for_file(const std::string& path) {
    const auto until = Clock::now() + limit_;
    while (::access(path.c_str(), F_OK) != 0) {
        if (Clock::now() >= until) return fail("no such file in time");
        ::poll(nullptr, 0, static_cast<int>(kLook.count()));
    }
    return true;
}

bool Script::wait_for(short events) {
    pollfd entry{.fd = socket_.get(), .events = events, .revents = 0};
    const auto until = Clock::now() + limit_;
    if (retry([&] { return ::poll(&entry, 1, poll_timeout(until)); }) > 0) return true;
    return fail("nothing came in time");
}

bool Script::expect(std::string_view bytes) {
    std::string got(bytes.size(), '\0');
    std::size_t have = 0;
    while (have < got.size()) {
        const ssize_t more =
            retry([&] { return ::recv(socket_.get(), got.data() + have, got.size() - have, 0); });
        if (more > 0) {
            have += static_cast<std::size_t>(more);
            continue;
        }
        if (more < 0 && errno == EAGAIN && wait_for(POLLIN)) continue;
        const std::string after = " after \"" + shown(got.substr(0, have)) + "\"";
        return more == 0 ? fail("end of stream" + after)
                         : fail_with_errno("cannot receive" + after);
    }
    return got == bytes || fail("got \"" + shown(got) + "\"");
}

bool Script::expect_end(bool eof, bool reset) {
    std::array<char, 256> got{};
    while (true) {
        const ssize_t more =
            retry([&] { return ::recv(socket_.get(), got.data(), got.size(), 0); });
        if (more == 0) return eof || fail("a clean end of stream");
        if (more > 0) {
            return fail("got \"" + shown({got.data(), static_cast<std::size_t>(more)}) + "\"");
        }
        if (errno == ECONNRESET) return reset || fail("a reset");
        if (errno != EAGAIN) return fail_with_errno("cannot receive");
        if (!wait_for(POLLIN)) return false;
    }
}

bool Script::print() {
    std::array<char, 65536> buffer;
    while (true) {
        const ssize_t got =
            retry([&] { return ::recv(socket_.get(), buffer.data(), buffer.size(), 0); });
        if (got == 0) return true;
        if (got < 0 && errno != EAGAIN) return fail_with_errno("cannot receive");
        if (got > 0) {
            std::fwrite(buffer.data(), 1, static_cast<std::size_t>(got), stdout);
            std::fflush(stdout);
        } else if (!wait_for(POLLIN)) {
            return false;
        }
    }
}

/// Runs until the other side ends, without a limit.
bool Script::echo() {
    std::array<char, 65536> buffer;
    while (true) {
        const ssize_t got =
            retry([&] { return ::recv(socket_.get(), buffer.data(), buffer.size(), 0); });
        if (got == 0) return true;
        if (got < 0 && errno == ECONNRESET) return true;
        if (got < 0 && errno != EAGAIN) return fail_with_errno("cannot receive");
        if (got > 0) {
            if (!send({buffer.data(), static_cast<std::size_t>(got)})) {
                return errno == ECONNRESET || errno == EPIPE;
            }
            continue;
        }
        pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
        retry([&] { return ::poll(&entry, 1, -1); });
    }
}

/// Reads nothing until the other side shuts down or resets, without a limit.
bool Script::hold() {
    pollfd entry{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
    retry([&] { return ::poll(&entry, 1, -1); });
    return true;
}

/// Sends and receives the stream of pattern.h at once.
bool Script::transfer(std::uint64_t to_send, std::uint64_t to_receive) {
    std::vector<std::byte> out(65536);
    std::vector<std::byte> in(65536);
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    while (sent < to_send || received < to_receive) {
        pollfd entry{.fd = socket_.get(), .events = 0, .revents = 0};
        if (sent < to_send) entry.events |= POLLOUT;
        if (received < to_receive) entry.events |= POLLIN;
        const auto until = Clock::now() + limit_;
        if (retry([&] { return ::poll(&entry, 1, poll_timeout(until)); }) <= 0) {
            return fail("nothing moved; sent " + std::to_string(sent) + ", received " +
                        std::to_string(received));
        }
        if ((entry.events & POLLIN) != 0 && (entry.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            const std::uint64_t room = std::min<std::uint64_t>(in.size(), to_receive - received);
            const ssize_t got = ::recv(socket_.get(), in.data(), room, 0);
            const std::string after = " after " + std::to_string(received) + " bytes";
            if (got == 0) return fail("end of stream" + after);
            if (got < 0 && errno != EAGAIN) return fail_with_errno("cannot receive" + after);
            if (got > 0) {
                const auto bytes = std::span(in).first(static_cast<std::size_t>(got));
                const std::size_t right = count_of_pattern(bytes, received);
                received += right;
                if (right < bytes.size()) {
                    return fail("byte " + std::to_string(received) + " is wrong");
                }
            }
        }
        if ((entry.events & POLLOUT) != 0 && (entry.revents & (POLLOUT | POLLERR)) != 0) {
            const auto bytes =
                std::span(out).first(std::min<std::uint64_t>(out.size(), to_send - sent));
            fill_with_pattern(bytes, sent);
            const ssize_t put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (put < 0 && errno != EAGAIN) {
                return fail_with_errno("cannot send after " + std::to_string(sent) + " bytes");
            }
            if (put > 0) sent += static_cast<std::uint64_t>(put);
        }
    }
    return true;
}

bool Script::reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
    return true;
}

bool Script::say_port() {
    sockaddr_in6 own{};  // the port has the same offset in both families
    socklen_t length = sizeof own;
    auto* generic = reinterpret_cast<sockaddr*>(&own);  // sockaddr(3type)
    if (::getsockname(socket_.get(), generic, &length) < 0) return fail_with_errno("getsockname");
    std::printf("%d\n", ntohs(own.sin6_port));
    std::fflush(stdout);
    return true;
}

bool Script::fail(const std::string& why) {
    failure_ = why;
    return false;
}

bool Script::fail_with_errno(const std::string& why) {
    const int code = errno;
    return fail(why + ": " + std::strerror(code));
}

}  // namespace integration
