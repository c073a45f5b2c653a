#pragma once
// What the daemon needs of a configuration, as bytes that a reader sends. Their form is checked, what they
// say is not: the user who writes the file chooses it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/model.h"
#include "sys/user.h"

namespace portsplit::daemon {

struct Facts {
    core::Config config;            ///< without services
    std::optional<sys::User> user;  ///< to serve connections as; none: the daemon's own
};

/// What a reader sends in place of facts: the number of problems of a file that cannot be used.
std::string pack_problems(std::uint32_t problems);
/// @returns 0 if the bytes are not what `pack_problems` made
std::uint32_t unpack_problems(std::string_view bytes);

/// Packs all but the services.
std::string pack_facts(core::Config config, const std::optional<sys::User>& user);

/// @returns nothing if the bytes are not what `pack_facts` made
std::optional<Facts> unpack_facts(std::string_view bytes);

}  // namespace portsplit::daemon
