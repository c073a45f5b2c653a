#pragma once
// Checks the values of `log`, of `env` and of `proxy-tlv` in one section against each other. Called by builder.cc.

#include <string>

#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

/// Issues: two different words such as `end` and `no`, because the fields beside them are a list; a value
/// that is there twice.
/// @param origin  of the section
/// @param service  empty above the services
void check_log(const core::List<core::Text>& log, const Origin& origin, const std::string& service,
               Issues& issues);

/// Issues: a variable that another value of `env` sets, too. A text comes before a field, and the last of
/// several before the others (dispatch/launch.cc).
void check_env(const core::List<core::Text>& env, const Origin& origin, const std::string& service,
               Issues& issues);

/// Issues: `proxy-tlv` without a header of version 2; a type that is there twice.
void check_proxy(const core::Connect& connect, const Origin& origin, const std::string& service,
                 Issues& issues);

}  // namespace portsplit::config
