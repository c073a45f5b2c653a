#pragma once
// The connections of a capture by the values of fields: how many asked for each name, and where they go. For
// `explain --pcap`.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/explanation.h"
#include "core/model.h"

namespace portsplit::cli {

class CaptureTable {
  public:
    /// @param config  whose fields are counted; not kept
    explicit CaptureTable(const core::Config& config);

    /// Adds a connection.
    /// @param service  `-` for none
    /// @param layouts  what layouts read of it
    /// @returns ` tls.sni=VALUE` for each field that a service asks and that came, in the form of the log
    std::string add(const std::string& service,
                    const std::vector<core::LayoutExplanation>& layouts);

    /// Returns a table for each field that a service asks and that came in some connection; empty if there is
    /// none.
    std::string text() const;

  private:
    struct Field {
        std::string name;
        bool has_come = false;
        /// By value and service: how many connections.
        std::map<std::pair<std::string, std::string>, std::size_t> connections{};
    };
    std::vector<Field> fields_;  ///< those that a service asks
};

}  // namespace portsplit::cli
