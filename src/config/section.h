#pragma once
// Puts the entries of one section into the model, key by key as the key table says. Checks between keys
// are in builder.h.

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

// Both read the entries of a section into the model. Issues: keys that are unknown, misplaced or
// repeated, values of the wrong type or form. A value that cannot be read leaves the default, and in
// a list an empty element, so that each element still has its line.
// Both return the spots of the values that were given, readable or not.

Origin read_global(const Section& section, core::Config& config, Issues& issues);
Origin read_service(const Section& section, ServiceDraft& draft, Issues& issues);

}  // namespace portsplit::config
