#pragma once
// Fields that a service passes on, but that come after the byte at which its pattern decides. Found by a
// search for example streams, as core/lint.h.

#include <cstddef>
#include <string>
#include <vector>

#include "core/passed_fields.h"
#include "core/plan.h"

namespace portsplit::core {

struct LateField {
    std::size_t service;
    enum class List { Log, Env, ProxyTlv };
    List list;          ///< of the service
    std::size_t value;  ///< the index in that list
    FieldName field;    ///< in the memory of the plan
    std::size_t bytes;  ///< after so many the service was chosen
    std::string example;

    bool operator==(const LateField&) const = default;
};

/// Returns the fields in `log`, `env` and `proxy-tlv` of services that do not ask the layout themselves, if no stream was
/// found in which the field has come when the service is chosen, and one in which it has not.
std::vector<LateField> find_late_fields(const Plan& plan);

}  // namespace portsplit::core
