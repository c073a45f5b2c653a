#pragma once
// The plan: a valid configuration compiled for use. Immutable; one per configuration loaded.

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/model.h"
#include "core/pattern.h"

namespace portsplit::core {

class Plan {
  public:
    /// @param config  valid: its patterns compile, its service names are unique
    explicit Plan(Config config);

    const Config& config() const { return config_; }
    const Service& service(std::size_t index) const { return config_.services[index]; }

    /// How many first bytes may be looked at: what the configuration says, and never less than the
    /// longest pattern needs.
    std::size_t window() const { return window_; }

    /// Indexes of the last resorts, where the configuration has them.
    std::optional<std::size_t> fallback() const { return fallback_; }
    std::optional<std::size_t> timeout() const { return timeout_; }

    /// What one service says of the bytes so far: match if one of its patterns does, else more if
    /// one might still, else no. The last resorts have no patterns and always say no.
    Answer ask(std::size_t service, Bytes seen) const;

  private:
    Config config_;
    std::vector<std::vector<std::unique_ptr<const Pattern>>> patterns_;  ///< by service
    std::size_t window_;
    std::optional<std::size_t> fallback_;
    std::optional<std::size_t> timeout_;
};

}  // namespace portsplit::core
