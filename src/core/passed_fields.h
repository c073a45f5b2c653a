#pragma once
// What a configuration says about passing on: which lines the log has, and which fields go to the log and to
// programs. core/passing.h has the values.

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model.h"

namespace portsplit::core {

/// The name of a field with that of its layout: `tls.sni`.
struct FieldName {
    std::string_view layout;
    std::string_view field;

    bool operator==(const FieldName&) const = default;
};

/// Splits such a name at its dot; none if there is no dot or nothing on a side of it, or if it is
/// several words.
std::optional<FieldName> split_field(std::string_view name);

/// Splits a value of `env` that passes a field, `NAME LAYOUT.FIELD`; none for `NAME=VALUE`.
/// @returns the two texts, which may be empty
std::optional<std::pair<std::string_view, std::string_view>> split_field_variable(
    std::string_view entry);

/// A value of `proxy-tlv`: `crc32c`, `unique-id`, or a field: `authority tls.sni`, `0xE0 tls.alpn`.
struct TlvSource {
    std::uint8_t type;                 ///< as in core/proxy_header.h
    std::optional<FieldName> field{};  ///< none for `crc32c` and `unique-id`

    bool operator==(const TlvSource&) const = default;
};

// The values that are no field.
inline constexpr std::string_view kChecksumWord = "crc32c";
inline constexpr std::string_view kUniqueIdWord = "unique-id";

/// Reads such a value; none if it is no such value.
std::optional<TlvSource> split_tlv(std::string_view text);

/// Returns true if a variable may carry a field, whose bytes are a client's: it is neither one by which the
/// system's loader, shells and interpreters find code, nor one that Portsplit sets itself.
bool may_carry_field(std::string_view variable);

/// Returns all fields that a configuration passes on, as they are named in it; a field may come twice.
std::vector<std::string_view> passed_fields(const Config& config);

/// Returns which lines the log has for a connection.
/// @param service  null if none was chosen
LogLines log_lines(const Config& config, const Service* service);

/// Returns the names of the fields that the log has for a connection, in order and each once.
/// @param service  null if none was chosen
std::vector<std::string_view> logged_fields(const Config& config, const Service* service);

}  // namespace portsplit::core
