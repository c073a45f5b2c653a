#pragma once
// Mutants of ClientHellos: some still make sense to a server, many nearly do.

#include <string>

#include "judges/client_hello.h"

namespace portsplit::judges {

/// Makes mutants of hellos. The same seed makes the same changes.
class HelloMutants {
  public:
    explicit HelloMutants(Random& random) : random_(random) {}

    /// Returns a message with up to three changes.
    /// @param message  a well-formed ClientHello with its head
    std::string message(const std::string& message);

    /// Returns a stream with one change to its records: their heads, a record more, an end too early.
    std::string stream(std::string stream);

  private:
    void change(ClientHello& hello);
    void change_extension(ClientHello& hello);
    void change_body(std::string& body);
    void change_bytes(std::string& message, const ClientHello& hello);
    Extension& put(ClientHello& hello, std::uint16_t type);
    std::string any_name();
    std::string any_names();
    std::string any_protocols();
    std::string any_versions();
    std::string bytes(std::size_t most) { return random_bytes(random_, below(random_, most + 1)); }
    bool one_in(std::size_t times) { return below(random_, times) == 0; }

    Random& random_;
};

}  // namespace portsplit::judges
