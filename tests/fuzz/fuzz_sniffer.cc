// Any bytes as the answer of a sniffer, which a client may control. It may be refused. What is accepted is an answer
// that the client can have, and is packed and read as the same. The first byte of an input is the kind.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "core/passed_fields.h"
#include "core/passing.h"
#include "dispatch/sniffer_message.h"
#include "support/checks.h"
#include "support/fuzz_input.h"
#include "support/sniffer_plan.h"

namespace {

using namespace portsplit;
using namespace portsplit::dispatch;
using core::require;

void check_header(const std::string& bytes) {
    const auto header = unpack_header(core::as_bytes(bytes));
    if (!header) return;
    const std::string packed = pack(*header);
    const auto again = unpack_header(core::as_bytes(packed));
    require(again && again->ok() == header->ok(), "what is packed can be read");
    if (!*header) return;
    core::note_accepted();
    require((*again)->ends == (*header)->ends && (*again)->fault == (*header)->fault,
            "what was read is packed as the same");
}

void check_passed(const core::Passed& passed, const core::Service* service) {
    require(core::is_logged_text(passed.log, sniffer_plan().config(), service),
            "the log gets fields only");
    for (const auto& variable : passed.variables) {
        require(!variable.value || core::is_passed_text(*variable.value),
                "a variable has no byte that a shell could take for something else");
    }
    if (service == nullptr) {
        require(passed.variables.empty() && passed.tlvs.empty(), "nothing is passed to no service");
        return;
    }
    require(passed.tlvs.size() <= core::tlvs_for_fields(*service).size(),
            "no more is passed than the service asks for");
}

void check_looked(const std::string& bytes, const core::Entrance& entrance) {
    const core::Plan& plan = sniffer_plan();
    const auto looked = unpack_looked(core::as_bytes(bytes), plan, entrance);
    if (!looked || !*looked) return;
    core::note_accepted();
    const auto& [verdict, passed] = (*looked)->decided;
    const core::Service* service = nullptr;
    if (verdict.service) {
        require(*verdict.service < plan.config().services.size(), "the service exists");
        service = &plan.service(*verdict.service);
    }
    require(!verdict.gave_up || *verdict.gave_up < plan.config().services.size(),
            "the service that gave up exists");
    require((*looked)->ahead.size() <= plan.window(), "no more is read ahead than the window");
    check_passed(passed, service);
    const std::string packed = pack(*looked);
    const auto again = unpack_looked(core::as_bytes(packed), plan, entrance);
    require(again && *again && pack(*again) == packed, "what was read is packed as the same");
}

}  // namespace

// fault: F8
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    core::FuzzInput input(data, size);
    const std::uint8_t kind = input.byte();
    const std::string bytes = input.rest();
    if (kind % 2 == 0) {
        check_header(bytes);
    } else {
        check_looked(bytes, {});
    }
    return 0;
}
