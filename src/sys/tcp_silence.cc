#include "sys/tcp_silence.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "sys/fd.h"

namespace portsplit::sys {
namespace {

struct Request {
    nlmsghdr head{};
    inet_diag_req_v2 body{};
};

void set_address(std::uint32_t (&words)[4], const Address& address) {
    const core::IpAddress ip = address.ip();
    std::memcpy(words, ip.bytes().data(), ip.bytes().size());
}

/// Asks for the one connection, with its tcp_info.
Request request_for(const Ends& ends) {
    Request request;
    request.head.nlmsg_len = sizeof request;
    request.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.head.nlmsg_flags = NLM_F_REQUEST;
    inet_diag_req_v2& body = request.body;
    body.sdiag_family = ends.peer.ip().is_v4() ? AF_INET : AF_INET6;
    body.sdiag_protocol = IPPROTO_TCP;
    body.idiag_ext = 1 << (INET_DIAG_INFO - 1);
    body.id.idiag_sport = htons(ends.local.port());
    body.id.idiag_dport = htons(ends.peer.port());
    set_address(body.id.idiag_src, ends.local);
    set_address(body.id.idiag_dst, ends.peer);
    body.id.idiag_if = ends.peer.interface();
    body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return request;
}

/// Finds the tcp_info in an answer.
std::optional<std::chrono::milliseconds> silence_in(const std::byte* bytes, std::size_t size) {
    const auto* head = reinterpret_cast<const nlmsghdr*>(bytes);
    if (size < NLMSG_LENGTH(sizeof(inet_diag_msg)) || head->nlmsg_len > size ||
        head->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
        return std::nullopt;
    }
    std::size_t at = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(inet_diag_msg)));
    while (at + sizeof(rtattr) <= size) {
        rtattr attribute{};
        std::memcpy(&attribute, bytes + at, sizeof attribute);
        const std::size_t length = attribute.rta_len;
        if (length < sizeof attribute || length > size - at) break;
        if (attribute.rta_type == INET_DIAG_INFO) {
            tcp_info info{};
            std::memcpy(&info, bytes + at + sizeof attribute,
                        std::min(length - sizeof attribute, sizeof info));
            return std::chrono::milliseconds(info.tcpi_last_data_recv);
        }
        at += RTA_ALIGN(length);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> silence_of(const Ends& ends) {
    if (!ends.peer.is_internet() || !ends.local.is_internet()) return std::nullopt;
    const UniqueFd kernel(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!kernel) return std::nullopt;
    const Request request = request_for(ends);
    if (::send(kernel.get(), &request, sizeof request, 0) < 0) return std::nullopt;
    // The kernel has answered when send(2) returns.
    alignas(nlmsghdr) std::array<std::byte, 4096> answer;
    const ssize_t size = ::recv(kernel.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    if (size < 0) return std::nullopt;
    return silence_in(answer.data(), static_cast<std::size_t>(size));
}

}  // namespace portsplit::sys
