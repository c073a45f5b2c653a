#pragma once
// Whole files, the names in a folder, sealed memory, and the standard descriptors.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sys/error.h"
#include "sys/fd.h"

namespace portsplit::sys {

/// The largest size that `read_file` and `read_all` read, in bytes.
inline constexpr std::size_t kLargestFile = std::size_t{64} << 20;

/// Reads a regular file. Never waits: a FIFO or a device is an error, and opening it does not block.
/// @returns code EISDIR for a folder, EINVAL for a FIFO, socket or device, EFBIG for more than
///          `kLargestFile`
Result<std::string> read_file(const std::string& path);

/// Reads from a descriptor until its end of file. Code EFBIG for more than `kLargestFile`.
Result<std::string> read_all(int fd);

/// Returns the names in a folder, unsorted, with `.` and `..`; empty if it cannot be read.
std::vector<std::string> names_in(const std::string& folder);

/// Returns the file, or the folder on its path, that every user of this machine can write, and so change or
/// replace the file; empty if there is none. A folder whose entries only their owner can replace
/// (S_ISVTX, inode(7)), such as /tmp, is none. Follows symbolic links, and looks at their folders too.
std::string writable_by_all(const std::string& path);

/// Returns the reason why this process cannot enter a folder, as text for a message; empty if it can.
std::string why_no_folder(const std::string& path);

/// Writes all of the text. A closed pipe is EPIPE only while SIGPIPE is ignored, else the
/// signal kills the process.
Result<Done> write_all(int fd, std::string_view text);

/// Creates an empty file in memory (memfd_create(2)), close-on-exec.
/// @param name  as /proc/PID/fd shows it
Result<UniqueFd> new_memory(const char* name);

/// Makes that file unchangeable for every process, also for one with a descriptor of it (F_SEAL_WRITE,
/// F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_SEAL). It must not be mapped for writing.
Result<Done> seal(int fd);

/// Reads that file from its beginning. Does not move the offset, which all copies of a descriptor share.
/// @returns code EFBIG if it is longer than `most` bytes
Result<std::string> read_memory(int fd, std::size_t most = kLargestFile);

/// Opens /dev/null for each of descriptors 0, 1 and 2 that is closed. Without that, a socket could
/// get one of these numbers, and a message for standard error would go to a client.
Result<Done> open_standard_descriptors();

}  // namespace portsplit::sys
