#include "daemon/intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/entrance.h"
#include "core/passed_fields.h"
#include "core/verdict.h"
#include "sys/error.h"
#include "sys/socket.h"

namespace portsplit::daemon {
namespace {

using sys::Clock;
using sys::Level;

/// After accept(2) failed for lack of descriptors or memory, or a connection could not be sent.
constexpr std::chrono::milliseconds kShortagePause{100};
/// Between two reports that `maxconn` is reached.
constexpr std::chrono::minutes kReportPause{1};
/// How long a connection that cannot be sent is tried again, before it is closed.
constexpr std::chrono::seconds kHandOverLimit{1};
/// How long the clients of sockets that close are accepted at most.
constexpr std::chrono::seconds kRestLimit{1};
/// Accepts in a row from one socket before the next has its turn.
constexpr int kAcceptBatch = 32;

}  // namespace

void Intake::use(std::shared_ptr<const Facts> facts) {
    facts_ = std::move(facts);
    limit_connections(facts_->config.maxconn);
    accounts_.ledger.use(facts_->config, facts_->services);
}

bool Intake::has_room() const { return maxconn_ == 0 || generations_.connections() < maxconn_; }

void Intake::report_limits() {
    const auto now = Clock::now();
    if (const auto line = accounts_.refusals.report(now)) log_.line(Level::Warning, *line);
    if (has_room() || now < report_at_) return;
    report_at_ = now + kReportPause;
    const auto sources = accounts_.ledger.largest_sources();
    log_.line(
        Level::Warning,
        fmt::format("maxconn = {} reached; new clients wait until a connection ends{}{}", maxconn_,
                    sources.empty() ? "" : "; most connections: ", fmt::join(sources, ", ")));
}

void Intake::watch(sys::PollSet& set, const std::vector<ListeningSocket>& sockets) {
    watched_.clear();
    set.wake_at(accounts_.refusals.due());
    set.wake_at(accounts_.ledger.excess_due());
    const Generation* current = generations_.current();
    if (current != nullptr && !queue_.empty() && has_room()) {
        if (channel_full_) {
            set.add(current->channel(), POLLOUT);
        } else {
            set.wake_at(Clock::now() + kShortagePause);
        }
    }
    if (!can_accept()) return;
    if (Clock::now() < accept_at_) {
        set.wake_at(accept_at_);
        return;
    }
    for (const ListeningSocket& socket : sockets) {
        watched_.push_back({socket.fd.get(), set.add(socket.fd.get(), POLLIN)});
    }
}

void Intake::accept_ready(const sys::PollSet& set, const std::vector<ListeningSocket>& sockets) {
    for (const ListeningSocket& socket : sockets) {
        const auto watched =
            std::find_if(watched_.begin(), watched_.end(),
                         [&](const Watched& entry) { return entry.fd == socket.fd.get(); });
        if (watched != watched_.end() && set.revents(watched->handle) != 0) accept_batch(socket);
    }
}

void Intake::accept_batch(const ListeningSocket& socket) {
    int failures = 0;
    for (int i = 0; i < kAcceptBatch && can_accept(); ++i) {
        auto accepted = accept_from(socket);
        if (accepted) {
            take(*std::move(accepted));
            hand_over();
            continue;
        }
        const AfterFailure next = after_accept_error(accepted.error());
        if (next == AfterFailure::Wait) return;
        // If every accept of a batch fails, pause: the loop would be a busy loop otherwise.
        if (next == AfterFailure::Continue && ++failures < kAcceptBatch) continue;
        pause_accepting(socket, accepted.error());
        return;
    }
}

void Intake::pause_accepting(const ListeningSocket& socket, int code) {
    accept_at_ = Clock::now() + kShortagePause;
    log_.limited(Level::Error, "failed accepts",
                 fmt::format("cannot accept on {}, clients wait until it works again: {}",
                             socket.text, sys::error_text(code)));
}

/// Accepts all clients in the accept queues of sockets that close, even above `maxconn`: they have completed
/// the handshake, and close(2) would reset them. New ones may come all the time, so there is a limit.
void Intake::accept_rest(const std::vector<ListeningSocket>& closing) {
    const auto until = Clock::now() + kRestLimit;
    for (const ListeningSocket& socket : closing) {
        for (int failures = 0; failures < kAcceptBatch && Clock::now() < until;) {
            auto accepted = accept_from(socket);
            if (accepted) {
                take(*std::move(accepted));
                continue;
            }
            if (after_accept_error(accepted.error()) != AfterFailure::Continue) break;
            ++failures;
        }
    }
}

void Intake::change_configuration(const core::Config& before, const core::Config& next,
                                  const std::vector<ListeningSocket>& closing) {
    accept_rest(closing);
    const auto old_listeners = core::listeners_of(before);
    Generation* current = generations_.current();
    bool may_wait = true;  // a wait in vain takes a second
    for (Delivery& delivery : std::exchange(queue_, {})) {
        std::uint32_t& listener = delivery.message.arrival.listener;
        const auto same = core::find_listener(next, old_listeners[listener]->name);
        const bool waits = !same && may_wait;
        const auto wait = waits ? Generation::Wait::ForRoom : Generation::Wait::Never;
        if (current != nullptr && current->hand_over(delivery, wait)) continue;
        if (!same) {
            drop(delivery);
            may_wait = false;
            log_.limited(Level::Error, "clients of removed listeners",
                         fmt::format("a client of the removed listener {} is closed: no process "
                                     "could take it",
                                     old_listeners[listener]->name));
            continue;
        }
        listener = static_cast<std::uint32_t>(*same);
        queue_.push_back(std::move(delivery));
    }
}

/// Queues a connection, or resets it if its listener does not serve its client, or a budget refuses it.
void Intake::take(Delivery accepted) {
    sys::Arrival& arrival = accepted.message.arrival;
    if (facts_ && !facts_->admission.admits(arrival.listener, arrival.ends.peer)) {
        report_denied(arrival);
        sys::reset_on_close(accepted.client.get());
        return;
    }
    const std::uint64_t id = next_id_++;
    if (const Refusal why = enter(id, arrival); why != Refusal::None) {
        refuse(arrival, why);
        sys::reset_on_close(accepted.client.get());
        return;
    }
    if (facts_) {
        const auto timeout = core::listeners_of(facts_->config)[arrival.listener]->timeout;
        const auto deadline = accounts_.ledger.deadline(arrival.listener, timeout);
        if (deadline != timeout) arrival.hurry = deadline;
    }
    accepted.message.id = id;
    queue_.push_back(std::move(accepted));
}

/// Enters a connection in the ledger, unless there may be no more of its source.
Refusal Intake::enter(std::uint64_t id, const sys::Arrival& arrival) {
    if (!facts_) return Refusal::None;
    const sys::Address& peer = arrival.ends.peer;
    if (facts_->admission.is_balancer(arrival.listener, peer)) {
        accounts_.ledger.open_for_balancer(id, arrival.listener, arrival.accepted);
        return Refusal::None;
    }
    Ledger::Source source;
    if (peer.is_internet()) source = peer.ip();
    return accounts_.ledger.open(id, arrival.listener, source, arrival.accepted);
}

bool Intake::has_lines() const {
    return core::log_lines(facts_->config, nullptr) != core::LogLines::None;
}

void Intake::refuse(const sys::Arrival& arrival, Refusal why) {
    const sys::Address& peer = arrival.ends.peer;
    Ledger::Source source;
    if (peer.is_internet()) source = peer.ip();
    if (!accounts_.refusals.add(why, source, arrival.accepted) || !has_lines()) return;
    log_.line(Level::Info,
              fmt::format("{} limit={}", line_of(arrival, core::Reason::Limit), core::key_of(why)));
}

void Intake::report_denied(const sys::Arrival& arrival) {
    if (!has_lines()) return;
    log_.limited(Level::Info, "denied clients", line_of(arrival, core::Reason::Denied));
}

/// Returns the log line of a connection that is closed at once.
std::string Intake::line_of(const sys::Arrival& arrival, core::Reason reason) const {
    const core::Config& config = facts_->config;
    std::string line = fmt::format("service=- reason={} {} action=close target=- in=0 out=0 ms=0",
                                   core::to_string(reason), sys::text_of(arrival.ends));
    line += sys::text_of(arrival.credentials);
    if (!config.listeners.empty()) {
        line += fmt::format(" listener={}", core::listeners_of(config)[arrival.listener]->name);
    }
    return line;
}

void Intake::put_back(std::vector<Delivery> untaken) {
    for (Delivery& delivery : untaken) queue_.push_back(std::move(delivery));
}

void Intake::hand_over() {
    Generation* current = generations_.current();
    while (current != nullptr && !queue_.empty() && has_room()) {
        const auto sent = current->hand_over(queue_.front(), Generation::Wait::Never);
        channel_full_ = !sent && sent.error().code == EAGAIN;
        if (!sent && !gives_up(sent.error())) return;
        if (!sent) drop(queue_.front());
        failing_since_.reset();
        queue_.pop_front();
    }
}

/// Returns true if a connection could not be handed over for so long that it is closed: the next one may
/// have better luck. A channel that is full or shut concerns no connection, but the zygote.
bool Intake::gives_up(const sys::SysError& error) {
    if (error.code == EAGAIN || error.code == EPIPE || error.code == ECONNRESET) return false;
    const auto now = Clock::now();
    if (!failing_since_) failing_since_ = now;
    const bool is_late = now - *failing_since_ >= kHandOverLimit;
    log_.limited(Level::Error, "failed hand-overs",
                 fmt::format("cannot hand a connection over to portsplit-dispatch, {}: {}",
                             is_late ? "so it is closed" : "and try again for a second",
                             sys::error_text(error.code)));
    return is_late;
}

void Intake::stop(const std::vector<ListeningSocket>& closing) {
    accept_rest(closing);
    Generation* current = generations_.current();
    for (const Delivery& delivery : queue_) {
        if (current == nullptr || !current->hand_over(delivery, Generation::Wait::ForRoom)) break;
    }
    queue_.clear();
}

}  // namespace portsplit::daemon
