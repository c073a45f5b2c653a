#pragma once
// Runs the steps of a scripted TCP peer on one connected socket. peer.cc has the table of steps.

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "sys/fd.h"

namespace integration {

/// Returns the bytes of a text with the escapes \xNN, \n, \r, \t, \0 and \\.
std::string unescaped(std::string_view text);

class Script {
  public:
    /// @param limit  how long any one step may wait for the other side
    Script(portsplit::sys::UniqueFd socket, std::chrono::milliseconds limit);

    /// Runs the steps in order. The first that fails is reported on standard error.
    /// @returns true if every step succeeded
    bool run(std::span<char* const> steps);

  private:
    bool step(std::string_view name, std::string_view argument);

    bool send(std::string_view bytes, int flags = 0);
    bool send_in_pieces(std::string_view bytes, std::size_t first, std::size_t piece);
    bool trickle(std::string_view argument);
    bool wait_until_acked();
    bool wait_for_file(const std::string& path);
    bool wait_for(short events);
    bool expect(std::string_view bytes);
    bool expect_end(bool eof, bool reset);
    bool print();
    bool echo();
    bool hold();
    bool transfer(std::uint64_t to_send, std::uint64_t to_receive);
    bool reset();
    bool say_port();

    bool fail(const std::string& why);
    bool fail_with_errno(const std::string& why);

    portsplit::sys::UniqueFd socket_;
    std::chrono::milliseconds limit_;
    std::string failure_;
};

}  // namespace integration
