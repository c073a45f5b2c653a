#pragma once
// The plan: a valid configuration compiled for use. Immutable; one per configuration loaded.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/model.h"
#include "core/pattern.h"
#include "core/prefix_tree.h"

namespace portsplit::core {

class Plan {
  public:
    /// @param config  valid: its patterns compile, its service names are unique
    explicit Plan(Config config);

    const Config& config() const { return config_; }
    const Service& service(std::size_t index) const { return config_.services[index]; }

    /// How many first bytes may be looked at: what the configuration says, and never less than the
    /// longest pattern of fixed length.
    std::size_t window() const { return window_; }

    /// Indexes of the last resorts, where the configuration has them.
    std::optional<std::size_t> fallback() const { return fallback_; }
    std::optional<std::size_t> timeout() const { return timeout_; }

    /// Whether further bytes can come.
    enum class Outlook { Open, Final };

    /// What all services say together.
    struct Standing {
        Answer answer = Answer::No;                 ///< of the first service that does not say no
        std::uint32_t service = PrefixTree::kNone;  ///< which that is, or none
        std::optional<std::size_t> gave_up;         ///< the first before it that has such a pattern
    };

    /// Asks the services in the order of the configuration, up to the first that does not say no.
    /// A service says match if one of its patterns does, else more if one might still, else no; the
    /// last resorts have no patterns and always say no.
    /// @param outlook  when nothing more can come, more counts as no
    Standing ask(Bytes seen, Outlook outlook) const;

  private:
    struct Other {
        std::uint32_t service;
        std::unique_ptr<const Pattern> pattern;
    };

    Config config_;
    PrefixTree fixed_;           ///< the patterns of fixed length
    std::vector<Other> others_;  ///< the other ones, in the order of their services
    std::size_t window_;
    std::optional<std::size_t> fallback_;
    std::optional<std::size_t> timeout_;
};

}  // namespace portsplit::core
