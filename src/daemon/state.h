#pragma once
// What a daemon keeps over an upgrade, as bytes for the program that it becomes (upgrade.h). Each part of the
// daemon appends what it keeps, and takes it in the same order. Their form is checked: after bytes that do not
// fit, a reader is not good, and all that it reads is empty.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/ip_address.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace portsplit::daemon {

/// Incremented whenever what a part appends changes.
inline constexpr std::uint32_t kStateVersion = 1;

/// Returns the version of these bytes and of handoff.h together: the next program talks to the zygotes of
/// this one.
std::string state_version();

class StateWriter {
  public:
    void number(std::uint64_t number) { plain(number); }
    void text(std::string_view text);
    void time(sys::Clock::time_point time) {
        number(static_cast<std::uint64_t>(time.time_since_epoch().count()));
    }
    void address(const core::IpAddress& address);
    void optional_address(const std::optional<core::IpAddress>& address);
    /// Appends the number of a descriptor that stays open over the upgrade; -1 for none.
    void descriptor(int fd);
    /// Appends the bytes that a value has in memory.
    template <typename T>
    void plain(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }

    /// The descriptors that were appended.
    const std::vector<int>& descriptors() const { return descriptors_; }
    /// Returns all bytes, with a sum behind them that StateReader checks.
    std::string finish() const;

  private:
    std::string bytes_;
    std::vector<int> descriptors_;
};

class StateReader {
  public:
    enum class Descriptors {
        Leave,  ///< read their numbers only: this process does not have them
        Take,   ///< own them, and make them close-on-exec
    };

    /// @param bytes  borrowed; of `StateWriter::finish`
    StateReader(std::string_view bytes, Descriptors descriptors);

    /// Takes a number; 0, and the reader is not good, if it is larger than `largest`.
    std::uint64_t number(std::uint64_t largest = std::numeric_limits<std::uint64_t>::max());
    bool flag() { return number(1) == 1; }
    /// Takes the number of the items that follow: no more than there can be in the bytes that are left.
    std::size_t count();
    std::string text();
    sys::Clock::time_point time();
    core::IpAddress address();
    std::optional<core::IpAddress> optional_address();
    /// @returns none for -1, and if descriptors are left
    sys::UniqueFd descriptor();
    template <typename T>
    T plain() {
        static_assert(std::is_trivially_copyable_v<T>);
        T value{};
        const std::string_view bytes = take(sizeof value);
        if (is_good_) std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof value);
        return value;
    }

    /// Notes that something that was read cannot be right.
    void refuse() { is_good_ = false; }
    bool is_good() const { return is_good_; }
    /// Returns true if everything fitted, and nothing is left.
    bool is_done() const { return is_good_ && rest_.empty(); }
    bool takes_descriptors() const { return descriptors_ == Descriptors::Take; }

  private:
    std::string_view take(std::size_t size);

    std::string_view rest_;
    Descriptors descriptors_;
    bool is_good_ = true;
    std::set<int> taken_;  ///< a descriptor has one owner
};

}  // namespace portsplit::daemon
