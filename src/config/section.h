#pragma once
// The entries of one section into the model, key by key as the option table says. What keys mean to
// each other is the builder's.

#include "config/document.h"
#include "config/issue.h"
#include "config/key_table.h"
#include "core/model.h"

namespace portsplit::config {

/// Where the values of a section land. A service's action is chosen once all its keys are known.
struct Draft {
    core::Config& config;
    core::Service service;
    core::Exec exec;
    core::Connect connect;
};

/// Reads the entries of a section into the draft. Issues: keys that are unknown, misplaced or
/// repeated, values of the wrong type or form.
/// @returns the spots of the values that were given, readable or not
Origin read_section(const Section& section, Place place, Draft& draft, Issues& issues);

}  // namespace portsplit::config
