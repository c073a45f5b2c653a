#pragma once
// What services ask of layouts: compiles the layouts of a configuration, checks each field and value that is
// asked for, and puts them into the model. Called by builder.cc, when all sections are known.

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/issue.h"
#include "core/layout.h"
#include "core/model.h"
#include "core/passed_fields.h"

namespace portsplit::config {

/// One value of `LAYOUT.FIELD = VALUE`, or of `layout = NAME`: then the field is empty.
struct Asked {
    std::string layout;
    std::string field;
    Value value;
    bool is_suspicious = false;  ///< true after a warning about the value, such as one about quotes
};

/// Returns the field that a value of `log` or `env` passes on; none for other values and keys.
std::optional<core::FieldName> passed_field(std::string_view key, std::string_view value);

/// The layouts of a configuration and what is asked of them.
class LayoutsReader {
  public:
    /// Reads and compiles the layouts. Issues: rules that cannot be read, or that are strange.
    LayoutsReader(const std::vector<Section>& sections, core::Config& config, Issues& issues);

    /// Adds what a service asks to its patterns, in the order of the names of layouts and fields. Issues: an
    /// unknown layout or field, a value that cannot be read or can never come.
    /// @param origin  of the service; receives the spot of each value
    void add(const std::vector<Asked>& asked, core::Service& service, Origin& origin);

    /// Checks a value of `log` or `env` that passes a field, after all services were added. Issues: an unknown
    /// field; a layout that no service asks, because it is not read.
    /// @param service  empty above the services
    void check_passed(std::string_view key, const Value& value, const std::string& service);

  private:
    struct Compiled {
        std::string name;
        Spot spot;
        std::optional<core::Layout> layout;  ///< none after an error
    };

    void read(const Section& section);
    void report(const Section& section, const std::vector<core::LayoutProblem>& problems,
                Severity severity);
    /// Reports rules that are meant for the service below the layout, whose header is missing.
    /// @returns their indexes
    std::set<std::size_t> report_keys_of_service(const Section& layout, bool is_error);
    void add_issue(Severity severity, Spot spot, std::string text, std::string excerpt = {});
    void add_value(const Asked& asked, const core::Layout& layout, core::LayoutPattern& pattern,
                   const std::string& service, Origin& origin);

    std::vector<Compiled> compiled_;
    core::Config& config_;
    Issues& issues_;
};

}  // namespace portsplit::config
