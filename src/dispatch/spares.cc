#include "dispatch/spares.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>

#include "sys/channel.h"

namespace portsplit::dispatch {
namespace {

constexpr std::size_t kSize = kSpares * sizeof(Spares::Place);

}  // namespace

sys::Result<Spares> Spares::create() {
    constexpr int kFlags = MAP_SHARED | MAP_ANONYMOUS;
    void* memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (memory == MAP_FAILED) {
        return sys::SysError{errno, "cannot allocate memory shared with dispatchers"};
    }
    return Spares(new (memory) Place[kSpares]{});
}

std::size_t Spares::count() const {
    std::size_t count = 0;
    for (const pid_t pid : pids_) count += pid != 0 ? 1 : 0;
    return count;
}

std::vector<pid_t> Spares::waiting() const {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < kSpares; ++i) {
        if (pids_[i] != 0) places.push_back(i);
    }
    std::ranges::sort(places, {}, [this](std::size_t i) { return ages_[i]; });
    std::vector<pid_t> pids;
    for (const std::size_t i : places) pids.push_back(pids_[i]);
    return pids;
}

Spares::Place* Spares::clear_place() {
    for (std::size_t i = 0; i < kSpares; ++i) {
        if (pids_[i] != 0) continue;
        places_[i].message = {};
        places_[i].state.store(State::Waiting, std::memory_order_relaxed);
        return &places_[i];
    }
    return nullptr;
}

std::optional<Spares::Departure> Spares::next_departure() {
    for (std::size_t i = 0; i < kSpares; ++i) {
        if (pids_[i] == 0) continue;
        if (places_[i].state.load(std::memory_order_acquire) != State::Taken) continue;
        return Departure{std::exchange(pids_[i], 0), places_[i].message};
    }
    return std::nullopt;
}

std::optional<Spares::Lost> Spares::on_end(pid_t pid) {
    for (std::size_t i = 0; i < kSpares; ++i) {
        if (pids_[i] != pid) continue;
        pids_[i] = 0;
        return Lost{places_[i].state.load(std::memory_order_acquire), places_[i].message};
    }
    return std::nullopt;
}

void Spares::log_refusal(State state, sys::Log& log) {
    if (state == State::Misunderstood) {
        log.limited(sys::Level::Error, "bad messages from the daemon",
                    "a message from the daemon was not understood; its connection is closed");
    } else {
        log.limited(sys::Level::Error, "connections without their sockets",
                    "a connection came without its socket and is closed: the limit on open files "
                    "(LimitNOFILE=) is too small, or a security module forbids it");
    }
}

std::optional<sys::UniqueFd> Spares::take(Place& place, int channel, std::size_t listeners) {
    // The write brings the page into this process, so that recvmsg(2) does not fault on it later.
    place.state.store(State::Waiting, std::memory_order_relaxed);
    const auto buffer = std::as_writable_bytes(std::span(&place.message, 1));
    auto received = sys::receive_message(channel, buffer, sys::Wait::ForMessage);
    const bool dismissed = sys::is_closed(received);
    if (dismissed) place.state.store(State::Dismissed, std::memory_order_release);
    if (dismissed || !received) return std::nullopt;
    const bool whole = received->size == buffer.size() && !received->cut;
    const bool known = whole && place.message.kind == handoff::Kind::Handover &&
                       place.message.arrival.listener < listeners;
    if (known && received->fd && !received->truncated) return std::move(received->fd);
    if (!whole) place.message.id = 0;  // its id is not valid
    place.state.store(known && !received->fd ? State::Clientless : State::Misunderstood,
                      std::memory_order_release);
    return std::nullopt;
}

void Spares::unmap() {
    if (places_ != nullptr) ::munmap(places_, kSize);
    places_ = nullptr;
}

}  // namespace portsplit::dispatch
