#include "core/verdict.h"

#include <algorithm>

namespace portsplit::core {
namespace {

/// What all services together say: the winner, or that none can win, or that it is too early.
struct Poll {
    Answer answer = Answer::No;
    std::size_t winner = 0;
};

/// @param final  no further byte can come, so `More` counts as `No`
Poll ask_in_order(const Plan& plan, Bytes seen, bool final) {
    for (std::size_t i = 0; i < plan.config().services.size(); ++i) {
        const Answer answer = plan.ask(i, seen);
        if (answer == Answer::Match) return {Answer::Match, i};
        if (answer == Answer::More && !final) return {Answer::More, i};
    }
    return {};
}

}  // namespace

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
    const Verdict fallback{plan.fallback(), Reason::Fallback};

    // What the bytes make certain holds however the stream goes on, so it comes before any ending.
    const Poll open = ask_in_order(plan, looked_at, false);
    if (open.answer == Answer::Match) return Verdict{open.winner, Reason::Match};
    if (open.answer == Answer::No) return fallback;

    const bool full = looked_at.size() == plan.window();
    if (ending == Ending::Open && !full) return std::nullopt;

    const Poll final = ask_in_order(plan, looked_at, true);
    if (final.answer == Answer::Match) return Verdict{final.winner, Reason::Match};
    if (full) return fallback;
    if (ending == Ending::Deadline) return Verdict{plan.timeout(), Reason::Timeout};
    if (looked_at.empty()) return Verdict{std::nullopt, Reason::Eof};
    return fallback;
}

}  // namespace portsplit::core
