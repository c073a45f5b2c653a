#pragma once
// Whole files in and out, without waiting on what is not a file.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// The largest file `read_file` takes, in bytes.
inline constexpr std::size_t kLargestFile = std::size_t{64} << 20;

/// Reads a regular file. Anything else (a directory, a FIFO, a device) is an error, and is never
/// waited for: code EISDIR, EINVAL for what is not a regular file, EFBIG over `kLargestFile`.
Result<std::string> read_file(const std::string& path);

/// Reads all that is left of an open descriptor.
Result<std::string> read_all(int fd);

/// The names in a folder, in no order; none of a folder that cannot be read.
std::vector<std::string> names_in(const std::string& folder);

/// Writes all of it. EPIPE and its like are errors, not signals, only where SIGPIPE is ignored.
Result<Done> write_all(int fd, std::string_view text);

/// A sealed copy of the text in memory (memfd_create(2)): whoever holds it, nobody changes it.
/// @returns a descriptor at offset 0, close-on-exec
Result<UniqueFd> sealed_memory(const std::string& name, std::string_view text);

/// Opens /dev/null where descriptors 0, 1 or 2 are closed, so that no later descriptor becomes one.
Result<Done> open_standard_descriptors();

}  // namespace portsplit::sys
