#pragma once
// The configuration in force, for the program that the daemon becomes at an upgrade. It crosses as the text of a
// configuration file: that is the one form that another version reads, with other keys in its table.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/builder.h"
#include "core/result.h"
#include "daemon/reader.h"
#include "sys/user.h"

namespace portsplit::daemon {

/// Returns the text of a configuration, without includes, with numbers for the owners of sockets. Takes a while
/// if there are many services.
/// @returns nothing if it cannot be read back from the memory for the zygote
std::optional<std::string> text_of(const Reading& reading);

/// Reads what `text_of` returned.
/// @param user  its `keeps_net_raw` follows from the configuration
/// @param need  as for Reader
/// @returns the reading; or why there is none, as a part of a sentence
core::Result<std::shared_ptr<const Reading>, std::string> reading_of(
    std::string_view text, const std::optional<sys::User>& user, config::Need need);

}  // namespace portsplit::daemon
