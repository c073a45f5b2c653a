#pragma once
// A configuration as text in either spelling, for people and for whoever reads it again: what is
// read from it equals what was written.

#include <string>

#include "core/model.h"
#include "core/result.h"

namespace portsplit::config {

/// A value that the classic spelling has no way to say.
struct Unsayable {
    std::string service;  ///< empty for a global key
    std::string key;
    std::string why;
};

/// `service web: execarg: a line end, which ...`.
std::string to_string(const Unsayable& unsayable);

/// Writes a valid configuration. Defaults are left out, and comments are not part of the model. The
/// classic spelling has lines, and so no line end in an argument and no blank at its ends.
core::Result<std::string, Unsayable> write_classic(const core::Config& config);

/// The same in libconfig's spelling, which can say every valid configuration.
std::string write_libconfig(const core::Config& config);

}  // namespace portsplit::config
