#pragma once
// Recognises a configuration of another program: sslh, HAProxy, nginx, xinetd, inetd. Only a file with
// errors is asked about, so that nothing here can refuse a file that Portsplit can read.

#include <string>
#include <string_view>

namespace portsplit::config {

/// Returns the message for a file of another program, which takes the place of the errors on its lines;
/// empty if none of them has such a file.
std::string why_foreign(std::string_view text);

}  // namespace portsplit::config
