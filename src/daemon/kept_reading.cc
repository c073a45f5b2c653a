#include "daemon/kept_reading.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "config/classic.h"
#include "config/libconfig.h"
#include "config/load.h"
#include "config/packed.h"
#include "sys/file.h"

namespace portsplit::daemon {

std::optional<std::string> text_of(const Reading& reading) {
    const auto packed = sys::read_memory(reading.packed.get());
    auto config = packed ? config::unpack(*packed, config::Need::Services) : std::nullopt;
    if (!config) return std::nullopt;
    const core::Config& numbered = reading.config;
    if (config->listeners.size() != numbered.listeners.size()) return std::nullopt;
    config->top.bind = numbered.top.bind;
    for (std::size_t i = 0; i < numbered.listeners.size(); ++i) {
        config->listeners[i].bind = numbered.listeners[i].bind;
    }
    // libconfig can express every value, but takes twenty times as long to read.
    auto classic = config::write_classic(*config);
    return classic ? *std::move(classic) : config::write_libconfig(*config);
}

core::Result<std::shared_ptr<const Reading>, std::string> reading_of(
    std::string_view text, const std::optional<sys::User>& user, config::Need need) {
    config::Loaded loaded = config::read(text, "the configuration in use", need);
    if (!loaded.config) {
        const auto error = std::ranges::find_if(loaded.issues, [](const config::Issue& issue) {
            return issue.severity == config::Severity::Error;
        });
        return error == loaded.issues.end()
                   ? std::string("the configuration in use cannot be read")
                   : fmt::format("the configuration in use cannot be read: {}", error->text);
    }
    auto memory = sys::new_memory("portsplit.conf");
    if (!memory) return sys::to_string(memory.error());
    if (auto put = sys::write_all(memory->get(), config::pack(*loaded.config)); !put) {
        return sys::to_string(put.error());
    }
    if (auto sealed = sys::seal(memory->get()); !sealed) return sys::to_string(sealed.error());
    auto facts = unpack_facts(pack_facts(*std::move(loaded.config), user));
    if (!facts) return std::string("the configuration in use has no facts");
    return std::shared_ptr<const Reading>(
        std::make_shared<Reading>(Reading{*std::move(facts), *std::move(memory)}));
}

}  // namespace portsplit::daemon
