#pragma once
// The listeners of a configuration: reads their sections, and checks where they listen and which services
// they name. Called by builder.cc.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/builder.h"
#include "config/document.h"
#include "config/issue.h"
#include "core/model.h"

namespace portsplit::config {

class ListenersReader {
  public:
    /// @param document, config, origins, issues  must outlive this
    ListenersReader(const Document& document, Need need, core::Config& config, Origins& origins,
                    Issues& issues)
        : document_(document), need_(need), config_(config), origins_(origins), issues_(issues) {}

    /// Reads the sections, once the keys above all sections are read. Issues: those of the keys; nothing to
    /// listen on.
    void read();

    /// Returns true if a listener names a service as its `fallback` or `on-timeout`.
    bool is_last_resort(const std::string& service) const {
        return last_resorts_.contains(service);
    }

    /// Call it once the services are known. Issues: names of listeners; services that do not exist; addresses
    /// that cannot both be bound.
    void check();

    /// Returns the `bind` that a connection to a target comes back to; null if there is none.
    const Value* reached_by(const core::Endpoint& target) const;

  private:
    struct Bind {
        core::Endpoint address;
        const Value* value;
    };

    void read(const Section& section);
    void check_timeout(const core::Listener& listener, const Origin& origin);
    void add_binds(const Section& section, const core::Listener& listener);
    void check_has_bind();
    void check_named_service(std::string_view name, std::string_view key, Spot spot,
                             const Section& section);
    void check_access(const core::Listener& listener, const Origin& origin);
    void check_interface(const core::Listener& listener, const Origin& origin);
    void check_binds();

    const Document& document_;
    Need need_;
    core::Config& config_;
    Origins& origins_;
    Issues& issues_;
    std::vector<Bind> binds_;  ///< of all listeners
    std::set<std::string> last_resorts_;
    std::set<std::string_view> services_;  ///< the names of all, for `check`
};

/// Returns what is wrong with a name that no listener has, and which names there are.
std::string no_such_listener(const core::Config& config);

}  // namespace portsplit::config
