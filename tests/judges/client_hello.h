#pragma once
// A ClientHello in parts (RFC 8446 4.1.2), to change it and to write it again, in records of any sizes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "judges/random_bytes.h"

namespace portsplit::judges {

/// Returns a number in `size` bytes, the most significant first.
inline std::string number(std::size_t size, std::size_t value) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        bytes[size - 1 - i] = static_cast<char>(value >> 8 * i & 0xFF);
    return bytes;
}

/// Returns a text behind its length.
inline std::string behind_length(std::size_t size, std::string_view text) {
    return number(size, text.size()) + std::string(text);
}

struct Extension {
    static constexpr std::uint16_t kServerName = 0;
    static constexpr std::uint16_t kAlpn = 16;
    static constexpr std::uint16_t kVersions = 43;

    std::uint16_t type = 0;
    std::string body;
};

/// Returns the body of an extension with one server name.
inline std::string server_name(std::string_view name) {
    return behind_length(2, '\0' + behind_length(2, name));
}

/// Returns the body of an extension with these protocols.
inline std::string alpn(const std::vector<std::string>& protocols) {
    std::string list;
    for (const std::string& protocol : protocols) list += behind_length(1, protocol);
    return behind_length(2, list);
}

struct ClientHello {
    std::string version;
    std::string random;
    std::string session;
    std::string ciphers;
    std::string compressions;
    /// None if the hello ends behind the compressions.
    std::optional<std::vector<Extension>> extensions;

    /// @param message  well-formed, with its head
    static ClientHello parse(std::string_view message);
    /// @param lengths  if given, receives the place and size of each length in the message
    std::string message(std::vector<std::pair<std::size_t, std::size_t>>* lengths = nullptr) const;
};

/// Takes bytes off the beginning of a text.
class Taker {
  public:
    explicit Taker(std::string_view text) : text_(text) {}

    std::string_view take(std::size_t size) {
        const std::string_view taken = text_.substr(0, size);
        text_.remove_prefix(taken.size());
        return taken;
    }
    std::size_t take_number(std::size_t size) {
        std::size_t value = 0;
        for (const char byte : take(size)) value = value << 8 | static_cast<unsigned char>(byte);
        return value;
    }
    std::string take_behind_length(std::size_t size) {
        return std::string(take(take_number(size)));
    }
    bool is_empty() const { return text_.empty(); }

  private:
    std::string_view text_;
};

inline ClientHello ClientHello::parse(std::string_view message) {
    Taker taker(message.substr(4));
    ClientHello hello;
    hello.version = taker.take(2);
    hello.random = taker.take(32);
    hello.session = taker.take_behind_length(1);
    hello.ciphers = taker.take_behind_length(2);
    hello.compressions = taker.take_behind_length(1);
    if (taker.is_empty()) return hello;
    hello.extensions.emplace();
    const std::string list = taker.take_behind_length(2);
    for (Taker in_list(list); !in_list.is_empty();) {
        const auto type = static_cast<std::uint16_t>(in_list.take_number(2));
        hello.extensions->push_back({type, in_list.take_behind_length(2)});
    }
    return hello;
}

inline std::string ClientHello::message(
    std::vector<std::pair<std::size_t, std::size_t>>* lengths) const {
    std::string text = number(1, 1) + number(3, 0) + version + random;
    const auto note = [&](std::size_t size) {
        if (lengths != nullptr) lengths->emplace_back(text.size(), size);
    };
    const auto add = [&](std::size_t size, const std::string& part) {
        note(size);
        text += behind_length(size, part);
    };
    if (lengths != nullptr) lengths->emplace_back(1, 3);
    add(1, session);
    add(2, ciphers);
    add(1, compressions);
    if (extensions) {
        note(2);
        const std::size_t begin = text.size();
        text += number(2, 0);
        for (const Extension& extension : *extensions) {
            text += number(2, extension.type);
            add(2, extension.body);
            // The lists inside begin with a length, too.
            if (lengths != nullptr && extension.body.size() > 2)
                lengths->emplace_back(text.size() - extension.body.size(), 2);
        }
        text.replace(begin, 2, number(2, text.size() - begin - 2));
    }
    text.replace(1, 3, number(3, text.size() - 4));
    return text;
}

/// Joins what the records of a stream hold.
inline std::string without_records(std::string_view stream) {
    std::string message;
    for (Taker taker(stream); !taker.is_empty();) {
        taker.take(3);
        message += taker.take_behind_length(2);
    }
    return message;
}

/// Returns a message in records.
/// @param version  that the heads of the records have, two bytes
/// @param next_size  called for the size of each record
template <typename NextSize>
std::string in_records(std::string_view message, std::string_view version, NextSize next_size) {
    std::string stream;
    for (Taker taker(message); !taker.is_empty();) {
        stream += number(1, 0x16);
        stream += version;
        stream += behind_length(2, taker.take(next_size()));
    }
    return stream;
}

/// Returns a message in records of random sizes.
inline std::string in_random_records(std::string_view message, Random& random) {
    constexpr std::size_t kLongest = 16384;
    const std::string version = "\x03" + number(1, below(random, 4));
    const std::size_t mode = below(random, 6);
    const std::size_t fixed = 1 + below(random, 600);
    return in_records(message, version, [&]() -> std::size_t {
        switch (mode) {
            case 0:
                return kLongest;
            case 1:
                return 1 + below(random, 8);
            case 2:
                return 1 + below(random, 100);
            case 3:
                return fixed;
            case 4:
                return below(random, 4) == 0 ? 1 : 1 + below(random, 2000);
            default:
                return 1 + below(random, kLongest);
        }
    });
}

}  // namespace portsplit::judges
