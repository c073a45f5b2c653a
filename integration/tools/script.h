#pragma once
// The steps of a scripted TCP peer, carried out on one connected socket. `peer` says what they are.

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "sys/fd.h"

namespace integration {

/// The bytes that a text with \xNN, \n, \r, \t, \0 and \\ stands for.
std::string unescaped(std::string_view text);

class Script {
  public:
    /// @param limit  how long any one step may wait for the other side
    Script(portsplit::sys::UniqueFd socket, std::chrono::milliseconds limit);

    /// Carries the steps out in order.
    /// @returns whether all went as the script says; the first that did not is told on standard
    /// error
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
