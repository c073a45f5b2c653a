#include "dispatch/flow.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "sys/error.h"

namespace portsplit::dispatch {
namespace {

constexpr std::size_t kStoreSize = 65536;
/// How many times one direction goes on before the other has its turn.
constexpr int kRounds = 16;

bool cannot_splice(int code) { return code == EINVAL || code == ENOSYS || code == ENOMEM; }

}  // namespace

void Store::open_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return use_memory();
    pipe_out_.reset(ends[0]);
    pipe_in_.reset(ends[1]);
    means_ = Means::Pipe;
}

/// From now on through memory, beginning with what the pipe still holds.
void Store::use_memory() {
    memory_.resize(kStoreSize);
    begin_ = 0;
    std::size_t copied = 0;
    while (copied < held_) {
        const ssize_t got = sys::retry([&] {
            return ::read(pipe_out_.get(), memory_.data() + copied, memory_.size() - copied);
        });
        if (got <= 0) break;
        copied += static_cast<std::size_t>(got);
    }
    held_ = copied;
    pipe_in_.reset();
    pipe_out_.reset();
    means_ = Means::Memory;
}

ssize_t Store::take(int from) {
    if (many_ && held_ == 0 && means_ == Means::FewBytes) open_pipe();
    ssize_t got = -1;
    took_all_ = false;
    if (means_ == Means::Pipe) {
        constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
        got = sys::retry(
            [&] { return ::splice(from, nullptr, pipe_in_.get(), nullptr, kStoreSize, kFlags); });
        if (got < 0 && cannot_splice(errno)) use_memory();
    }
    if (means_ != Means::Pipe) {
        if (held_ > 0) {
            errno = EAGAIN;
            return -1;
        }
        begin_ = 0;
        const std::span<std::byte> room = memory();
        got = sys::retry([&] { return ::read(from, room.data(), room.size()); });
        many_ = got == std::ssize(room);
        took_all_ = got > 0 && !many_;
    }
    if (got > 0) held_ += static_cast<std::size_t>(got);
    return got;
}

ssize_t Store::give(int to) {
    ssize_t put = -1;
    if (means_ == Means::Pipe) {
        constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
        put = sys::retry(
            [&] { return ::splice(pipe_out_.get(), nullptr, to, nullptr, held_, kFlags); });
        if (put < 0 && cannot_splice(errno)) use_memory();
    }
    if (means_ != Means::Pipe) {
        put = sys::retry([&] { return ::write(to, memory().data() + begin_, held_); });
        if (put > 0) begin_ += static_cast<std::size_t>(put);
    }
    if (put > 0) held_ -= static_cast<std::size_t>(put);
    return put;
}

void Flow::pump(Said said) {
    for (int round = 0; round < kRounds && !done_; ++round) {
        const Step filled = ended_ || store_.held() > 0 ? Step::Waits : fill(said);
        const Step drained = drain();
        if (filled == Step::Waits && drained == Step::Waits) return;
        // With an end behind these bytes the next look is worth it; else poll(2) will tell.
        if (store_.took_all() && store_.held() == 0 && !ended_ && said != Said::Ended) return;
        if (said == Said::Readable) said = Said::Nothing;  // was said of the first bytes only
    }
}

/// Takes once, and is called only while the store is empty: a splice that finds no room in a pipe
/// and one that finds no bytes in a socket fail alike, so the two must never be in doubt.
Flow::Step Flow::fill(Said said) {
    ssize_t got = store_.take(from_.from());
    if (got < 0 && errno == EAGAIN && said != Said::Nothing) {
        // Something is there that splice cannot take; waiting for it to be readable would be a
        // spin.
        store_.use_memory();
        got = store_.take(from_.from());
    }
    if (got > 0) return Step::Moved;
    if (got < 0 && errno == EAGAIN && !from_.broken()) return Step::Waits;
    if (got < 0 && from_.meaning_of(errno) == Break::Reset) from_.mark_broken();
    ended_ = true;
    return Step::Moved;
}

Flow::Step Flow::drain() {
    if (store_.held() == 0 && !ended_) return Step::Waits;
    if (store_.held() > 0) {
        const ssize_t put = store_.give(to_.to());
        if (put < 0 && errno == EAGAIN) return Step::Waits;
        if (put < 0) {
            if (to_.meaning_of(errno) == Break::Reset) to_.mark_broken();
            cut();
            return Step::Moved;
        }
        moved_ += static_cast<std::uint64_t>(put);
    }
    if (ended_ && store_.held() == 0) {
        if (!from_.broken()) to_.end_writing();
        done_ = true;
    }
    return Step::Moved;
}

void Flow::cut() {
    if (done_) return;
    cut_short_ = !ended_;
    done_ = true;
    to_.end_writing();
}

}  // namespace portsplit::dispatch
