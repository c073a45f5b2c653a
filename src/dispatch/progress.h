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

/// Where a dispatcher tells its progress.
class Reporter {
  public:
    virtual ~Reporter() = default;

    /// Tells what is known so far. Whatever takes long or may not return waits for that.
    void tell() { publish(progress_); }

    /// The verdict; told with the next message.
    void decided(const core::Verdict& verdict) {
        progress_.decided = 1;
        progress_.reason = verdict.reason;
        if (verdict.service) progress_.service = static_cast<std::int32_t>(*verdict.service);
        if (verdict.gave_up) progress_.gave_up = static_cast<std::int32_t>(*verdict.gave_up);
    }

    void failed(Stage stage, int code, std::size_t target = 0) {
        progress_.failure = {stage, code, static_cast<std::uint32_t>(target)};
        publish(progress_);
        progress_.failure = {};
    }

    /// The target that answered; told with the next message.
    void reached(std::size_t target) { progress_.target = static_cast<std::int32_t>(target); }

    void counted(std::uint64_t in, std::uint64_t out) {
        progress_.counted = 1;
        progress_.bytes_in = in;
        progress_.bytes_out = out;
        publish(progress_);
    }

    /// How a program that ran beside the dispatcher ended; told with the next message.
    void ended(int status) {
        progress_.ended = 1;
        progress_.status = status;
    }

  protected:
    virtual void publish(const Progress& progress) = 0;

  private:
    Progress progress_;
};

}  // namespace portsplit::dispatch
