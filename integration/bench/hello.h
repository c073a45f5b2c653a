#pragma once
// A TLS ClientHello (RFC 8446 4.1.2) of any size, in records of any length. Its keys are no keys, so no
// handshake can be completed. For `hello` and `decide`.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace bench {

struct HelloShape {
    std::string name;            ///< the server name, as the client writes it
    std::size_t bytes = 1800;    ///< of the hello with one record around it; 220 at least
    std::size_t record = 16384;  ///< bytes in each record but the last
    bool name_first = false;     ///< true: the name is the first extension, else the last one
};

/// Returns a number in network byte order.
inline std::string number(std::size_t value, std::size_t width) {
    std::string text;
    for (; width > 0; --width) text += static_cast<char>(value >> (8 * (width - 1)) & 0xFF);
    return text;
}

/// Returns bytes with their length in front.
inline std::string with_length(std::string_view bytes, std::size_t width) {
    return number(bytes.size(), width).append(bytes);
}

/// Returns bytes that look random.
inline std::string key_bytes(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += static_cast<char>(1 + i * 167 % 251);
    return text;
}

inline std::string extension(std::size_t type, std::string_view bytes) {
    return number(type, 2) + with_length(bytes, 2);
}

/// Returns the extensions but the name and the padding. From 1,600 bytes on they have the key share of
/// X25519MLKEM768, which is 1,216 bytes.
inline std::string usual_extensions(std::size_t bytes) {
    std::string groups = number(0x001D, 2);
    std::string shares = number(0x001D, 2) + with_length(key_bytes(32), 2);
    if (bytes >= 1600) {
        groups.insert(0, number(0x11EC, 2));
        shares.insert(0, number(0x11EC, 2) + with_length(key_bytes(1216), 2));
    }
    std::string text = extension(0x002B, with_length(number(0x0304, 2), 1));  // versions
    text += extension(0x000A, with_length(groups, 2));                        // groups
    text += extension(0x000D, with_length(number(0x0804'0403'0807, 6), 2));   // signatures
    text += extension(0x0033, with_length(shares, 2));                        // key shares
    if (bytes >= 300) {
        const std::string protocols = with_length("h2", 1) + with_length("http/1.1", 1);
        text += extension(0x0010, with_length(protocols, 2));  // ALPN
    }
    return text;
}

/// Returns the message with its header, without records.
inline std::string hello_message(const HelloShape& shape) {
    const std::string suites = number(0x1301'1302'1303, 6);
    const std::string head = number(0x0303, 2) + key_bytes(32) + with_length(key_bytes(32), 1) +
                             with_length(suites, 2) + with_length(std::string(1, '\0'), 1);
    const std::string name =
        extension(0x0000, with_length(std::string(1, '\0') + with_length(shape.name, 2), 2));
    std::string others = usual_extensions(shape.bytes);
    // Around the extensions: headers of record and message, their length, and the header of the padding.
    const std::size_t without = 5 + 4 + head.size() + 2 + name.size() + others.size() + 4;
    const std::size_t padding = shape.bytes - std::min(shape.bytes, without);
    others += extension(0x0015, std::string(padding, '\0'));  // RFC 7685
    const std::string extensions = shape.name_first ? name + others : others + name;
    return '\x01' + with_length(head + with_length(extensions, 2), 3);
}

/// Returns what the client sends first.
inline std::string client_hello(const HelloShape& shape) {
    const std::string message = hello_message(shape);
    std::string stream;
    for (std::size_t at = 0; at < message.size(); at += shape.record) {
        stream += number(0x160301, 3);
        stream += with_length(std::string_view(message).substr(at, shape.record), 2);
    }
    return stream;
}

}  // namespace bench
