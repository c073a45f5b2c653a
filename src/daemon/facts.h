#pragma once
// What the reader of the file tells the daemon, as bytes. The daemon does not trust them: a reader may be
// compromised by the file.

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

/// Packs all but the services.
std::string pack_facts(core::Config config, const std::optional<sys::User>& user);

/// @returns nothing if the bytes are not what `pack_facts` made
std::optional<Facts> unpack_facts(std::string_view bytes);

}  // namespace portsplit::daemon
