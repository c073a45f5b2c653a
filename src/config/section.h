#pragma once
// Puts the entries of one section into the model, key by key as the key table says. Checks between keys
// are in builder.h.

#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/document.h"
#include "config/issue.h"
#include "config/layouts.h"
#include "core/model.h"

namespace portsplit::config {

/// A service whose keys are read. Its action is chosen later, because the file may have keys of both.
struct ServiceDraft {
    core::Service service;
    core::Exec exec;
    core::Connect connect;
    std::vector<Asked> asked;  ///< of layouts; checked when all of them are known
    /// True if what a service asks of a layout was reported: it is not without a pattern.
    bool has_gap = false;
};

// Each reads the entries of a section into the model. Issues: keys that are unknown, misplaced or
// repeated, values of the wrong type or form. A value that cannot be read leaves the default, and in
// a list an empty element, so that each element still has its line.
// Each returns the spots of the values that were given, readable or not.

Origin read_global(const Section& section, core::Config& config, Issues& issues);
/// @param listener  with what it has from the top; a list that the section has replaces that of the top
Origin read_listener(const Section& section, core::Listener& listener, Issues& issues);
Origin read_service(const Section& section, ServiceDraft& draft, Issues& issues);

/// The names of all sections of one kind.
class SectionNames {
  public:
    /// @param what  `service` or `listener`
    SectionNames(std::string_view what, Issues& issues) : what_(what), issues_(issues) {}

    /// Issues: a name that no section may have, or that an earlier one has.
    /// @param name  must outlive this
    void add(std::string_view name, Spot spot);

  private:
    std::string_view what_;
    Issues& issues_;
    std::unordered_map<std::string_view, Spot> firsts_;
};

}  // namespace portsplit::config
