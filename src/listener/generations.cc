#include "listener/generations.h"

#include <algorithm>
#include <utility>

#include "sys/process.h"

namespace portsplit::listener {

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

Generations::End Generations::on_child_end(pid_t pid, std::size_t others) {
    receive();  // what it told before it ended
    if (current_ && current_->pid() == pid) {
        bury(*current_, others);
        current_.reset();
        return End::Current;
    }
    const auto found = std::find_if(retired_.begin(), retired_.end(),
                                    [pid](const Generation& one) { return one.pid() == pid; });
    if (found != retired_.end()) {
        bury(*found, others);
        retired_.erase(found);
        return End::Retired;
    }
    if (orphans_ > 0) --orphans_;
    return End::None;
}

/// Its dispatchers are this process's children now. No more are counted than there are children
/// that are no zygotes: one connection can have died with the zygote, between the channel and the
/// fork.
void Generations::bury(Generation& dead, std::size_t others) {
    for (Delivery& delivery : dead.take_back()) untaken_.push_back(std::move(delivery));
    // The dead one is reaped already.
    const std::size_t zygotes = others + retired_.size() + (current_ ? 1 : 0) - 1;
    const std::size_t children = sys::count_children();
    const std::size_t strangers = children - std::min(children, zygotes + orphans_);
    orphans_ += std::min(dead.connections(), strangers);
}

}  // namespace portsplit::listener
