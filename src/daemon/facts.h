#pragma once
// What the daemon needs of a configuration, as bytes that a reader sends. Their form is checked, what they
// say is not: the user who writes the file chooses it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access.h"
#include "core/budgets.h"
#include "core/model.h"
#include "sys/address.h"
#include "sys/user.h"

namespace portsplit::daemon {

/// Whose connections each listener accepts.
class Admission {
  public:
    /// Accepts all.
    Admission() = default;
    /// Compiles the lists of all listeners, those that are the same once.
    explicit Admission(const core::Config& config);

    /// Returns for how many listeners it is; 0 if it accepts all.
    std::size_t listener_count() const { return of_listener_.size(); }

    /// @param listener  index in core::listeners_of
    bool admits(std::size_t listener, const sys::Address& peer) const;
    /// Returns true for a peer whose connections begin with a PROXY header.
    bool is_balancer(std::size_t listener, const sys::Address& peer) const;

    void append_to(std::string& bytes) const;
    /// @returns nothing if the bytes do not begin with what `append_to` made
    static std::optional<Admission> take_from(std::string_view& bytes);

  private:
    static constexpr std::uint32_t kForNobody = core::AccessNumbers::kForAll - 1;

    /// Indexes in `accesses_`, or kForAll or kForNobody.
    struct Lists {
        std::uint32_t served = core::AccessNumbers::kForAll;
        std::uint32_t balancers = kForNobody;
    };
    bool allows(std::uint32_t number, const sys::Address& peer) const;
    bool is_number(std::uint64_t number) const;

    std::vector<core::Access> accesses_;
    std::vector<Lists> of_listener_;
};

struct Facts {
    core::Config config;            ///< without services and lists of clients
    std::optional<sys::User> user;  ///< to serve connections as; none: the daemon's own
    Admission admission{};
    std::vector<core::ServiceBudget> services{};  ///< those with limits
    std::vector<std::string> passenv{};  ///< names of the variables that programs get, each once
};

/// What a reader sends in place of facts: the number of problems of a file that cannot be used.
std::string pack_problems(std::uint32_t problems);
/// @returns 0 if the bytes are not what `pack_problems` made
std::uint32_t unpack_problems(std::string_view bytes);

/// Packs all but the services. Of the lists of clients it packs what they say.
std::string pack_facts(core::Config config, const std::optional<sys::User>& user);

/// @returns nothing if the bytes are not what `pack_facts` made
std::optional<Facts> unpack_facts(std::string_view bytes);

}  // namespace portsplit::daemon
