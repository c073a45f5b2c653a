#pragma once
// Requests of HTTP/1 as clients send them and as they should not.

#include <string>

#include "judges/random_bytes.h"

namespace portsplit::judges {

class HttpRequests {
  public:
    explicit HttpRequests(Random& random) : random_(random) {}

    /// Returns a request with its empty line. Half of them are as RFC 9112 wants them.
    std::string make();

  private:
    std::string target(const std::string& method);
    std::string host();
    std::string host_field();
    std::string other_field();
    std::string blanks(bool may_be_none);
    std::string end_of_line() { return is_odd_ && one_in(6) ? "\n" : "\r\n"; }
    bool one_in(std::size_t times) { return below(random_, times) == 0; }

    Random& random_;
    bool is_odd_ = false;
};

}  // namespace portsplit::judges
