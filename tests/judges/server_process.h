#pragma once
// A server of others that judges streams: a process of its own in a temporary folder, with a Unix-domain
// socket there. Ended by its pid.

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "judges/judge.h"
#include "support/child.h"
#include "support/folder.h"

namespace portsplit::judges {

class ServerProcess {
  public:
    /// Starts a program and waits until it accepts connections. Fails the test if it does not.
    /// @param folder   must outlive this; receives the output of the program, in `output`
    /// @param command  the program and its arguments; /usr/sbin is searched, too
    /// @param socket   in the folder
    /// @param user     that runs the program if the test runs as root; 0 for root
    ServerProcess(const Folder& folder, const std::vector<std::string>& command,
                  const std::string& socket, int end_signal, uid_t user = 0);
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    ~ServerProcess();

    /// Sends segments, each when the server has read the one before, and returns the first bytes of the
    /// answer: all until EOF, or until `enough` bytes have come. Fails the test if nothing happens for
    /// long.
    /// @param shuts_down  sends EOF behind the last segment
    std::string answer_to(const Segments& segments, bool shuts_down,
                          std::size_t enough = std::string::npos) const;

    /// Returns what the program has written so far.
    std::string output() const { return content_of(output_); }
    /// Returns what it has written since the last call.
    std::string new_output();

  private:
    std::string output_;
    std::string socket_;
    int end_signal_;
    std::size_t shown_ = 0;  ///< bytes of the output
    loopback::Child child_;
};

/// Runs a program to its end. Returns true if it exits with 0.
/// @param output  the path of a file for what it writes
/// @param user    as above
bool run_program(const std::vector<std::string>& command, const std::string& output, uid_t user);

/// A user for servers that refuse to run as root: nobody.
inline constexpr uid_t kNobody = 65'534;

/// Gives a folder to `kNobody` if the test runs as root.
void give_to_nobody(const Folder& folder);

}  // namespace portsplit::judges
