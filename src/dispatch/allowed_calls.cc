#include "dispatch/allowed_calls.h"

// How it works
//
// A line for each call. A call with conditions may stand in more than one line: any of them is enough. Those that
// a relay makes most come first, because the kernel compares in this order.
//
// Not in any list, and so the end of a process that tries it: execve, kill and all that send a signal, ptrace,
// process_vm_*, pidfd_*, ftruncate, listen, accept, sendmsg (which passes descriptors), dup of the shared channel.
// abort(3) sends a signal, too: its line in the log has signal=SYS.

#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "sys/channel.h"

namespace portsplit::dispatch {
namespace {

using sys::AllowedCall;
using sys::has_none_of;
using sys::is;
using sys::is_not;
using sys::is_null;

constexpr std::uint64_t kSocketFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;

/// A socket of a family and a type. By default of the protocol that is usual for them: not of Multipath TCP,
/// which Landlock does not see.
constexpr AllowedCall socket_of(int family, std::uint64_t type, std::uint64_t protocol = 0) {
    return {SYS_socket,
            {is(0, static_cast<std::uint64_t>(family)),
             {1, 0xffffffff & ~kSocketFlags, type},
             is(2, protocol)}};
}
constexpr AllowedCall option(std::uint64_t level, std::uint64_t name) {
    return {SYS_setsockopt, {is(1, level), is(2, name)}};
}

constexpr auto kForRelay = std::to_array<AllowedCall>({
    {SYS_splice},                       // the bytes of a relay
    {SYS_pipe2},                        // for splice(2)
    {SYS_connect},                      // to a target: Landlock has its ports
    {SYS_getsockname},                  // a connection to itself
    {SYS_ioctl, {is(1, SIOCOUTQNSD)}},  // what the target has not taken
    {SYS_ioctl, {is(1, FIONREAD)}},     // what the client has sent already
    {SYS_fcntl, {is(1, F_GETFL)}},      // to make it blocking, or not
    {SYS_fcntl, {is(1, F_SETFL)}},
    {SYS_sched_getattr, {is(0, 0)}},  // the time slice of a large relay
    {SYS_sched_setattr, {is(0, 0)}},
    {SYS_getpriority, {is(0, PRIO_PROCESS), is(1, 0)}},  // the same before Linux 6.12
    {SYS_setpriority, {is(0, PRIO_PROCESS), is(1, 0)}},
    socket_of(AF_INET, SOCK_STREAM),
    socket_of(AF_INET6, SOCK_STREAM),
    option(SOL_SOCKET, SO_LINGER),     // a reset
    option(SOL_SOCKET, SO_KEEPALIVE),  // keepalive
    option(IPPROTO_TCP, TCP_KEEPIDLE),
    option(IPPROTO_TCP, TCP_KEEPINTVL),
    option(IPPROTO_TCP, TCP_KEEPCNT),
    option(IPPROTO_TCP, TCP_NODELAY),       // nodelay
    option(IPPROTO_TCP, TCP_USER_TIMEOUT),  // user-timeout
});

constexpr auto kAlways = std::to_array<AllowedCall>({
#ifdef SYS_poll
    {SYS_poll},  // every wait
#endif
    {SYS_ppoll},     // the same, where the C library makes poll(2) of it
    {SYS_recvfrom},  // to look at bytes
    {SYS_read},      // a relay without splice(2); signals; files
    {SYS_write},     // the same; lines of the log
    {SYS_pwritev2},  // lines of the log, if it is a pipe
    {SYS_close},
    {SYS_sched_yield},                // the zygote lets dispatchers run first
    option(SOL_SOCKET, SO_RCVLOWAT),  // to sleep until enough bytes are there
    // Messages to the zygote and to syslog, a PROXY header, a query: all to where the socket is connected.
    {SYS_sendto, {is_null(4)}},
    // Memory; none of it can become code.
    {SYS_brk},
    {SYS_mmap, {has_none_of(2, PROT_EXEC)}},
    {SYS_mprotect, {has_none_of(2, PROT_EXEC)}},
    {SYS_munmap},
    {SYS_mremap},
    {SYS_madvise},
    // Time, where the kernel gives it by a call only.
    {SYS_clock_gettime},
    {SYS_gettimeofday},
#ifdef SYS_time
    {SYS_time},
#endif
    {-1},  // no call: strace(1) makes it of one that is to fail
    // The process itself.
    {SYS_rt_sigprocmask},
    {SYS_rt_sigreturn},
    {SYS_restart_syscall},  // a poll that SIGSTOP and SIGCONT interrupt
    {SYS_exit_group},
    {SYS_getpid},                       // for lines of the log
    {SYS_getrandom},                    // malloc(3); the numbers of queries
    {SYS_prctl, {is(0, PR_SET_NAME)}},  // for ps(1)
});

/// For a sniffer.
constexpr auto kForSniffer = std::to_array<AllowedCall>({
    {SYS_recvmsg},  // its client, and what it is asked
});

/// For a zygote, and what its forks do before they have a connection.
constexpr auto kForZygote = std::to_array<AllowedCall>({
    {SYS_recvmsg},  // connections, progress, a new log
    {SYS_clone,
     {is(0, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD), is_null(1)}},  // _Fork(3)
    {SYS_set_robust_list},  // the same, in the child
    {SYS_wait4},
    {SYS_waitid},  // children that were stopped
    {SYS_fstat},   // whether a new log is a pipe
    {SYS_newfstatat, {is(3, AT_EMPTY_PATH)}},
    {SYS_setpgid, {is(0, 0), is(1, 0)}},  // a group of its own
    {SYS_close_range},                    // what a dispatcher does not need
    // What a dispatcher may do yet is limited; of others no limit can be set, and none raised.
    {SYS_prlimit64, {is(0, 0), is(1, RLIMIT_NPROC)}},
    {SYS_prlimit64, {is(0, 0), is(1, RLIMIT_NOFILE)}},
    // A new channel in the place of one that was shut.
    {SYS_socketpair, {is(0, AF_UNIX), {1, 0xffffffff & ~kSocketFlags, SOCK_SEQPACKET}, is(2, 0)}},
    option(SOL_SOCKET, SO_SNDTIMEO),
    option(SOL_SOCKET, SO_PASSCRED),
    option(SOL_SOCKET, sys::kPassRights),
});

/// For c-ares, and for the files that say how names are found.
constexpr auto kForNames = std::to_array<AllowedCall>({
    {SYS_openat, {has_none_of(2, O_ACCMODE | O_CREAT | O_TRUNC)}},  // Landlock has which ones
#ifdef SYS_open
    {SYS_open, {has_none_of(1, O_ACCMODE | O_CREAT | O_TRUNC)}},
#endif
    {SYS_newfstatat},  // their size
    {SYS_fstat},
    {SYS_lseek},
    {SYS_ioctl, {is(1, TCGETS)}},    // stdio(3): whether one is a terminal
    {SYS_uname},                     // gethostname(2): the domain of this machine
    socket_of(AF_INET, SOCK_DGRAM),  // queries; the order of addresses
    socket_of(AF_INET6, SOCK_DGRAM),
    socket_of(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
    socket_of(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
    socket_of(AF_INET, SOCK_STREAM, IPPROTO_TCP),
    socket_of(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
    {SYS_writev},  // queries by TCP
    {SYS_getpeername},
    {SYS_fcntl, {is(1, F_SETFD)}},
    {SYS_fcntl, {is(1, F_GETFD)}},
});

/// For targets whose file may be that of a listener.
constexpr auto kForUnixTargets = std::to_array<AllowedCall>({
    socket_of(AF_UNIX, SOCK_STREAM),
    {SYS_newfstatat},
#ifdef SYS_stat
    {SYS_stat},
#endif
});

/// if_nametoindex(3)
constexpr auto kForZones = std::to_array<AllowedCall>({
    socket_of(AF_UNIX, SOCK_DGRAM),
    {SYS_ioctl, {is(1, SIOCGIFINDEX)}},
});

constexpr auto kForTransparent = std::to_array<AllowedCall>({
    {SYS_bind},  // to the client's address: without listen(2) no client can come
    option(IPPROTO_IP, IP_TRANSPARENT),
    option(IPPROTO_IPV6, IPV6_TRANSPARENT),
    option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    {SYS_capget},  // to give CAP_NET_RAW up
    {SYS_capset},
    {SYS_geteuid},
    {SYS_prctl, {is(0, PR_CAP_AMBIENT)}},
});

/// sys::is_own, which sends nothing.
constexpr auto kForOwnAddresses = std::to_array<AllowedCall>({
    socket_of(AF_INET, SOCK_DGRAM),
    socket_of(AF_INET6, SOCK_DGRAM),
});

constexpr auto kForSyslog = std::to_array<AllowedCall>({
    {SYS_connect},
    socket_of(AF_UNIX, SOCK_DGRAM),
});

template <typename List>
void add(std::vector<AllowedCall>& calls, bool wanted, const List& list) {
    if (wanted) calls.insert(calls.end(), list.begin(), list.end());
}

}  // namespace

std::vector<AllowedCall> allowed_calls(const Work& work) {
    const auto progress = static_cast<std::uint64_t>(work.progress);
    const auto log = static_cast<std::uint64_t>(work.log);
    std::vector<AllowedCall> calls;
    add(calls, !work.sniffs, kForRelay);
    add(calls, true, kAlways);
    add(calls, work.sniffs, kForSniffer);
    // The end of a stream, but not of the channel to the zygote that all dispatchers share.
    calls.push_back({SYS_shutdown, {is_not(0, progress)}});
    add(calls, work.forks, kForZygote);
    add(calls, work.names, kForNames);
    add(calls, work.unix_targets, kForUnixTargets);
    add(calls, work.names || work.zones, kForZones);
    add(calls, work.transparent, kForTransparent);
    add(calls, work.own_addresses, kForOwnAddresses);
    add(calls, work.syslog, kForSyslog);
    // Another file, or syslog, in the place of the log.
    if (work.log >= 0) calls.push_back({SYS_dup3, {is_not(0, progress), is(1, log)}});
    // What takes the place of syslog is a duplicate.
    if (work.syslog) {
        calls.push_back({SYS_fcntl, {is(1, F_DUPFD_CLOEXEC), is_not(0, progress)}});
    }
    return calls;
}

}  // namespace portsplit::dispatch
