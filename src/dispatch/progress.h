#pragma once
// What a dispatcher publishes about the connection it serves, for the process that writes the log:
// the zygote, or under --inetd the process of log_process.h. Numbers, so that no byte of a client can get into the
// log. Behind them come the addresses of a PROXY header, if there was one, and the fields that `log` names, in the
// form of core/passing.h.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/budgets.h"
#include "core/plan.h"
#include "core/verdict.h"
#include "sys/address.h"
#include "sys/error.h"

namespace portsplit::dispatch {

/// The step that failed. The order matters: `is_valid` takes `Start` as the last.
enum class Stage : std::uint32_t {
    None,     ///< nothing failed
    Header,   ///< reading a PROXY header; the code is a core::ProxyFault
    Look,     ///< peeking at the client's bytes
    Sniffer,  ///< the process that looks at the client's bytes has crashed, or said what cannot be
    Resolve,  ///< resolving a target's name; the code is one of c-ares
    Loop,     ///< a target is a listener of this server; there is no code
    Connect,  ///< connecting to a target
    Refused,  ///< the client is on pipes, and the program needs a socket; there is no code
    Directory,  ///< entering the directory of a program
    Terminal,   ///< opening a terminal for a program
    User,    ///< becoming the user of a program or of a relay, or giving up the rights of this one
    Limit,   ///< setting a limit of a program, or its nice value
    Stderr,  ///< giving a program a way to the log; its descriptor 2 is /dev/null instead
    Start,   ///< starting a program, or opening its descriptors
};

/// Returns true if a dispatcher exits after a failure of this stage.
inline bool is_fatal(Stage stage) {
    return stage == Stage::Header || stage == Stage::Look || stage == Stage::Sniffer ||
           stage == Stage::Refused || stage == Stage::Directory || stage == Stage::Terminal ||
           stage == Stage::User || stage == Stage::Limit || stage == Stage::Start;
}

struct Failure {
    Stage stage = Stage::None;
    std::int32_t code = 0;  ///< errno, except for Header and Resolve
    /// Index in the service's `connect` list, for Resolve, Loop and Connect.
    std::uint32_t target = 0;
};

/// Everything known of one connection so far. Each message carries all of it, so no message depends
/// on the arrival of another.
///
/// A message crosses to another process as it lies in memory, and a compromised dispatcher can send
/// any bytes. So its fields are numbers, for which every bit pattern is a value that `is_valid` can
/// check; a bool or a std::optional with an impossible flag would be undefined behaviour already.
struct Progress {
    /// "No service", "no target": std::nullopt elsewhere, a number here for the reason above.
    static constexpr std::int32_t kNone = -1;

    std::uint8_t decided = 0;   ///< not 0 once `reason` and `service` are known
    std::uint8_t counted = 0;   ///< not 0 once the byte counts are known
    std::uint8_t ended = 0;     ///< not 0 once `status` is known
    std::uint8_t has_ends = 0;  ///< not 0 if sys::Ends follow: those of a PROXY header
    std::uint8_t asks = 0;     ///< not 0 if the dispatcher waits for an answer whether it may go on
    std::uint8_t heard = 0;    ///< not 0 once the client sent a byte after its service was chosen
    std::uint8_t refusal = 0;  ///< a core::Refusal: why the daemon has refused the connection
    std::uint8_t leaves = 0;   ///< not 0 if the dispatcher exits with `exit_code`; under --inetd
    std::uint8_t has_stderr = 0;  ///< not 0 if the descriptor of this message is `publish_stderr`'s
    core::Reason reason = core::Reason::Eof;
    std::int32_t service = kNone;  ///< index in the plan's configuration
    std::int32_t target = kNone;   ///< index in the service's `connect` list: the one that answered
    std::int32_t gave_up = kNone;  ///< a service whose expression exceeded its limit
    std::int32_t exit_code = 0;
    std::int32_t status = 0;      ///< of a program beside the dispatcher, as waitpid(2) gives it
    std::uint64_t bytes_in = 0;   ///< from the client
    std::uint64_t bytes_out = 0;  ///< to the client
    Failure failure;              ///< set in the one message sent when it happens
};

/// Returns true if every number in the message names something that exists: a service and a target
/// of the plan, a reason, a stage. This is a trust boundary: the zygote drops a message from a
/// dispatcher unless this holds, because the functions of log_line.h index the plan with these
/// numbers. Flags, counts, codes and the status may have any value.
bool is_valid(const core::Plan& plan, const Progress& progress);

/// Returns the service; null if none was chosen.
/// @param progress  one for which `is_valid` holds
const core::Service* service_of(const core::Plan& plan, const Progress& progress);

/// Returns true if the dispatcher that published this is about to exec the service's program on the
/// client's socket. It can publish nothing more, unless that exec fails.
/// @param progress  one for which `is_valid` holds
bool becomes_program(const core::Plan& plan, const Progress& progress);

/// Returns true if a service is a program whose standard error goes to the log.
bool logs_stderr(const core::Service& service);

/// Returns true if the dispatcher that published this has nothing to wait for: it will exit, or become
/// a program, which may exit soon. False for one that may connect to another target.
/// @param progress  one for which `is_valid` holds
bool is_last(const core::Plan& plan, const Progress& progress);

/// A dispatcher's way to publish its progress. `set_` functions only store; what they stored goes out
/// with the next message. `publish` functions store and send.
///
/// The rule "tell before you block": every dispatcher that has a connection publishes its progress
/// before it waits for the first time, so that the zygote learns in time that spares have become few.
/// The zygote sleeps until a message comes; a spare that takes a connection and then blocks without
/// one would leave it asleep, and the next clients without a process. Code that is about to block
/// calls `about_to_block`.
class Reporter {
  public:
    virtual ~Reporter() = default;

