#include "sys/channel.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cstring>

namespace portsplit::sys {
namespace {

/// Moves the descriptor and the sender of a message into `received`. Closes all descriptors but the
/// first: only a compromised sender sends more, and they would stay open in this process.
void take_control(msghdr& header, Received& received) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET) continue;
        const std::size_t size = part->cmsg_len - CMSG_LEN(0);
        if (part->cmsg_type == SCM_RIGHTS) {
            for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
                if (received.fd) {
                    received.truncated = true;
                    UniqueFd(fd).reset();
                } else {
                    received.fd.reset(fd);
                }
            }
        } else if (part->cmsg_type == SCM_CREDENTIALS && size == sizeof(ucred)) {
            ucred sender{};
            std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
            received.sender = sender.pid;
        }
    }
}

}  // namespace

Result<std::pair<UniqueFd, UniqueFd>> channel_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return SysError{errno, "cannot create a channel between processes"};
    }
    std::pair pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
    for (const int end : ends) {
        const timeval limit{.tv_sec = 1, .tv_usec = 0};
        ::setsockopt(end, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    return pair;
}

Result<Done> stamp_senders(int channel) {
    const int on = 1;
    if (::setsockopt(channel, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0) {
        return SysError{errno, "cannot ask the kernel for the senders of messages"};
    }
    return Done{};
}

void refuse_descriptors(int channel) {
    const int off = 0;
    (void)::setsockopt(channel, SOL_SOCKET, kPassRights, &off, sizeof off);
}

Result<Done> send_message(int channel, core::Bytes message, int fd, int flags) {
    const auto failed = [] { return SysError{errno, "cannot send a message to another process"}; };
    if (fd < 0) {  // where descriptors may not be passed, sendmsg(2) may be forbidden
        const ssize_t sent = retry(
            [&] { return ::send(channel, message.data(), message.size(), MSG_NOSIGNAL | flags); });
        if (sent < 0) return failed();
        return Done{};
    }
    // sendmsg(2) only reads through this pointer, which its interface has without const.
    iovec part{.iov_base = const_cast<std::byte*>(message.data()), .iov_len = message.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    if (retry([&] { return ::sendmsg(channel, &header, MSG_NOSIGNAL | flags); }) < 0) {
        return failed();
    }
    return Done{};
}

Result<Received> receive_message(int channel, std::span<std::byte> buffer, Wait wait) {
    iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
    // Room for more than one descriptor, so that a message with a few is received and refused. When
    // there are too many for it, the kernel closes the rest and sets MSG_CTRUNC.
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const int flags = MSG_CMSG_CLOEXEC | (wait == Wait::Never ? MSG_DONTWAIT : 0);
    const ssize_t got = retry([&] { return ::recvmsg(channel, &header, flags); });
    if (got < 0) return SysError{errno, "cannot receive a message from another process"};
    Received received;
    received.size = static_cast<std::size_t>(got);
    received.cut = (header.msg_flags & MSG_TRUNC) != 0;
    received.truncated = received.cut || (header.msg_flags & MSG_CTRUNC) != 0;
    take_control(header, received);
    return received;
}

bool is_closed(const Result<Received>& received) {
    return received ? received->size == 0 : received.error().code == ECONNRESET;
}

}  // namespace portsplit::sys
