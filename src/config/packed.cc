#include "config/packed.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <variant>

#include "config/key_table.h"
#include "config/limits.h"

namespace portsplit::config {
namespace {

/// Gives one member of a model to a Packer or an Unpacker, for both go through a model in the same order.
template <typename Way, typename Owners>
class Member {
  public:
    Member(Way& way, const Key& key, const Owners& owners)
        : way_(way), key_(key), owners_(owners) {}

    template <typename Owner, typename T>
    void operator()(T Owner::*field) const {
        auto* owner = owner_in<Owner>(owners_);
        if (owner != nullptr) way_.member(key_, owner->*field);
    }
    template <typename Owner>
    void operator()(const Enumerated<Owner>& field) const {
        auto* owner = owner_in<Owner>(owners_);
        if (owner != nullptr) way_.word(key_, *owner, field);
    }
    /// Patterns of all kinds are one member.
    void operator()(core::PatternKind /*kind*/) const {}

  private:
    Way& way_;
    const Key& key_;
    const Owners& owners_;
};

template <typename Way, typename Owners>
void for_each_member(Way& way, Place place, const Owners& owners) {
    for (const Key& key : keys()) {
        if (is_written(key, place)) std::visit(Member(way, key, owners), *key.takes.field);
    }
}

class Packer {
  public:
    std::string pack(const core::Config& config) {
        using Packed = Owners<const core::Config, const core::Listener, const core::Service>;
        for_each_member(*this, Place::Global, Packed{&config, &config.top, nullptr});
        add(config.listeners.size());
        for (const core::Listener& listener : config.listeners) {
            add(listener.name);
            for_each_member(*this, Place::Listener, Packed{&config, &listener, nullptr});
        }
        add(config.services.size());
        for (const core::Service& service : config.services) {
            add(service.name);
            add_all(service.patterns);
            add_all(service.layouts);
            add(service.action.index());
            for_each_member(*this, Place::Service, Packed{&config, nullptr, &service});
        }
        add_all(config.layouts);
        return std::move(bytes_);
    }

    template <typename T>
    void member(const Key& /*key*/, const T& value) {
        add(value);
    }
    template <typename T>
    void member(const Key& /*key*/, const core::List<T>& values) {
        add_all(values);
    }
    template <typename Owner>
    void word(const Key& /*key*/, const Owner& owner, const Enumerated<Owner>& field) {
        add(field.get(owner));
    }

  private:
    void add(std::uint64_t number) {
        bytes_.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
    void add(const std::optional<std::size_t>& number) {
        add(std::uint64_t{number.has_value()});
        if (number) add(*number);
    }
    void add(std::chrono::milliseconds time) { add(static_cast<std::uint64_t>(time.count())); }
    void add(const core::Text& text) { add_text(text); }
    void add_text(std::string_view text) {
        add(text.size());
        bytes_.append(text);
    }
    void add(const core::Endpoint& endpoint) {
        add(endpoint.host);
        add(endpoint.port);
    }
    void add(const core::Prefix& prefix) {
        add(static_cast<std::uint64_t>(prefix.kind) << 16 | std::uint64_t{prefix.length} << 8 |
            prefix.address.bytes().size());
        bytes_.append(reinterpret_cast<const char*>(prefix.address.bytes().data()),
                      prefix.address.bytes().size());
        add_text(prefix.zone.name());
    }
    void add(const core::Rate& rate) {
        add(rate.count);
        add(rate.seconds);
    }
    void add(const core::Penalty& penalty) {
        add(static_cast<std::uint64_t>(penalty.cause) << 8 | penalty.code);
        add(penalty.seconds);
    }
    void add(const core::PatternSource& pattern) {
        add(static_cast<std::uint64_t>(pattern.kind));
        add(pattern.text);
    }
    void add(const core::LayoutPattern& pattern) {
        add(pattern.layout);
        add(std::uint64_t{pattern.whole});
        add_all(pattern.conditions);
    }
    void add(const core::FieldCondition& condition) {
        add(condition.field);
        add_all(condition.values);
    }
    void add(const core::LayoutSource& layout) {
        add(layout.name);
        add_all(layout.rules);
    }
    void add(const core::LayoutRule& rule) {
        add(rule.name);
        add(rule.text);
    }
    template <typename T>
    void add_all(const core::List<T>& items) {
        add(items.size());
        for (const T& item : items) add(item);
    }

    std::string bytes_;
};

/// Reads what a Packer wrote. After bytes that do not fit, everything that it reads is empty.
class Unpacker {
  public:
    explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

    std::optional<core::Config> unpack() {
        core::Config config;
        using Unpacked = Owners<core::Config, core::Listener, core::Service>;
        for_each_member(*this, Place::Global, Unpacked{&config, &config.top, nullptr});
        take_all(config.listeners, [&](core::Listener& listener) {
            take(listener.name);
            for_each_member(*this, Place::Listener, Unpacked{&config, &listener, nullptr});
        });
        take_all(config.services, [&](core::Service& service) {
            take(service.name);
            take_all(service.patterns);
            take_all(service.layouts);
            take(service.action);
            for_each_member(*this, Place::Service, Unpacked{&config, nullptr, &service});
        });
        take_all(config.layouts);
        if (!fits_ || !rest_.empty()) return std::nullopt;
        return config;
    }

