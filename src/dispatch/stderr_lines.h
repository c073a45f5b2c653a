#pragma once
// What one program writes to its standard error, as lines for the log: cut where they are long, and limited in
// number, because a program writes what its client makes it write.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <string>
#include <string_view>

#include "sys/clock.h"

namespace portsplit::dispatch {

class StderrLines {
  public:
    /// The longest line in bytes; the rest of a longer one is the next line. Even if each byte is escaped, such a line
    /// is not cut by sys::Log.
    static constexpr std::size_t kLongest = 900;
    /// How many lines are written in a minute.
    static constexpr int kWritten = 100;

    using Write = std::function<void(std::string_view)>;

    /// @param memory  for the beginning of a line; borrowed, must outlive this
    explicit StderrLines(std::pmr::memory_resource* memory) : beginning_(memory) {}

    /// Calls `write` with each line that ends in these bytes, until the minute has its number; counts the others.
    void take(std::string_view bytes, sys::Clock::time_point now, const Write& write);
    /// The same for a line that the program has not ended.
    void end(sys::Clock::time_point now, const Write& write);

    /// Returns how many lines were counted, and forgets them. The next line begins a new minute.
    std::uint64_t take_left_out();
    /// Returns when to call `take_left_out`; the maximum if no line was counted.
    sys::Clock::time_point due() const;

  private:
    void take_line(std::string_view line, sys::Clock::time_point now, const Write& write);

    std::pmr::string beginning_;  ///< of a line; shorter than `kLongest`
    bool was_cut_ = false;  ///< true after a line that was as long as possible: its end may follow
    sys::Clock::time_point until_{};
    int written_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace portsplit::dispatch
