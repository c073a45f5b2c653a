#include "daemon/generations.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "exit_codes.h"
#include "sys/process.h"

namespace portsplit::daemon {

void Generations::promote_starting() {
    retire();
    current_ = std::exchange(starting_, std::nullopt);
}

void Generations::drop_starting() {
    if (!starting_) return;
    starting_->retire();
    retired_.push_back(*std::exchange(starting_, std::nullopt));
}

void Generations::retire() {
    if (!current_) return;
    current_->retire();
    retired_.push_back(std::move(*current_));
    current_.reset();
}

void Generations::watch(sys::PollSet& set) {
    watched_.clear();
    const auto add = [&](const Generation& generation) {
        watched_.push_back(set.add(generation.channel(), POLLIN));
    };
    if (current_) add(*current_);
    if (starting_) add(*starting_);
    for (const Generation& generation : retired_) add(generation);
    for_each(*this, [&](const Generation& generation) { set.wake_at(generation.stall_due()); });
}

void Generations::see_to_stalls(sys::Log& log) {
    for_each(*this, [&](Generation& generation) { generation.see_to_stall(log); });
}

void Generations::receive_ready(const sys::PollSet& set) {
    const bool any = std::any_of(watched_.begin(), watched_.end(),
                                 [&](auto handle) { return set.revents(handle) != 0; });
    if (any) receive();
}

void Generations::receive() {
    for_each(*this, [&](Generation& generation) { generation.receive(accounts_); });
}

std::size_t Generations::connections() const {
    std::size_t sum = orphans_ + (current_ ? current_->connections() : 0);
    for (const Generation& generation : retired_) sum += generation.connections();
    return sum;
}

Generations::End Generations::on_child_end(const sys::Ended& child) {
    receive();  // the zygote may have sent Reaped before it died
    if (starting_ && starting_->pid() == child.pid) {
        starting_.reset();
        return End::Starting;
    }
    if (current_ && current_->pid() == child.pid) {
        bury(*current_);
        current_.reset();
        return End::Current;
    }
    const auto found = std::find_if(retired_.begin(), retired_.end(),
                                    [&](const Generation& one) { return one.pid() == child.pid; });
    if (found != retired_.end()) {
        bury(*found);
        retired_.erase(found);
        return End::Retired;
    }
    // The spares of a dead zygote end as well, with kExitUnused; they had no connection.
    const bool spare = WIFEXITED(child.status) && WEXITSTATUS(child.status) == kExitUnused;
    if (!spare && orphans_ > 0) --orphans_;
    return End::Other;
}

/// Takes back what no dispatcher had taken, and counts the other connections as orphans. That counts
/// a connection too many if it ended, without a Reaped, before the zygote died; `recount_orphans`
/// corrects it.
void Generations::bury(Generation& dead) {
    for (Delivery& delivery : dead.take_back()) untaken_.push_back(std::move(delivery));
    orphans_ += dead.connections();
    for (const Ledger::Id id : dead.ids()) accounts_.ledger.forget(id);
}

void Generations::recount_orphans(std::size_t others) {
    if (orphans_ == 0) return;
    const std::size_t children = sys::count_children();
    orphans_ = std::min(orphans_, children - std::min(children, zygotes() + others));
}

std::size_t Generations::zygotes() const {
    return retired_.size() + (current_ ? 1 : 0) + (starting_ ? 1 : 0);
}

void Generations::change_log(int log) {
    for_each(*this, [log](Generation& generation) { generation.change_log(log); });
}

void Generations::end_excess() {
    const auto now = sys::Clock::now();
    for (const auto& [id, source] : accounts_.ledger.take_excess(now)) {
        (void)accounts_.refusals.add(Refusal::Undecided, source, now);
        for_each(*this, [number = id](Generation& generation) { generation.end(number); });
    }
}

}  // namespace portsplit::daemon
