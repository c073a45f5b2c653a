#pragma once
// Why a stream is decided as it is: the answer of every service and every pattern, and the byte at
// which it became final. For people only; core/verdict.h decides connections.

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/layout_run.h"
#include "core/pattern.h"
#include "core/plan.h"

namespace portsplit::core {

/// An answer, and after how many first bytes it was final. While the answer is `More`: all bytes
/// looked at.
struct Certainty {
    Answer answer = Answer::No;
    std::size_t bytes = 0;

    bool operator==(const Certainty&) const = default;
};

struct ServiceExplanation {
    Certainty service;
    std::vector<Certainty> patterns;  ///< in the order of the service's patterns
    std::vector<Certainty> layouts;   ///< in the order of the service's layouts
};

/// What a layout read of a stream: all of its fields, and how far it got.
struct LayoutExplanation {
    struct Field {
        std::string_view name;
        FieldValues values;
    };
    std::string_view name;
    std::vector<Field> fields;  ///< those that came
    LayoutRun::State state = LayoutRun::State::Reading;
    std::size_t certain = 0;  ///< how many bytes had to come for `Fits` or `Failed`
    // If it failed:
    std::string_view rule;       ///< the name of the rule
    std::string_view rule_text;  ///< all of it
    LayoutRun::Failure failure{};
};

/// The plan compiled once more, service by service. Construct one Explainer and use it for many
/// streams, because compiling is the expensive part.
class Explainer {
  public:
    /// @param plan  copied from, not kept
    explicit Explainer(const Plan& plan);

    /// Returns one explanation for each layout that a service asks, by name. The texts are valid as long as
    /// this Explainer.
    std::vector<LayoutExplanation> explain_layouts(Bytes seen) const;

    /// Returns one explanation for each service, in the order of the configuration.
    /// @param seen  all bytes of a stream from its first; those beyond the window are ignored
    std::vector<ServiceExplanation> explain(Bytes seen) const;

  private:
    struct OneService {
        Plan plan;  ///< with this service only
        std::vector<std::unique_ptr<const Pattern>> patterns;
        std::vector<Plan> layouts;  ///< one for each layout that it asks, with nothing else
    };
    struct OneLayout {
        LayoutSource source;
        Layout layout;
    };

    std::vector<OneService> services_;
    std::vector<OneLayout> layouts_;
    std::size_t window_;
};

/// Returns how many first bytes sufficed for the verdict: the smallest number after which `decide`
/// returns one with `Ending::Open`. If there is none, all bytes looked at.
std::size_t bytes_needed(const Plan& plan, Bytes seen, const Entrance& entrance = {});

/// Returns how many first bytes the service needs to match on its own; nothing if all of them do
/// not suffice.
std::optional<std::size_t> bytes_to_match(const Service& service, Bytes seen);

}  // namespace portsplit::core
