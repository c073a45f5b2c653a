#include "daemon/generations.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "exit_codes.h"
#include "sys/process.h"

namespace portsplit::daemon {

void Generations::change_to(Generation next) {
    retire();
    current_.emplace(std::move(next));
}

void Generations::retire() {
    if (!current_) return;
    current_->retire();
    retired_.push_back(std::move(*current_));
    current_.reset();
}

void Generations::receive() {
    if (current_) current_->receive();
    for (Generation& generation : retired_) generation.receive();
}

std::vector<int> Generations::channels() const {
    std::vector<int> channels;
    if (current_) channels.push_back(current_->channel());
    for (const Generation& generation : retired_) channels.push_back(generation.channel());
    return channels;
}

std::size_t Generations::connections() const {
    std::size_t sum = orphans_ + (current_ ? current_->connections() : 0);
    for (const Generation& generation : retired_) sum += generation.connections();
    return sum;
}

Generations::End Generations::on_child_end(const sys::Ended& child, std::size_t others) {
    receive();  // what it told before it ended
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
    if (orphans_ == 0) return End::None;
    const bool unused = WIFEXITED(child.status) && WEXITSTATUS(child.status) == kExitUnused;
    if (!unused) --orphans_;
    orphans_ = std::min(orphans_, other_children(others));
    return End::None;
}

/// Its dispatchers are this process's children now: those that have a connection are counted. One
/// that was over when the zygote died can be among them, until the first orphan ends.
void Generations::bury(Generation& dead) {
    for (Delivery& delivery : dead.take_back()) untaken_.push_back(std::move(delivery));
    orphans_ += dead.connections();
}

/// How many children are no zygotes.
std::size_t Generations::other_children(std::size_t others) const {
    const std::size_t zygotes = others + retired_.size() + (current_ ? 1 : 0);
    const std::size_t children = sys::count_children();
    return children - std::min(children, zygotes);
}

}  // namespace portsplit::daemon
