#pragma once
// The words that stand for a value in documentation and in messages.

#include <string>

#include "config/key_table.h"

namespace portsplit::config {

/// Returns the placeholder of a value: `ADDR:PORT`, `SECONDS`, `socket|pipe|pty`.
std::string placeholder(const Key& key);

/// Returns the placeholder of a value of Bind or Target without that of a Unix-domain socket.
const char* internet_placeholder(const Key& key);

}  // namespace portsplit::config
