#include "dispatch/environment.h"

#include <string_view>

#include "sys/program.h"

namespace portsplit::dispatch {
namespace {

void set(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
    const std::string prefix = std::string(name) + "=";
    std::erase_if(environment, [&](const std::string& entry) { return entry.starts_with(prefix); });
    environment.push_back(prefix + std::string(value));
}

}  // namespace

std::vector<std::string> clean_environment() { return {std::string("PATH=") + sys::kProgramPath}; }

std::vector<std::string> program_environment(std::vector<std::string> base, const Client& client,
                                             const std::string& service, core::Reason reason) {
    set(base, "PORTSPLIT_SERVICE", service);
    set(base, "PORTSPLIT_REASON", core::to_string(reason));
    if (!client.ends.peer.is_internet()) return base;
    const std::string remote = client.ends.peer.host();
    const std::string remote_port = std::to_string(client.ends.peer.port());
    set(base, "PROTO", "TCP");
    set(base, "TCPREMOTEIP", remote);
    set(base, "TCPREMOTEPORT", remote_port);
    set(base, "TCPLOCALIP", client.ends.local.host());
    set(base, "TCPLOCALPORT", std::to_string(client.ends.local.port()));
    set(base, "REMOTE_ADDR", remote);
    set(base, "REMOTE_PORT", remote_port);
    set(base, "REMOTE_HOST", remote);
    return base;
}

}  // namespace portsplit::dispatch
