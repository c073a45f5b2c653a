#pragma once
// The first bytes of a client from a file in one of three forms: hex, a capture, or the bytes themselves.

#include <string>

#include "config/value.h"
#include "core/result.h"

namespace portsplit::cli {

/// Returns the bytes of a recording. A file whose name ends in `.hex` is text for config/recording.h; one
/// that begins as pcap-savefile(5) or pcapng says is a capture of one connection; any other is the bytes.
/// @returns what is wrong with the file, as a sentence
core::Result<std::string, config::Problem> bytes_of_recording(const std::string& path);

}  // namespace portsplit::cli
