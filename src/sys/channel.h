#pragma once
// Messages between processes over a pair of sequenced-packet sockets (unix(7) SOCK_SEQPACKET): one
// send is one receive, and a message can carry one descriptor (SCM_RIGHTS). For daemon and zygote,
// zygote and spares, zygote and dispatchers. What the bytes mean is in handoff.h and progress.h.

#include <sys/types.h>

#include <cstddef>
#include <utility>

#include "core/bytes.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Creates two connected ends, close-on-exec and blocking. A send that waits for room fails with
/// EAGAIN after one second (SO_SNDTIMEO), so that a stopped receiver does not stop the sender.
Result<std::pair<UniqueFd, UniqueFd>> channel_pair();

/// Makes the kernel add the sender's process id to each message received on `channel` (unix(7)
/// SO_PASSCRED, SCM_CREDENTIALS). A sender without CAP_SYS_ADMIN cannot forge it.
Result<Done> stamp_senders(int channel);

/// SO_PASSRIGHTS of <asm-generic/socket.h>, which the C library of Debian 12 does not have.
inline constexpr int kPassRights = 83;

/// Makes every message fail for its sender that has a descriptor (EPERM; SO_PASSRIGHTS). Linux has this
/// since 6.16; before, nothing changes.
void refuse_descriptors(int channel);

/// Sends one message, with a copy of the descriptor `fd` unless that is negative.
/// @param flags  0, or MSG_DONTWAIT to fail with EAGAIN instead of waiting for room
/// @returns EAGAIN when there is no room, EPIPE when the other end is closed
Result<Done> send_message(int channel, core::Bytes message, int fd, int flags);

/// One received message, without its bytes.
struct Received {
    std::size_t size = 0;    ///< in bytes; 0 means that the other end is closed
    bool cut = false;        ///< true if bytes were dropped
    bool truncated = false;  ///< true if bytes or descriptors were dropped; the message is bad
    UniqueFd fd;             ///< the first descriptor of the message, close-on-exec; or none
    pid_t sender = -1;       ///< after `stamp_senders`; else -1
};

enum class Wait { Never, ForMessage };

/// Receives one message into `buffer`. Fails with EAGAIN under `Wait::Never` when there is none. Of
/// several processes that wait on one channel, each message wakes one.
Result<Received> receive_message(int channel, std::span<std::byte> buffer, Wait wait = Wait::Never);

/// Returns true if the other end is closed: EOF, or ECONNRESET if it had messages unread (unix(7)). Other errors are
/// of the moment, as a lack of memory.
bool is_closed(const Result<Received>& received);

}  // namespace portsplit::sys
