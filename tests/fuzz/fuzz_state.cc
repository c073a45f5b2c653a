// Any bytes as what a part of the daemon has kept over an upgrade. They may be refused. What is read must be
// written and read as the same. The first byte of an input is the part; the sum behind the bytes is added here.

#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/generations.h"
#include "daemon/intake.h"
#include "daemon/ledger.h"
#include "daemon/refusals.h"
#include "daemon/sockets.h"
#include "daemon/state.h"
#include "support/checks.h"
#include "support/fuzz_input.h"
#include "support/state_bytes.h"
#include "sys/log.h"

namespace {

using namespace portsplit;
using namespace portsplit::daemon;
using core::require;

/// Takes a part from bytes.
/// @param make  returns an empty part
template <typename Make>
void check(const std::string& bytes, const Make& make) {
    StateReader reader(bytes, StateReader::Descriptors::Leave);
    auto part = make();
    part.take_from(reader);
    if (!reader.is_done()) return;
    core::note_accepted();
    const std::string written = bytes_of(part);
    StateReader second(written, StateReader::Descriptors::Leave);
    auto again = make();
    again.take_from(second);
    require(second.is_done(), "what was written can be read");
    require(bytes_of(again) == written, "what was read is written as the same");
}

/// Reads values of each type. Nothing that is read after a refusal has a value.
void check_reader(const std::string& bytes) {
    StateReader reader(bytes, StateReader::Descriptors::Leave);
    for (int i = 0; i < 100 && reader.is_good(); ++i) {
        const std::uint64_t type = reader.number(6);
        if (type == 0) (void)reader.flag();
        if (type == 1) require(reader.count() <= bytes.size(), "no more items than bytes");
        if (type == 2) require(reader.text().size() <= bytes.size(), "no text beyond the bytes");
        if (type == 3) (void)reader.time();
        if (type == 4) (void)reader.address();
        if (type == 5) (void)reader.optional_address();
        if (type == 6) require(!reader.descriptor(), "no descriptor is taken");
    }
    if (reader.is_good()) return;
    require(reader.number() == 0 && reader.text().empty() && !reader.flag() &&
                reader.count() == 0 && !reader.optional_address() && !reader.is_done(),
            "after bytes that do not fit everything is empty");
}

}  // namespace

// fault: F8
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    core::FuzzInput input(data, size);
    const std::uint8_t part = input.byte();
    StateWriter writer;
    for (const char c : input.rest()) writer.plain(c);
    const std::string bytes = writer.finish();
    static sys::Log log = sys::Log::to_descriptor(sys::UniqueFd());
    static Accounts accounts;
    static Generations generations(accounts);
    switch (part % 6) {
        case 0:
            check_reader(bytes);
            break;
        case 1:
            check(bytes, [] { return Ledger(); });
            break;
        case 2:
            check(bytes, [] { return Refusals(); });
            break;
        case 3:
            check(bytes, [] { return Generations(accounts); });
            break;
        case 4:
            check(bytes, [] { return ListeningSockets(); });
            break;
        default:
            check(bytes, [] { return Intake(generations, accounts, log); });
            break;
    }
    return 0;
}
