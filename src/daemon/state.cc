#include "daemon/state.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <span>

#include "handoff.h"

namespace portsplit::daemon {
namespace {

constexpr std::uint64_t kNoDescriptor = std::numeric_limits<std::uint64_t>::max();

/// FNV-1a. Each step is a bijection, so two texts that differ in one byte have different sums.
std::uint64_t sum_of(std::string_view bytes) {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const char c : bytes) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return sum;
}

}  // namespace

std::string state_version() { return fmt::format("{}.{}", kStateVersion, handoff::kVersion); }

void StateWriter::text(std::string_view text) {
    number(text.size());
    bytes_ += text;
}

void StateWriter::address(const core::IpAddress& address) {
    const auto bytes = address.bytes();
    text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void StateWriter::optional_address(const std::optional<core::IpAddress>& address) {
    number(address ? 1 : 0);
    if (address) this->address(*address);
}

void StateWriter::descriptor(int fd) {
    number(fd < 0 ? kNoDescriptor : static_cast<std::uint64_t>(fd));
    if (fd >= 0) descriptors_.push_back(fd);
}

std::string StateWriter::finish() const {
    const std::uint64_t sum = sum_of(bytes_);
    return bytes_ + std::string(reinterpret_cast<const char*>(&sum), sizeof sum);
}

StateReader::StateReader(std::string_view bytes, Descriptors descriptors)
    : rest_(bytes), descriptors_(descriptors) {
    std::uint64_t sum = 0;
    is_good_ = bytes.size() >= sizeof sum;
    if (!is_good_) return;
    rest_.remove_suffix(sizeof sum);
    std::memcpy(&sum, bytes.data() + rest_.size(), sizeof sum);
    is_good_ = sum == sum_of(rest_);
}

std::string_view StateReader::take(std::size_t size) {
    is_good_ = is_good_ && size <= rest_.size();
    if (!is_good_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
}

std::uint64_t StateReader::number(std::uint64_t largest) {
    const auto number = plain<std::uint64_t>();
    is_good_ = is_good_ && number <= largest;
    return is_good_ ? number : 0;
}

/// Each item has at least the bytes of one number.
std::size_t StateReader::count() { return number(rest_.size() / sizeof(std::uint64_t)); }

std::string StateReader::text() { return std::string(take(number())); }

sys::Clock::time_point StateReader::time() {
    return sys::Clock::time_point(sys::Clock::duration(static_cast<std::int64_t>(number())));
}

core::IpAddress StateReader::address() {
    const std::string bytes = text();
    is_good_ = is_good_ && (bytes.size() == 4 || bytes.size() == 16);
    if (!is_good_) return {};
    return core::IpAddress::from_bytes(
        {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::optional<core::IpAddress> StateReader::optional_address() {
    if (!flag()) return std::nullopt;
    return address();
}

sys::UniqueFd StateReader::descriptor() {
    const std::uint64_t number = this->number();
    if (!is_good_ || number == kNoDescriptor) return {};
    const bool is_own = number > STDERR_FILENO && number <= std::numeric_limits<int>::max() &&
                        taken_.insert(static_cast<int>(number)).second;
    if (!is_own) refuse();
    if (!is_own || !takes_descriptors()) return {};
    sys::UniqueFd fd(static_cast<int>(number));
    if (::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) == 0) return fd;
    (void)fd.release();
    refuse();
    return {};
}

}  // namespace portsplit::daemon
