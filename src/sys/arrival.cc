#include "sys/arrival.h"

#include <sys/socket.h>

namespace portsplit::sys {

std::string text_of(const Credentials& of) {
    if (!of.are_known()) return {};
    return " uid=" + std::to_string(of.user) + " gid=" + std::to_string(of.group) +
           " pid=" + std::to_string(of.process);
}

Credentials credentials_of(int fd) {
    ucred peer{};
    socklen_t length = sizeof peer;
    // A TCP socket has the numbers of nobody.
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return {};
    return {peer.uid, peer.gid, peer.pid};
}

}  // namespace portsplit::sys
