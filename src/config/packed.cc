#include "config/packed.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "config/describe.h"
#include "config/document.h"
#include "config/issue.h"

namespace portsplit::config {
namespace {

class Packer {
  public:
    void add(std::size_t number) {
        const auto fixed = static_cast<std::uint32_t>(number);
        bytes_.append(reinterpret_cast<const char*>(&fixed), sizeof fixed);
    }
    void add(std::string_view text) {
        add(text.size());
        bytes_.append(text);
    }
    void add(const Value& value) {
        add(static_cast<std::size_t>(value.kind));
        add(value.text);
    }
    void add(const Entry& entry) {
        add(entry.key);
        add(entry.is_list ? std::size_t{1} : std::size_t{0});
        add_all(entry.values);
    }
    void add(const Section& section) {
        add(section.name);
        add_all(section.entries);
    }
    template <typename T>
    void add_all(const std::vector<T>& items) {
        add(items.size());
        for (const T& item : items) add(item);
    }

    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

/// Reads the parts in the order in which they were added. After bytes that do not fit, everything that it
/// returns is empty.
class Unpacker {
  public:
    explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

    /// Returns true if all bytes were read, and fitted.
    bool is_done() const { return fits_ && rest_.empty(); }

    template <typename T>
    T take();

    template <typename T>
    std::vector<T> take_all() {
        const auto count = take<std::size_t>();
        std::vector<T> items;
        // Each has at least the four bytes of one number.
        if (count > rest_.size() / sizeof(std::uint32_t)) fits_ = false;
        if (!fits_) return items;
        items.reserve(count);
        while (fits_ && items.size() < count) items.push_back(take<T>());
        return items;
    }

  private:
    std::string_view take_bytes(std::size_t size) {
        fits_ = fits_ && size <= rest_.size();
        if (!fits_) return {};
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
    bool fits_ = true;
};

template <>
std::size_t Unpacker::take() {
    std::uint32_t number = 0;
    const std::string_view bytes = take_bytes(sizeof number);
    if (fits_) std::memcpy(&number, bytes.data(), sizeof number);
    return number;
}

template <>
std::string Unpacker::take() {
    return std::string(take_bytes(take<std::size_t>()));
}

template <>
Value Unpacker::take() {
    Value value;
    const auto kind = take<std::size_t>();
    fits_ = fits_ && kind <= static_cast<std::size_t>(Kind::List);
    value.kind = static_cast<Kind>(kind);
    value.text = take<std::string>();
    return value;
}

template <>
Entry Unpacker::take() {
    Entry entry;
    entry.key = take<std::string>();
    entry.is_list = take<std::size_t>() != 0;
    entry.values = take_all<Value>();
    return entry;
}

template <>
Section Unpacker::take() {
    Section section;
    section.name = take<std::string>();
    section.entries = take_all<Entry>();
    return section;
}

}  // namespace

std::string pack(const core::Config& config) {
    const Document document = describe(config);
    Packer packer;
    packer.add(document.global);
    packer.add_all(document.services);
    return packer.take();
}

std::optional<core::Config> unpack(std::string_view bytes, Need need) {
    Unpacker unpacker(bytes);
    Document document;
    document.global = unpacker.take<Section>();
    document.services = unpacker.take_all<Section>();
    if (!unpacker.is_done()) return std::nullopt;
    Issues issues;
    (void)issues.add_file("packed", {});
    Built built = build(document, need, issues);
    if (issues.has_errors()) return std::nullopt;
    return std::move(built.config);
}

}  // namespace portsplit::config
