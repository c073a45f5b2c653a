#pragma once
// The lists of clients of a listener or a service against each other. Called by listeners.cc and builder.cc.

#include <string_view>

#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// A list as it stands in a file.
struct ClientList {
    std::string_view key;
    const core::List<core::Prefix>& prefixes;
    const Origin& origin;  ///< has the spot of each
};

/// Issues: a prefix that is in both lists.
void check_lists(const ClientList& allowed, const ClientList& denied, Issues& issues);

}  // namespace portsplit::config
