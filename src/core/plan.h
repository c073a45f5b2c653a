#pragma once
// A valid configuration, compiled: it answers for all services at once. Immutable; each loaded
// configuration has one. The verdict for a connection is made of its answers in core/verdict.h.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/access.h"
#include "core/bytes.h"
#include "core/entrance.h"
#include "core/layout_index.h"
#include "core/layout_run.h"
#include "core/memory.h"
#include "core/model.h"
#include "core/pattern.h"
#include "core/prefix_tree.h"
#include "core/regex.h"

namespace portsplit::core {

class Plan {
    struct AtListener;

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

    /// Returns true if connections of a client are served at all.
    bool admits(const Entrance& entrance) const;

    /// Returns true if a connection must begin with a PROXY header. It names the client, and is no part of the
    /// stream.
    bool expects_header(const Entrance& entrance) const;

    /// Returns true if a service may be asked for a client.
    bool asks(const Entrance& entrance, std::size_t service) const;

    /// Returns true if a service has the client's address at its target.
    bool has_transparent() const { return has_transparent_; }

    /// Returns true if something depends on the interface at which a client comes in.
    bool needs_zone() const { return needs_zone_; }

    std::size_t listener_count() const { return listeners_.size(); }

    /// Returns the name of a listener; empty if the configuration has no section for one.
    std::string_view listener_name(const Entrance& entrance) const { return at(entrance).name; }

    /// Returns how long a client of a listener may stay undecided; 0 for ever.
    std::chrono::milliseconds timeout(const Entrance& entrance) const {
        return at(entrance).timeout;
    }

    /// The indexes of the last resorts, if there are any.
    struct LastResorts {
        std::optional<std::size_t> fallback;
        std::optional<std::size_t> timeout;
    };

    /// The answer of all services together: that of the first service that does not answer no.
    struct Standing {
        Answer answer = Answer::No;          ///< `No`, `More` or `Match`
        std::optional<std::size_t> service;  ///< the service that answers; none for `No`
        /// The first service before it with a pattern that gave up: the log reports it.
        std::optional<std::size_t> gave_up;
    };

    /// Which services are asked for one stream, and what the layouts of a plan know of it. It goes on where it
    /// stopped, so a stream is read once, however it was cut.
    class Reading {
      public:
        /// @param plan  must outlive this
        explicit Reading(const Plan& plan, const Entrance& entrance = {});

        /// Returns false if the listener does not serve the client.
        bool is_admitted() const { return is_admitted_; }

        /// Those that the client may have.
        const LastResorts& last_resorts() const { return last_resorts_; }

        /// How many bytes are missing at least before the answer of `ask` can change.
        std::size_t lack() const { return lack_; }

        // The parts that are asked may lie in this object.
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;

      private:
        friend class Plan;

        void choose_for(const Plan& plan, const Source& source);

        bool is_admitted_;
        LastResorts last_resorts_;
        std::vector<std::uint32_t> for_source_;      ///< if not all parts of the listener are asked
        std::span<const std::uint32_t> parts_;       ///< those that are asked
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
    static constexpr std::uint32_t kForAll = AccessNumbers::kForAll;

    /// The services that the same listeners ask, for the same sources. Without listeners of their own, and
    /// without `from`, all services are one part.
    struct Part {
        PrefixTree tree;  ///< their patterns of fixed length, and how their expressions begin
        /// The numbers of their expressions of which no beginning is known, sorted.
        List<std::uint32_t> unindexed;
        std::uint32_t access = kForAll;  ///< for whom they are: index in `accesses_`
    };
    /// What is settled for the clients of a listener.
    struct AtListener {
        Text name;  ///< empty without sections for listeners
        std::chrono::milliseconds timeout{};
        LastResorts last_resorts{};
        List<std::uint32_t> parts;       ///< those that are asked
        bool depends_on_source = false;  ///< true if some of these are for some sources only
        std::uint32_t access = kForAll;  ///< whose connections are served: index in `accesses_`
        /// Who sends a PROXY header: index in `accesses_`.
        std::optional<std::uint32_t> proxy_from{};
    };
    struct Expression {
        std::uint32_t service;
        Regex regex;
    };
    struct Draft;

    Plan(const Config& config, Draft draft);

    const AtListener& at(const Entrance& entrance) const { return listeners_[entrance.listener]; }
    void add_accesses(Draft draft);
    bool allows(std::uint32_t access, const Source& source) const {
        return access == kForAll || accesses_[access].allows(source);
    }
    bool is_for_service(std::size_t service, const Source& source) const {
        return access_of_.empty() || allows(access_of_[service], source);
    }

    Standing ask(Bytes seen, Reading& reading, Mores mores) const;
    /// Keeps the smallest services of all parts that are asked in `first`, and appends their expressions to
    /// `begun`.
    /// @returns further expressions, sorted, which are not in `begun`
    std::span<const std::uint32_t> find_in_parts(Bytes seen, const Reading& reading,
                                                 LayoutIndex::First& first,
                                                 PrefixTree::Numbers& begun) const;
    /// Reads on with all layouts, and keeps the smaller services in `first`.
    /// @returns how many bytes are missing at least before a layout can answer
    std::size_t read_layouts(Bytes seen, Reading& reading, LayoutIndex::First& first) const;

    // In this order: in shared memory, what is read first lies close together.
    List<AtListener> listeners_;  ///< in the order of `listeners_of`
    List<Part> parts_;
    List<Expression> expressions_;  ///< sorted by service
    List<LayoutIndex> layouts_;     ///< those that a service asks, sorted by name
    List<Access> accesses_;         ///< all different ones
    /// For whom each service is: index in `accesses_`. Empty if all are for all.
    List<std::uint32_t> access_of_;
    bool has_transparent_ = false;
    bool needs_zone_ = false;
    Config config_;
    std::size_t window_;
};

}  // namespace portsplit::core
