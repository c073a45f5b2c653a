#include "core/access.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <optional>
#include <tuple>
#include <vector>

namespace portsplit::core {

/// Goes through the prefixes in the order of their first addresses, those that contain others first.
class Access::Sweep {
  public:
    List<Range> ranges_of(std::vector<Entry> entries) {
        // The longer one of two that begin alike is in the other; the denied one of two that are the same
        // comes last and counts.
        std::ranges::sort(entries, {}, [](const Entry& it) {
            return std::tuple(it.prefix.address, it.prefix.length, !it.is_allowed);
        });
        if (!entries.empty()) begin(IpAddress::any_v6(), {});
        bool is_v4 = false;
        for (const Entry& entry : entries) {
            const IpAddress& first = entry.prefix.address;
            leave_before(&first);
            if (first.is_v4() && !is_v4) begin(IpAddress::any_v4(), {});
            is_v4 = first.is_v4();
            open_.push_back({first.last_of(entry.prefix.length), entry.answer()});
            begin(first, open_.back().answer);
        }
        leave_before(nullptr);
        if (!entries.empty() && !is_v4) begin(IpAddress::any_v4(), {});
        return {ranges_.begin(), ranges_.end()};
    }

  private:
    /// A prefix that contains the address at which the sweep is.
    struct Open {
        IpAddress last;
        Answer answer;
    };

    /// Ends the prefixes that do not contain an address; all if it is null.
    void leave_before(const IpAddress* address) {
        while (!open_.empty() && (address == nullptr || open_.back().last < *address)) {
            const auto behind = open_.back().last.next();
            open_.pop_back();
            if (behind) begin(*behind, open_.empty() ? Answer() : open_.back().answer);
        }
    }

    void begin(const IpAddress& first, Answer answer) {
        if (!ranges_.empty() && ranges_.back().first == first) ranges_.pop_back();
        const bool is_same = !ranges_.empty() && ranges_.back().answer == answer &&
                             ranges_.back().first.is_v4() == first.is_v4();
        if (!is_same) ranges_.push_back({first, answer});
    }

    std::vector<Open> open_;
    std::vector<Range> ranges_;
};

Access::Access(std::span<const Prefix> allowed, std::span<const Prefix> denied)
    : default_(allowed.empty()) {
    std::vector<Entry> plain;
    const auto add = [&](const Prefix& prefix, bool is_allowed) {
        if (prefix.kind == Prefix::Kind::Unix) unix_ = {is_allowed, true, 0};
        if (prefix.kind != Prefix::Kind::Internet) return;
        if (prefix.zone.empty()) {
            plain.push_back({prefix, is_allowed});
        } else {
            zoned_.push_back({prefix, is_allowed});
        }
    };
    for (const Prefix& prefix : allowed) add(prefix, true);
    for (const Prefix& prefix : denied) add(prefix, false);
    ranges_ = Sweep().ranges_of(std::move(plain));
}

// --- bytes for another process ---

namespace {

// What one byte says of an answer or a prefix.
constexpr unsigned kAllowed = 1;
constexpr unsigned kGiven = 2;
constexpr unsigned kV4 = 4;

void append_number(std::string& bytes, std::uint64_t number) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void append_address(std::string& bytes, const IpAddress& address, unsigned flags,
                    std::uint8_t length) {
    const auto part = address.bytes();
    bytes += static_cast<char>(flags | (address.is_v4() ? kV4 : 0U));
    bytes += static_cast<char>(length);
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
}

/// Takes from the front of bytes.
class Taker {
  public:
    explicit Taker(std::string_view& bytes) : bytes_(bytes) {}

    bool has_failed() const { return has_failed_; }

    std::string_view take(std::size_t size) {
        has_failed_ |= size > bytes_.size();
        if (has_failed_) return {};
        const std::string_view taken = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return taken;
    }
    std::uint8_t byte() {
        const std::string_view taken = take(1);
        return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken.front());
    }
    /// Returns how many items follow, of at least `size` bytes each.
    std::size_t count(std::size_t size) {
        std::uint64_t number = 0;
        const std::string_view taken = take(sizeof number);
        if (!has_failed_) std::memcpy(&number, taken.data(), sizeof number);
        has_failed_ |= number > bytes_.size() / size;
        return has_failed_ ? 0 : number;
    }
    IpAddress address(unsigned flags) {
        const std::string_view taken = take((flags & kV4) != 0 ? 4 : 16);
        if (has_failed_) return {};
        return IpAddress::from_bytes(
            {reinterpret_cast<const std::uint8_t*>(taken.data()), taken.size()});
    }

  private:
    std::string_view& bytes_;
    bool has_failed_ = false;
};

/// The fewest bytes of an address with its flags and its length.
constexpr std::size_t kLeastAddress = 6;

}  // namespace

