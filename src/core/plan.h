#pragma once
// A valid configuration, compiled: it answers for all services at once. Immutable; each loaded
// configuration has one. The verdict for a connection is made of its answers in core/verdict.h.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/layout_index.h"
#include "core/layout_run.h"
#include "core/memory.h"
#include "core/model.h"
#include "core/pattern.h"
#include "core/prefix_tree.h"
#include "core/regex.h"

namespace portsplit::core {

class Plan {
  public:
    /// All memory that the plan keeps comes from the MemoryScope.
    /// Throws InvalidPattern if a pattern of the configuration does not compile.
    /// @param config  valid; if its service names are not unique, the last of a name counts
    explicit Plan(const Config& config);

    const Config& config() const { return config_; }
    const Service& service(std::size_t index) const { return config_.services[index]; }

    /// Returns how many first bytes are looked at: `window` of the configuration, but at least the
    /// length of the longest pattern of fixed length.
    std::size_t window() const { return window_; }

    /// The indexes of the last resorts, if the configuration has them.
    std::optional<std::size_t> fallback() const { return fallback_; }
    std::optional<std::size_t> timeout() const { return timeout_; }

    /// The answer of all services together: that of the first service that does not answer no.
    struct Standing {
        Answer answer = Answer::No;          ///< `No`, `More` or `Match`
        std::optional<std::size_t> service;  ///< the service that answers; none for `No`
        /// The first service before it with a pattern that gave up: the log reports it.
        std::optional<std::size_t> gave_up;
    };

    /// What the layouts of a plan know of one stream. It goes on where it stopped, so a stream is read once,
    /// however it was cut. Without layouts there is nothing to know.
    class Reading {
      public:
        /// @param plan  must outlive this
        explicit Reading(const Plan& plan);

        /// How many bytes are missing at least before the answer of `ask` can change.
        std::size_t lack() const { return lack_; }

      private:
        friend class Plan;

        std::vector<LayoutIndex::Reading> layouts_;  ///< one for each of the plan's
        std::size_t lack_ = 1;
    };

    /// Returns the answer while further bytes may come. A service answers match if one of its
    /// patterns does, else more if one of them does, else no. Last resorts have no patterns and
    /// always answer no.
    /// @param reading  of this stream, of which no byte has changed since the last call
    Standing ask(Bytes seen, Reading& reading) const { return ask(seen, reading, Mores::Count); }
    Standing ask(Bytes seen) const;

    /// Returns the answer when no further byte is looked at: as `ask`, but every more counts as no.
    Standing ask_at_end(Bytes seen, Reading& reading) const {
        return ask(seen, reading, Mores::AreNo);
    }

    /// Returns the values of a field with the bytes that have come: none if it has not, or if no service asks
    /// its layout. Call it after the verdict only: it reads on where no service needs it.
    /// @param layout, field  names
    const FieldValues& values_of(std::string_view layout, std::string_view field, Bytes seen,
                                 Reading& reading) const;

    /// Returns the first bytes after which the most expressions are asked.
    PrefixTree::Crowd largest_crowd() const;

  private:
    enum class Mores { Count, AreNo };
    struct Expression {
        std::uint32_t service;
        Regex regex;
    };
    struct Draft;

    Plan(const Config& config, Draft draft);

    Standing ask(Bytes seen, Reading& reading, Mores mores) const;
    /// Reads on with all layouts, and keeps the smaller services in `first`.
    /// @returns how many bytes are missing at least before a layout can answer
    std::size_t read_layouts(Bytes seen, Reading& reading, LayoutIndex::First& first) const;

    // In this order: in shared memory, what is read first lies close together.
    PrefixTree tree_;               ///< all patterns of fixed length, and how expressions begin
    List<Expression> expressions_;  ///< sorted by service
    /// The numbers of the expressions of which no beginning is known, sorted.
    List<std::uint32_t> unindexed_;
    List<LayoutIndex> layouts_;  ///< those that a service asks, sorted by name
    Config config_;
    std::size_t window_;
    std::optional<std::size_t> fallback_;
    std::optional<std::size_t> timeout_;
};

}  // namespace portsplit::core
