#pragma once
// Messages between processes over a pair of sequenced-packet sockets: one send is one receive, and
// a descriptor may ride along (unix(7) SOCK_SEQPACKET, SCM_RIGHTS, SCM_CREDENTIALS).

#include <sys/types.h>

#include <cstddef>
#include <utility>

#include "core/bytes.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// Two connected ends, close-on-exec. A send that waits for room gives up after a second (EAGAIN).
Result<std::pair<UniqueFd, UniqueFd>> channel_pair();

/// Asks the kernel to stamp each message received here with its sender's process id.
Result<Done> stamp_senders(const UniqueFd& receiver);

/// Sends one message, with a descriptor unless `fd` is negative; the caller keeps its own copy.
/// @param flags  MSG_DONTWAIT not to wait for room (then EAGAIN)
/// @returns EPIPE when nobody receives any more
Result<Done> send_message(int channel, core::Bytes message, int fd, int flags);

/// What one receive brought.
struct Received {
    std::size_t size = 0;    ///< 0: the other end is closed
    bool truncated = false;  ///< the message, or its descriptors, did not fit
    UniqueFd fd;             ///< the descriptor that rode along, close-on-exec
    pid_t sender = -1;       ///< stamped by the kernel, where asked for
};

enum class Wait { Never, ForMessage };

/// Receives one message; EAGAIN when there is none and none is waited for. Of several processes
/// that wait at one channel, each message wakes one.
Result<Received> receive_message(int channel, std::span<std::byte> buffer, Wait wait = Wait::Never);

}  // namespace portsplit::sys