void Access::append_to(std::string& bytes) const {
    const auto flags_of = [](const Answer& answer) {
        return (answer.is_allowed ? kAllowed : 0U) | (answer.is_given ? kGiven : 0U);
    };
    bytes += static_cast<char>(default_ ? kAllowed : 0U);
    bytes += static_cast<char>(flags_of(unix_));
    append_number(bytes, ranges_.size());
    for (const Range& range : ranges_) {
        append_address(bytes, range.first, flags_of(range.answer), range.answer.length);
    }
    append_number(bytes, zoned_.size());
    for (const Entry& entry : zoned_) {
        append_address(bytes, entry.prefix.address, flags_of(entry.answer()), entry.prefix.length);
        bytes += static_cast<char>(entry.prefix.zone.name().size());
        bytes += entry.prefix.zone.name();
    }
}

std::optional<Access> Access::take_from(std::string_view& bytes) {
    const auto answer_of = [](unsigned flags, std::uint8_t length) {
        return Answer{(flags & kAllowed) != 0, (flags & kGiven) != 0, length};
    };
    Taker taker(bytes);
    Access access;
    access.default_ = (taker.byte() & kAllowed) != 0;
    access.unix_ = answer_of(taker.byte(), 0);
    access.ranges_.resize(taker.count(kLeastAddress));
    for (Range& range : access.ranges_) {
        const std::uint8_t flags = taker.byte();
        const std::uint8_t length = taker.byte();
        range = {taker.address(flags), answer_of(flags, length)};
    }
    access.zoned_.resize(taker.count(kLeastAddress + 1));  // and the length of the name
    for (Entry& entry : access.zoned_) {
        const std::uint8_t flags = taker.byte();
        const std::uint8_t length = taker.byte();
        const IpAddress address = taker.address(flags);
        const Zone zone(taker.take(taker.byte()));
        entry = {{Prefix::Kind::Internet, length, address, zone}, (flags & kAllowed) != 0};
    }
    if (taker.has_failed() || !access.is_sound()) return std::nullopt;
    return access;
}

/// Returns false if a look-up could go wrong.
bool Access::is_sound() const {
    const auto is_before = [](const Range& a, const Range& b) { return a.first < b.first; };
    for (std::size_t i = 1; i < ranges_.size(); ++i) {
        if (!is_before(ranges_[i - 1], ranges_[i])) return false;
    }
    const bool has_both =
        std::ranges::binary_search(ranges_, IpAddress::any_v4(), {}, &Range::first);
    if (!ranges_.empty() && (ranges_.front().first != IpAddress::any_v6() || !has_both)) {
        return false;
    }
    return std::ranges::all_of(zoned_, [](const Entry& it) {
        return it.prefix.length <= it.prefix.address.bytes().size() * 8;
    });
}

// --- pairs of lists ---

bool AccessNumbers::Lists::operator<(const Lists& other) const {
    const auto is_less = [](std::span<const Prefix> a, std::span<const Prefix> b) {
        return std::ranges::lexicographical_compare(a, b);
    };
    if (is_less(allowed, other.allowed)) return true;
    return !is_less(other.allowed, allowed) && is_less(denied, other.denied);
}

std::uint32_t AccessNumbers::number_of(std::span<const Prefix> allowed,
                                       std::span<const Prefix> denied) {
    if (allowed.empty() && denied.empty()) return kForAll;
    const auto next = static_cast<std::uint32_t>(all_.size());
    const auto [number, is_new] = numbers_.try_emplace(Lists{allowed, denied}, next);
    if (is_new) all_.push_back({allowed, denied});
    return number->second;
}

// --- the answer ---

bool Access::allows(const Source& source) const {
    const Answer answer = find(source);
    return answer.is_given ? answer.is_allowed : default_;
}

Access::Answer Access::find(const Source& source) const {
    if (source.is_unix) return unix_;
    Answer best;
    if (!source.address) return best;
    if (!ranges_.empty()) {
        best = std::prev(std::ranges::upper_bound(ranges_, *source.address, {}, &Range::first))
                   ->answer;
    }
    if (source.zone.empty()) return best;
    for (const Entry& entry : zoned_) {
        const Prefix& prefix = entry.prefix;
        const bool has_it = prefix.zone == source.zone &&
                            prefix.address.is_v4() == source.address->is_v4() &&
                            source.address->first_of(prefix.length) == prefix.address;
        // Of two that are as long, the one with the zone says more; of the same, the denied one counts.
        if (has_it && (!best.is_given || prefix.length >= best.length)) best = entry.answer();
    }
    return best;
}

}  // namespace portsplit::core