    /// Publishes unless the last message already carries everything stored. Call it before a wait that
    /// may be the first of the connection, and before exec.
    void about_to_block() {
        if (!published_) publish();
    }

    /// Sends everything stored so far.
    /// @param client  the client's socket, for the zygote to watch; negative for none
    void publish(int client = -1) {
        // ETOOMANYREFS: this user has too many descriptors on the way (unix(7)). The message matters more.
        if (!send(progress_, client) && client >= 0) (void)send(progress_, -1);
        published_ = true;
    }

    /// Sends everything stored so far, and what a program writes to its descriptor 2.
    /// @param pipe  the reading end of the pipe that is this descriptor, borrowed
    /// @returns an error if the zygote cannot have it
    sys::Result<sys::Done> publish_stderr(int pipe) {
        progress_.has_stderr = 1;
        auto sent = send(progress_, pipe);
        progress_.has_stderr = 0;
        return sent;
    }

    /// Stores the verdict.
    void set_verdict(const core::Verdict& verdict) {
        progress_.decided = 1;
        progress_.reason = verdict.reason;
        if (verdict.service) progress_.service = static_cast<std::int32_t>(*verdict.service);
        if (verdict.gave_up) progress_.gave_up = static_cast<std::int32_t>(*verdict.gave_up);
        published_ = false;
    }

    /// Stores the fields for the log, as core::Passed has them.
    void set_fields(std::string fields) {
        fields_ = std::move(fields);
        published_ = false;
    }

    /// Asks whether the connection may go on: with its service, or before one is chosen as the client that a
    /// PROXY header names. Waits for the answer.
    bool may_go_on() {
        progress_.asks = 1;
        publish();
        progress_.asks = 0;
        const core::Refusal refusal = wait_for_answer();
        progress_.refusal = static_cast<std::uint8_t>(refusal);
        return refusal == core::Refusal::None;
    }

    /// Stores that the connection was refused, for the reason that `may_go_on` got.
    void set_refused() {
        progress_.decided = 1;
        progress_.reason = core::Reason::Limit;
        progress_.service = Progress::kNone;
        published_ = false;
    }

    /// Publishes that the client has sent a byte after its service was chosen.
    void publish_heard() {
        progress_.heard = 1;
        publish();
    }

    /// Stores the ends of the connection that a PROXY header named.
    void set_ends(const sys::Ends& ends) {
        ends_ = ends;
        progress_.has_ends = 1;
        published_ = false;
    }

    /// Returns which target answered, as `set_target` has stored it.
    std::size_t target() const { return static_cast<std::size_t>(progress_.target); }
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

    /// Publishes that this process exits, where its parent writes no log.
    void publish_end(int exit_code) {
        progress_.leaves = 1;
        progress_.exit_code = exit_code;
        publish();
    }

    /// Returns a descriptor that is readable once nobody wants the outcome any more; -1 for none.
    virtual int abandoned() const { return -1; }

  protected:
    /// Carries one message to the process that writes the log.
    /// @param fd  for the zygote, borrowed; negative for none
    virtual sys::Result<sys::Done> send(const Progress& progress, int fd) = 0;

    /// Returns the answer; None if nobody can give one.
    virtual core::Refusal wait_for_answer() { return core::Refusal::None; }

    /// Returns the fields for the log, which each message carries, too.
    const std::string& fields() const { return fields_; }
    /// Returns what `set_ends` has stored; each message carries that, too.
    const std::optional<sys::Ends>& ends() const { return ends_; }

  private:
    Progress progress_;
    std::string fields_;
    std::optional<sys::Ends> ends_;
    bool published_ = false;  ///< true while the last message carries all of `progress_`
};

/// Sends progress to the zygote. The kernel stamps each message with the sender's pid
/// (SCM_CREDENTIALS), so a dispatcher cannot send in the name of another. Or sends it to a LogProcess, which has no
/// use for descriptors.
class ChannelReporter final : public Reporter {
  public:
    enum class Carries { All, NoDescriptors };

    /// @param channel  the near end of a channel (sys/channel.h), which must stay open
    /// @param answers  the reading end of the pipe with the zygote's answers; negative for none
    explicit ChannelReporter(int channel, int answers = -1, Carries carries = Carries::All)
        : channel_(channel), answers_(answers), carries_(carries) {}

  protected:
    sys::Result<sys::Done> send(const Progress& progress, int fd) override;
    core::Refusal wait_for_answer() override;

  private:
    int channel_;
    int answers_;
    Carries carries_;
};

}  // namespace portsplit::dispatch
