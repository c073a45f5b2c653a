#include "sys/error.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <initializer_list>
#include <vector>

namespace portsplit::sys {
namespace {

TEST(SysError, ReadsAsActionAndReason) {
    EXPECT_EQ(to_string(SysError{EADDRINUSE, "cannot listen on 127.0.0.1:80"}),
              "cannot listen on 127.0.0.1:80: Address already in use");
    EXPECT_EQ(to_string(SysError{EACCES, "cannot listen on 127.0.0.1:80", "be root"}),
              "cannot listen on 127.0.0.1:80: Permission denied; be root");
}

TEST(ErrorText, ReturnsTextForAnUnknownCode) {
    EXPECT_EQ(error_text(12345), "Unknown error 12345");
    EXPECT_EQ(error_text(-1), "Unknown error -1");
    EXPECT_EQ(error_text(0), "Success");
}

/// Returns a call that fails with each of these codes in turn, then succeeds.
auto failing_with(std::initializer_list<int> codes) {
    return [codes = std::vector<int>(codes), calls = std::size_t{0}]() mutable {
        if (calls == codes.size()) return static_cast<int>(calls);
        errno = codes[calls++];
        return -1;
    };
}

TEST(Retry, RepeatsTheCallWhileASignalInterrupts) {
    EXPECT_EQ(retry(failing_with({EINTR, EINTR})), 2);
}

TEST(Retry, ReturnsEveryOtherFailure) {
    EXPECT_EQ(retry(failing_with({EINTR, EAGAIN, EINTR})), -1);
    EXPECT_EQ(errno, EAGAIN);
}

TEST(Retry, IgnoresAnOldErrno) {
    errno = EINTR;
    EXPECT_EQ(retry(failing_with({})), 0);
}

}  // namespace
}  // namespace portsplit::sys
