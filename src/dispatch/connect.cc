#include "dispatch/connect.h"

#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include "dispatch/race.h"
#include "dispatch/resolve.h"
#include "sys/error.h"

namespace portsplit::dispatch {
namespace {

/// What all targets of a connection have in common.
struct Search {
    const OwnListeners& own;
    std::chrono::milliseconds limit;
    Reporter& reporter;
    BoundSocket* bound;
};

/// @param is_last  true if no other target is left: then it is waited for to the end of its time
/// @returns a connected socket; an error, which is reported unless another target may do
sys::Result<sys::UniqueFd> connect_to_one(const Search& search, const core::Endpoint& target,
                                          std::size_t index, bool is_last,
                                          FailedTargets::Watch watch) {
    TargetTime time(search.limit);
    Resolved resolved;
    const auto numeric = sys::Address::from(target);
    if (!numeric) {
        search.reporter.about_to_block();
        resolved = resolve(target, time.start() - (search.limit - name_limit(search.limit)));
        if (resolved.addresses.empty()) {
            search.reporter.publish_failure(Stage::Resolve, resolved.error, index);
            return sys::SysError{ENOENT, {}};
        }
        resolved.addresses = in_turns(std::move(resolved.addresses));
    }
    auto fd = connect_to_any(
        numeric ? std::span(&*numeric, 1) : std::span(std::as_const(resolved.addresses)),
        search.own, time, search.reporter, search.bound, watch);
    if (fd) return fd;
    const int code = fd.error().code;
    // A target of the other family is no failure while another may fit.
    const bool is_other_family = code == EAFNOSUPPORT && search.bound != nullptr;
    if (code == kMovedOn || (is_other_family && !is_last)) return fd;
    search.reporter.publish_failure(code == ELOOP ? Stage::Loop : Stage::Connect, code, index);
    return fd;
}

}  // namespace

std::optional<sys::UniqueFd> connect_to_target(const core::Connect& connect,
                                               const OwnListeners& own, const TargetChoice& choice,
                                               Reporter& reporter, BoundSocket* bound) {
    const Search search{own, connect.timeout, reporter, bound};
    std::vector<std::size_t> order = choice.order(connect.targets.size());
    const bool is_known = !order.empty();
    const auto count = [&] { return is_known ? order.size() : connect.targets.size(); };
    for (std::size_t turn = 0; turn < count(); ++turn) {
        const std::size_t i = is_known ? order[turn] : turn;
        const bool is_last = turn + 1 == count();
        const bool may_move_on = is_known && !is_last;
        auto fd = connect_to_one(search, connect.targets[i], i, is_last,
                                 may_move_on ? choice.watch(i) : FailedTargets::Watch());
        if (fd) {
            reporter.set_target(i);
            return std::move(*fd);
        }
        if (fd.error().code == kMovedOn) order.push_back(i);
    }
    return std::nullopt;
}

}  // namespace portsplit::dispatch
