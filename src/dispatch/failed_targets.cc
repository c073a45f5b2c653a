// How it works
//
// A file in memory is mapped twice: for writing, which a fork does not inherit (madvise(2) MADV_DONTFORK), and
// for reading. It is closed and sealed (fcntl(2) F_SEAL_FUTURE_WRITE), so no dispatcher can map it for writing.

#include "dispatch/failed_targets.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <variant>

#include "sys/fd.h"
#include "sys/file.h"

namespace portsplit::dispatch {
namespace {

using sys::Clock;

std::size_t targets_of(const core::Service& service) {
    const auto* connect = std::get_if<core::Connect>(&service.action);
    return connect != nullptr && connect->targets.size() > 1 ? connect->targets.size() : 0;
}

std::int64_t now_in_milliseconds() {
    const auto now = Clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

sys::SysError failed() { return {errno, "cannot make memory for targets that fail"}; }

}  // namespace

sys::Result<FailedTargets> FailedTargets::create(const core::Config& config) {
    FailedTargets made;
    std::uint32_t count = 0;
    for (const core::Service& service : config.services) {
        made.first_.push_back(count);
        count += static_cast<std::uint32_t>(targets_of(service));
    }
    if (count == 0) return FailedTargets();
    const std::size_t size = count * sizeof(Mark);
    const auto file = sys::new_memory("portsplit-targets");
    if (!file) return file.error();
    if (::ftruncate(file->get(), static_cast<off_t>(size)) < 0) return failed();
    const auto map = [&](int protection) -> Mark* {
        void* memory = ::mmap(nullptr, size, protection, MAP_SHARED, file->get(), 0);
        return memory == MAP_FAILED ? nullptr : static_cast<Mark*>(memory);
    };
    made.size_ = size;
    made.writable_ = map(PROT_READ | PROT_WRITE);
    made.readable_ = map(PROT_READ);
    if (made.writable_ == nullptr || made.readable_ == nullptr) return failed();
    if (::madvise(made.writable_, size, MADV_DONTFORK) < 0) return failed();
    if (::fcntl(file->get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0) return failed();
    return made;
}

FailedTargets::~FailedTargets() {
    if (writable_ != nullptr) ::munmap(writable_, size_);
    if (readable_ != nullptr) ::munmap(readable_, size_);
}

FailedTargets::Mark* FailedTargets::find(Mark* marks, std::size_t service,
                                         std::size_t target) const {
    if (marks == nullptr || service >= first_.size()) return nullptr;
    const std::size_t end =
        service + 1 < first_.size() ? first_[service + 1] : size_ / sizeof(Mark);
    const std::size_t place = first_[service] + target;
    return place < end ? marks + place : nullptr;
}

std::vector<FailedTargets::Aside>::iterator FailedTargets::find_aside(std::size_t service,
                                                                      std::size_t target) {
    return std::ranges::lower_bound(aside_, std::pair{service, target}, {}, &Aside::place);
}

void FailedTargets::note_failure(std::size_t service, std::size_t target) {
    Mark* mark = find(writable_, service, target);
    if (mark == nullptr) return;
    mark->failed_at.store(now_in_milliseconds(), std::memory_order_relaxed);
    auto aside = find_aside(service, target);
    if (aside == aside_.end() || aside->place() != std::pair{service, target}) {
        aside = aside_.insert(aside, {.service = service, .target = target});
    }
    set_prober(*aside, 0, Clock::now() + kAside);
}

void FailedTargets::note_success(std::size_t service, std::size_t target) {
    const auto aside = find_aside(service, target);
    if (aside == aside_.end() || aside->place() != std::pair{service, target}) return;
    set_prober(*aside, 0, Clock::time_point::max());
    find(writable_, service, target)->failed_at.store(0, std::memory_order_relaxed);
    aside_.erase(aside);
    if (aside_.empty()) due_ = Clock::time_point::max();
}

void FailedTargets::set_prober(Aside& aside, pid_t pid, Clock::time_point next_at) {
    find(writable_, aside.service, aside.target)->prober.store(pid, std::memory_order_relaxed);
    aside.prober = pid;
    aside.has_service = false;
    aside.next_at = next_at;
    due_ = std::min(due_, next_at);
}

bool FailedTargets::probes(pid_t pid, std::size_t service) const {
    // No std::ranges::equal_range: clang 14 cannot use its result, a subrange.
    const auto first = std::ranges::lower_bound(aside_, service, {}, &Aside::service);
    const auto last = std::ranges::upper_bound(aside_, service, {}, &Aside::service);
    return std::ranges::find(first, last, pid, &Aside::prober) != last;
}

void FailedTargets::let_probe(std::span<const pid_t> waiting) {
    const auto now = Clock::now();
    for (Aside& aside : aside_) {
        if (aside.next_at > now) continue;
        set_prober(aside, 0, now);
        const auto spare = std::ranges::find_if_not(
            waiting, [&](pid_t pid) { return probes(pid, aside.service); });
        if (spare != waiting.end()) set_prober(aside, *spare, Clock::time_point::max());
    }
    // A target for which there was no spare waits for the next call, not for a time.
    due_ = Clock::time_point::max();
    for (const Aside& aside : aside_) {
        if (aside.next_at > now) due_ = std::min(due_, aside.next_at);
    }
}

void FailedTargets::note_taken(pid_t pid, std::chrono::milliseconds limit) {
    for (Aside& aside : aside_) {
        if (aside.prober != pid) continue;
        aside.next_at = Clock::now() + limit + kProbeSlack;
        due_ = std::min(due_, aside.next_at);
    }
}

void FailedTargets::note_chosen(pid_t pid, std::size_t service, std::chrono::milliseconds limit) {
    for (Aside& aside : aside_) {
        if (aside.prober != pid) continue;
        if (aside.service != service) {
            set_prober(aside, 0, Clock::now());
        } else if (!aside.has_service) {
            aside.has_service = true;
            aside.next_at = Clock::now() + limit + kProbeSlack;
            due_ = std::min(due_, aside.next_at);
        }
    }
}

void FailedTargets::withdraw(pid_t pid) {
    for (Aside& aside : aside_) {
        if (aside.prober == pid) set_prober(aside, 0, Clock::now());
    }
}

std::vector<std::size_t> FailedTargets::order(std::size_t service, std::size_t targets) const {
    if (find(readable_, service, 0) == nullptr) return {};
    std::vector<std::size_t> order(targets);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_partition(order.begin(), order.end(), [&](std::size_t target) {
        const Mark* mark = find(readable_, service, target);
        if (mark == nullptr || mark->failed_at.load(std::memory_order_relaxed) == 0) return true;
        return mark->prober.load(std::memory_order_relaxed) == ::getpid();
    });
    return order;
}

FailedTargets::Watch FailedTargets::watch(std::size_t service, std::size_t target) const {
    return Watch(find(readable_, service, target));
}

}  // namespace portsplit::dispatch
