#pragma once
// The budgets of a configuration: how many connections one source, one service and the undecided may have, and
// for how long a source is kept out. Here are the limits where the file gives none.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"

namespace portsplit::core {

/// Why a connection is refused. It crosses between processes as a number.
enum class Refusal : std::uint8_t {
    None,
    Source,         ///< the source has as many as it may have
    Rate,           ///< the source came too often
    Penalty,        ///< the source is kept out
    Service,        ///< the service has as many as it may have
    ServiceSource,  ///< the service has as many of the source as it may have
    Undecided,      ///< it was ended, because too many were undecided
};
inline constexpr std::size_t kRefusals = 7;

/// Returns the key of the configuration that a refusal is about; `-` for None.
const char* key_of(Refusal why);

/// The limits of a listener. A number of connections that is 0 is no limit.
struct Budget {
    std::size_t source = 0;        ///< of one source
    std::size_t source_local = 0;  ///< of one source that is an address of this machine
    std::size_t undecided = 0;
    bool shares_undecided = false;  ///< with all listeners for which the file gives no limit
    Rate rate{};
    std::size_t undecided_penalty = 0;  ///< seconds
    std::size_t crash_penalty = 0;
    std::size_t crash_penalty_local = 0;
    std::size_t rate_penalty = 0;
};

/// Without a limit in the file, one source may have a tenth of `maxconn`, half of it may be undecided, each
/// at least 8 connections, and a crash keeps a source out for a minute. Addresses of this machine have no
/// limit that the file does not give: programs in front of the daemon connect from there for many clients.
Budget budget_of(const Config& config, const Listener& listener);

/// The limits of a service.
struct ServiceBudget {
    std::string name;
    std::size_t all = 0;
    std::size_t source = 0;
};

bool has_budget(const Service& service);

/// Returns the services that have limits, in the order of the file.
std::vector<ServiceBudget> service_budgets(const Config& config);

/// Returns the indices in the configuration of these services.
std::vector<std::size_t> limited_services(const Config& config);

/// Returns the index of a service in `service_budgets`, or its size if the service has no limits.
/// @param limited  what `limited_services` returned
std::size_t budget_index(const std::vector<std::size_t>& limited, std::size_t service);

/// Returns true if a connection may have to wait for the daemon's answer: whether a service has room for it, or
/// the client that a PROXY header names may come.
bool asks_daemon(const Config& config);

/// Returns for how many seconds a list keeps a source out; nothing if it does not say.
/// @param code  for Exit
std::optional<std::size_t> penalty_in(const List<Penalty>& list, Penalty::Cause cause,
                                      std::size_t code = 0);

}  // namespace portsplit::core