    void member(const Key& /*key*/, bool& yes) { yes = take_number(0, 1) == 1; }
    void member(const Key& key, std::size_t& number) {
        number = take_number(key.takes.smallest, key.takes.largest);
    }
    void member(const Key& key, std::optional<std::size_t>& number) {
        if (take_number(0, 1) == 1) member(key, number.emplace());
    }
    void member(const Key& /*key*/, core::Rate& rate) {
        rate.count = take_number(0, kLargestRate);
        rate.seconds = take_number(1, kLongestRate);
    }
    void member(const Key& key, core::List<core::Penalty>& penalties) {
        take_all(penalties, [&](core::Penalty& penalty) {
            const std::uint64_t head = take_number(0, UINT16_MAX);
            penalty.cause = static_cast<core::Penalty::Cause>(head >> 8);
            penalty.code = static_cast<std::uint8_t>(head & 0xFF);
            penalty.seconds = take_number();
            fits_ = fits_ && belongs(penalty, key.takes.place);
        });
    }
    void member(const Key& key, std::chrono::milliseconds& time) {
        using std::chrono::milliseconds;
        using std::chrono::seconds;
        const auto smallest = milliseconds(seconds(key.takes.smallest)).count();
        const auto largest = milliseconds(seconds(key.takes.largest)).count();
        time = milliseconds(
            take_number(static_cast<std::uint64_t>(smallest), static_cast<std::uint64_t>(largest)));
    }
    void member(const Key& /*key*/, core::Text& text) { take(text); }
    template <typename T>
    void member(const Key& /*key*/, core::List<T>& items) {
        take_all(items);
    }
    template <typename Owner>
    void word(const Key& key, Owner& owner, const Enumerated<Owner>& field) {
        field.set(owner, take_number(0, key.takes.words.size() - 1));
    }

  private:
    std::string_view take_bytes(std::size_t size) {
        fits_ = fits_ && size <= rest_.size();
        if (!fits_) return {};
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    /// @returns the smallest if the number is not between the two
    std::uint64_t take_number(std::uint64_t smallest = 0, std::uint64_t largest = UINT64_MAX) {
        std::uint64_t number = smallest;
        const std::string_view bytes = take_bytes(sizeof number);
        if (fits_) std::memcpy(&number, bytes.data(), sizeof number);
        fits_ = fits_ && number >= smallest && number <= largest;
        return fits_ ? number : smallest;
    }

    void take(core::Text& text) { text = take_bytes(take_number()); }
    void take(core::Endpoint& endpoint) {
        take(endpoint.host);
        endpoint.port = static_cast<std::uint16_t>(take_number(0, 0xFFFF));
    }
    void take(core::Prefix& prefix) {
        const std::uint64_t head = take_number();
        const std::uint64_t bits = (head & 0xff) * 8;
        constexpr auto kLast = static_cast<std::uint64_t>(core::Prefix::Kind::None);
        fits_ = fits_ && head >> 16 <= kLast && (bits == 32 || bits == 128) &&
                (head >> 8 & 0xff) <= bits;
        const std::string_view bytes = take_bytes(bits / 8);
        const std::string_view zone = take_bytes(take_number(0, core::Zone::kLongest));
        if (!fits_) return;
        prefix.kind = static_cast<core::Prefix::Kind>(head >> 16);
        prefix.length = static_cast<std::uint8_t>(head >> 8 & 0xff);
        prefix.address = core::IpAddress::from_bytes(
            {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
        fits_ = prefix.length <= prefix.address.bytes().size() * 8;
        prefix.zone = core::Zone(zone);
    }
    void take(core::PatternSource& pattern) {
        constexpr auto kLast = static_cast<std::uint64_t>(core::PatternKind::Regex);
        pattern.kind = static_cast<core::PatternKind>(take_number(0, kLast));
        take(pattern.text);
    }
    void take(core::Action& action) {
        static_assert(std::variant_size_v<core::Action> == 2);
        if (take_number(0, 1) == core::Action(core::Connect()).index()) action = core::Connect();
    }
    void take(core::LayoutPattern& pattern) {
        take(pattern.layout);
        pattern.whole = take_number(0, 1) == 1;
        take_all(pattern.conditions);
    }
    void take(core::FieldCondition& condition) {
        take(condition.field);
        take_all(condition.values);
    }
    void take(core::LayoutSource& layout) {
        take(layout.name);
        take_all(layout.rules);
    }
    void take(core::LayoutRule& rule) {
        take(rule.name);
        take(rule.text);
    }
    template <typename T>
    void take_all(core::List<T>& items) {
        take_all(items, [&](T& item) { take(item); });
    }
    template <typename T, typename Take>
    void take_all(core::List<T>& items, Take take) {
        // Each has at least the bytes of one number.
        const std::size_t count = take_number(0, rest_.size() / sizeof(std::uint64_t));
        items.resize(count);
        for (T& item : items) take(item);
    }

    std::string_view rest_;
    bool fits_ = true;
};

}  // namespace

std::string pack(const core::Config& config) { return Packer().pack(config); }

std::optional<core::Config> unpack(std::string_view bytes, Need need) {
    auto config = Unpacker(bytes).unpack();
    if (config && config->services.empty() && need != Need::Global) return std::nullopt;
    return config;
}

}  // namespace portsplit::config
