#pragma once
// What a dispatcher tells of the connection it serves, to whoever writes the log: the zygote, in
// another process, or itself under a super-server. Numbers only, so that nothing a client sent can
// be in it.

#include <cstddef>
#include <cstdint>

#include "core/verdict.h"

namespace portsplit::dispatch {

/// What was tried when something failed.
enum class Stage : std::uint32_t {
    None,
    Look,     ///< peeking at the client's bytes
    Resolve,  ///< finding a target's address; the code is c-ares'
    Connect,  ///< reaching a target
    Start,    ///< making the descriptors of a program and starting it
};

struct Failure {
    Stage stage = Stage::None;
    std::int32_t code = 0;     ///< errno, unless the stage says otherwise
    std::uint32_t target = 0;  ///< which `connect` of the service, for Resolve and Connect
};

/// All that is known of one connection so far. Each message carries the whole, so none depends on
/// another's arrival.
struct Progress {
    static constexpr std::int32_t kNone = -1;

    // Not bool: any byte may arrive here from a dispatcher that was taken over.
    std::uint8_t decided = 0;
    std::uint8_t counted = 0;  ///< the byte counts below are known
    std::uint8_t ended = 0;    ///< the program's status below is known
    core::Reason reason = core::Reason::Eof;
    std::int32_t service = kNone;
    std::int32_t target = kNone;   ///< which `connect` answered
    std::int32_t gave_up = kNone;  ///< a service whose expression took too long
    std::int32_t status = 0;  ///< of a program that ran beside the dispatcher, as waitpid(2) has it
    std::uint64_t bytes_in = 0;   ///< from the client
    std::uint64_t bytes_out = 0;  ///< to the client
    Failure failure;              ///< what just failed; in one message only
};

/// A dispatcher's way to publish its progress. `set_` functions only store; what they stored goes out
/// with the next message. `publish` functions store and send.
///
/// The rule "tell before you block": every dispatcher publishes its progress before it waits for
/// anything, so that the zygote learns in time that spares have become few. The zygote sleeps until a
/// message comes; a spare that takes a connection and then blocks without one would leave it asleep,
/// and the next clients without a process. Code that is about to block calls `about_to_block`.
class Reporter {
  public:
    virtual ~Reporter() = default;

    /// Publishes unless the last message already carries everything stored. Call it before each wait
    /// (poll, connect, a child), and before exec, from which the process does not return.
    void about_to_block() {
        if (!published_) publish();
    }

    /// Sends everything stored so far.
    void publish() {
        send(progress_);
        published_ = true;
    }

    /// Stores the verdict.
    void set_verdict(const core::Verdict& verdict) {
        progress_.decided = 1;
        progress_.reason = verdict.reason;
        if (verdict.service) progress_.service = static_cast<std::int32_t>(*verdict.service);
        if (verdict.gave_up) progress_.gave_up = static_cast<std::int32_t>(*verdict.gave_up);
        published_ = false;
    }

    /// Stores which target answered.
    void set_target(std::size_t target) {
        progress_.target = static_cast<std::int32_t>(target);
        published_ = false;
    }

    /// Stores how a program that ran beside the dispatcher ended, as waitpid(2) has it.
    void set_status(int status) {
        progress_.ended = 1;
        progress_.status = status;
        published_ = false;
    }

    /// Sends a failure with everything stored. Later messages do not repeat it.
    void publish_failure(Stage stage, int code, std::size_t target = 0) {
        progress_.failure = {stage, code, static_cast<std::uint32_t>(target)};
        publish();
        progress_.failure = {};
    }

    /// Stores the bytes relayed each way, and sends everything stored.
    void publish_counts(std::uint64_t in, std::uint64_t out) {
        progress_.counted = 1;
        progress_.bytes_in = in;
        progress_.bytes_out = out;
        publish();
    }

  protected:
    /// Carries one message to the process that writes the log.
    virtual void send(const Progress& progress) = 0;

  private:
    Progress progress_;
    bool published_ = false;  ///< true while the last message carries all of `progress_`
};

}  // namespace portsplit::dispatch
