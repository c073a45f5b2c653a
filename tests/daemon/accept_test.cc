#include "daemon/accept.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "support/child.h"
#include "support/descriptors.h"
#include "support/loopback.h"

namespace portsplit::daemon {
namespace {

using namespace std::string_literals;

ListeningSocket listener_on(const std::string& host) {
    ListeningSocket listener;
    listener.fd = loopback::listener_on(host);
    if (listener.fd) listener.bound = *sys::local_address(listener.fd.get());
    return listener;
}

/// A client whose connection waits in the listener's queue.
sys::UniqueFd client_of(const ListeningSocket& listener) {
    auto client = sys::start_connect(listener.bound);
    loopback::events_of(listener.fd.get(), POLLIN);
    return client ? std::move(*client) : sys::UniqueFd();
}

TEST(AfterAcceptError, WaitsWhenTheQueueIsEmpty) {
    EXPECT_EQ(after_accept_error(EAGAIN), AfterFailure::Wait);
}

// fault: B2
TEST(AfterAcceptError, ContinuesAfterAnErrorOfOneClientOrOfTheNetwork) {
    // The list of accept(2), "Error handling".
    for (const int code : {ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
                           EOPNOTSUPP, ENETUNREACH, ECONNABORTED, EPERM}) {
        EXPECT_EQ(after_accept_error(code), AfterFailure::Continue) << code;
    }
}

// fault: B1
TEST(AfterAcceptError, PausesAfterAnyOtherError) {
    for (const int code : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL}) {
        EXPECT_EQ(after_accept_error(code), AfterFailure::Pause) << code;
    }
}

TEST(AcceptFrom, ReturnsEagainWhenTheQueueIsEmpty) {
    const ListeningSocket listener = listener_on("127.0.0.1");
    const auto accepted = accept_from(listener);
    ASSERT_FALSE(accepted);
    EXPECT_EQ(accepted.error(), EAGAIN);
}

TEST(AcceptFrom, ReturnsBothAddressesAndANonBlockingSocket) {
    for (const char* host : {"127.0.0.1", "::1"}) {
        const ListeningSocket listener = listener_on(host);
        ASSERT_TRUE(listener.fd) << "no " << host << " on this machine";
        const sys::UniqueFd client = client_of(listener);
        const auto accepted = accept_from(listener);
        ASSERT_TRUE(accepted);
        EXPECT_EQ(accepted->message.arrival.ends.peer.text(),
                  sys::local_address(client.get())->text());
        EXPECT_EQ(accepted->message.arrival.ends.local.text(), listener.bound.text());
        EXPECT_NE(::fcntl(accepted->client.get(), F_GETFL) & O_NONBLOCK, 0);
        EXPECT_TRUE(closes_on_exec(accepted->client.get()));
    }
}

TEST(AcceptFrom, ReturnsTheAddressThatTheClientConnectedToOfAWildcard) {
    const ListeningSocket listener = listener_on("0.0.0.0");
    auto client =
        sys::start_connect(*sys::Address::from(core::Endpoint{"127.0.0.9", listener.bound.port()}));
    ASSERT_TRUE(client);
    loopback::events_of(listener.fd.get(), POLLIN);
    const auto accepted = accept_from(listener);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->message.arrival.ends.local.host(), "127.0.0.9");
}

// fault: B3
TEST(AcceptFrom, ReturnsTheAddressOfAPeerThatHasReset) {
    const ListeningSocket listener = listener_on("127.0.0.1");
    sys::UniqueFd client = client_of(listener);
    const std::string peer = sys::local_address(client.get())->text();
    loopback::reset(client);
    const auto accepted = accept_from(listener);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->message.arrival.ends.peer.text(), peer);
}

// fault: B1
TEST(AcceptFrom, LeavesTheClientInTheQueueWhenDescriptorsRunOut) {
    const ListeningSocket listener = listener_on("127.0.0.1");
    const sys::UniqueFd client = client_of(listener);
    EXPECT_EQ(loopback::text_of_child([&] {
                  const sys::UniqueFd next(::dup(0));
                  const auto limit = static_cast<rlim_t>(next.get());
                  rlimit limits{.rlim_cur = limit, .rlim_max = limit + 100};
                  ::setrlimit(RLIMIT_NOFILE, &limits);
                  const auto refused = accept_from(listener);
                  if (refused) return "accepted"s;
                  limits.rlim_cur = limits.rlim_max;
                  ::setrlimit(RLIMIT_NOFILE, &limits);
                  return sys::error_text(refused.error()) +
                         (accept_from(listener) ? ", then served" : "");
              }),
              "Too many open files, then served");
}

}  // namespace
}  // namespace portsplit::daemon
