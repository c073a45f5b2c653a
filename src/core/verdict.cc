#include "core/verdict.h"

#include <algorithm>

namespace portsplit::core {
std::string_view to_string(Reason reason) {
    switch (reason) {
        case Reason::Match:
            return "match";
        case Reason::Fallback:
            return "fallback";
        case Reason::Timeout:
            return "timeout";
        case Reason::Eof:
            return "eof";
    }
    return "";
}

std::optional<Verdict> decide(const Plan& plan, Bytes seen, Ending ending) {
    const Bytes looked_at = seen.first(std::min(seen.size(), plan.window()));

    // What the bytes make certain holds however the stream goes on, so it comes before any ending.
    const Plan::Standing open = plan.ask(looked_at, Plan::Outlook::Open);
    if (open.answer == Answer::Match) return Verdict{open.service, Reason::Match, open.gave_up};
    if (open.answer == Answer::No) {
        return Verdict{plan.fallback(), Reason::Fallback, open.gave_up};
    }

    const bool full = looked_at.size() == plan.window();
    if (ending == Ending::Open && !full) return std::nullopt;

    const Plan::Standing final = plan.ask(looked_at, Plan::Outlook::Final);
    if (final.answer == Answer::Match) return Verdict{final.service, Reason::Match, final.gave_up};
    const Verdict fallback{plan.fallback(), Reason::Fallback, final.gave_up};
    if (full) return fallback;
    if (ending == Ending::Deadline) return Verdict{plan.timeout(), Reason::Timeout, final.gave_up};
    if (looked_at.empty()) return Verdict{std::nullopt, Reason::Eof, final.gave_up};
    return fallback;
}

}  // namespace portsplit::core
