#include "dispatch/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "sys/error.h"

namespace portsplit::dispatch {
namespace {

/// The capacity of a pipe by default (pipe(7)).
constexpr std::size_t kCapacity = 65536;

/// A read of fewer bytes has probably emptied the source. A pipe may be full with fewer than its capacity,
/// so no larger number is certain either.
constexpr ssize_t kFewBytes = 4096;

constexpr unsigned kSpliceFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

bool cannot_splice(int code) { return code == EINVAL || code == ENOSYS || code == ENOMEM; }

}  // namespace

void Store::take_pipe() {
    if (pipe_ || memory_ != nullptr) return;
    std::swap(pipe_, shared_);
    if (pipe_) return;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return switch_to_memory();
    pipe_.reader.reset(ends[0]);
    pipe_.writer.reset(ends[1]);
}

/// The store must be empty. It keeps the pipe if there is one for the other store already.
void Store::give_pipe_back() {
    if (!shared_) std::swap(pipe_, shared_);
}

void Store::switch_to_memory() {
    // Not cleared: the kernel provides a page only when bytes come into it.
    memory_ = std::make_unique_for_overwrite<std::byte[]>(kCapacity);
    begin_ = 0;
    std::size_t copied = 0;
    while (copied < size_) {
        const ssize_t got = sys::retry(
            [&] { return ::read(pipe_.reader.get(), memory_.get() + copied, kCapacity - copied); });
        if (got <= 0) break;
        copied += static_cast<std::size_t>(got);
    }
    size_ = copied;
    pipe_ = Pipe();
}

void Store::hold(core::Bytes bytes) {
    switch_to_memory();
    size_ = std::min(bytes.size(), kCapacity);
    std::copy_n(bytes.begin(), size_, memory_.get());
}

ssize_t Store::read_from(int fd) {
    take_pipe();
    ssize_t got = -1;
    if (memory_ == nullptr) {
        got = sys::retry([&] {
            return ::splice(fd, nullptr, pipe_.writer.get(), nullptr, kCapacity, kSpliceFlags);
        });
        if (got < 0 && cannot_splice(errno)) switch_to_memory();
    }
    if (memory_ != nullptr) {
        if (size_ > 0) {
            errno = EAGAIN;
            return -1;
        }
        begin_ = 0;
        got = sys::retry([&] { return ::read(fd, memory_.get(), kCapacity); });
    }
    source_is_drained_ = got > 0 && got < kFewBytes;
    if (got > 0) size_ += static_cast<std::size_t>(got);
    if (size_ == 0) give_pipe_back();
    return got;
}

ssize_t Store::write_to(int fd) {
    ssize_t put = -1;
    if (memory_ == nullptr) {
        put = sys::retry([&] {
            return ::splice(pipe_.reader.get(), nullptr, fd, nullptr, size_, kSpliceFlags);
        });
        if (put < 0 && cannot_splice(errno)) switch_to_memory();
    }
    if (memory_ != nullptr) {
        put = sys::retry([&] { return ::write(fd, memory_.get() + begin_, size_); });
        if (put > 0) begin_ += static_cast<std::size_t>(put);
    }
    if (put > 0) size_ -= static_cast<std::size_t>(put);
    if (size_ == 0) give_pipe_back();
    return put;
}

}  // namespace portsplit::dispatch
