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
        case Reason::Denied:
            return "denied";
        case Reason::Proxy:
            return "proxy";
        case Reason::Limit:
            return "limit";
    }
    return "";
}

std::optional<Verdict> decide(const Plan& plan, Bytes seen, Ending ending) {
    Plan::Reading reading(plan);
    return decide(plan, seen, ending, reading);
}

std::optional<Verdict> decide(const Plan& plan, Bytes seen, Ending ending, Plan::Reading& reading) {
    if (!reading.is_admitted()) return Verdict{std::nullopt, Reason::Denied};
    const Bytes looked_at = seen.first(std::min(seen.size(), plan.window()));

    // Rules 1 to 3. These answers are final, so they come before any ending: EOF or the deadline
    // cannot change a verdict that an earlier look would have given.
    const Plan::Standing now = plan.ask(looked_at, reading);
    if (now.answer == Answer::Match) return Verdict{now.service, Reason::Match, now.gave_up};
    const Plan::LastResorts& last = reading.last_resorts();
    const bool may_be_silent = looked_at.empty() && last.timeout;
    if (now.answer == Answer::No && !may_be_silent) {
        return Verdict{last.fallback, Reason::Fallback, now.gave_up};
    }

    const bool is_full = looked_at.size() == plan.window();
    if (ending == Ending::Open && !is_full) return std::nullopt;

    // Rules 4 and 5: no further byte is looked at, so every more counts as no, and a later service
    // may match.
    const Plan::Standing end = plan.ask_at_end(looked_at, reading);
    if (end.answer == Answer::Match) return Verdict{end.service, Reason::Match, end.gave_up};
    // Rule 5 before rule 4: a client that filled the window sent enough, so it did not time out.
    const Verdict fallback{last.fallback, Reason::Fallback, end.gave_up};
    if (is_full) return fallback;
    if (ending == Ending::Deadline) return Verdict{last.timeout, Reason::Timeout, end.gave_up};
    if (looked_at.empty()) return Verdict{std::nullopt, Reason::Eof, end.gave_up};
    return fallback;
}

}  // namespace portsplit::core
