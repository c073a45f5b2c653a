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

std::size_t targets_of(const core::Service& service) {
    const auto* connect = std::get_if<core::Connect>(&service.action);
    return connect != nullptr && connect->targets.size() > 1 ? connect->targets.size() : 0;
}

std::int64_t now_in_milliseconds() {
    const auto now = sys::Clock::now().time_since_epoch();
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

void FailedTargets::note_failure(std::size_t service, std::size_t target) {
    constexpr auto kMilliseconds = std::chrono::milliseconds(kAside).count();
    if (Mark* mark = find(writable_, service, target)) {
        mark->store(now_in_milliseconds() + kMilliseconds, std::memory_order_relaxed);
    }
}

void FailedTargets::note_success(std::size_t service, std::size_t target) {
    if (Mark* mark = find(writable_, service, target)) mark->store(0, std::memory_order_relaxed);
}

std::vector<std::size_t> FailedTargets::order(std::size_t service, std::size_t targets) const {
    if (find(readable_, service, 0) == nullptr) return {};
    std::vector<std::size_t> order(targets);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::int64_t now = now_in_milliseconds();
    std::stable_partition(order.begin(), order.end(), [&](std::size_t target) {
        const Mark* mark = find(readable_, service, target);
        return mark == nullptr || mark->load(std::memory_order_relaxed) <= now;
    });
    return order;
}

}  // namespace portsplit::dispatch
