// Any text as a value of a key: an address, a prefix, a time, a number, a rate or a penalty. What is read must be
// printed and read as the same. The first byte of an input chooses the key.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "config/limits.h"
#include "config/prefix.h"
#include "config/value.h"
#include "support/checks.h"
#include "support/fuzz_input.h"

namespace {

using namespace portsplit;
using namespace portsplit::config;
using core::require;

template <typename T>
void check(const char* name, Place section, const std::string& text) {
    const Key& key = *find_key(name, section);
    const auto value = parse<T>(key, text);
    if (!value) {
        require(!value.error().text.empty(), "a problem has a text");
        return;
    }
    core::note_accepted();
    const std::string printed = print(*value);
    const auto again = parse<T>(key, printed);
    require(again && *again == *value, "what is printed is read as the same");
    require(print(*again) == printed, "a value has one text");
}

/// A prefix that is read has no bits behind it, and the advice for one that has is a prefix.
void check_prefix(const std::string& text) {
    check<core::Prefix>("allow", Place::Global, text);
    const auto meant = prefix_without_rest(text);
    if (!meant) return;
    require(read_prefix(*meant).ok() && !prefix_without_rest(*meant),
            "the prefix that is meant is one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    core::FuzzInput input(data, size);
    const std::uint8_t key = input.byte();
    const std::string text = input.rest();
    switch (key % 9) {
        case 0:
            check<core::Endpoint>("bind", Place::Global, text);
            break;
        case 1:
            check<core::Endpoint>("connect", Place::Service, text);
            break;
        case 2:
            check<std::chrono::milliseconds>("timeout", Place::Global, text);
            break;
        case 3:
            check<std::size_t>("window", Place::Global, text);
            break;
        case 4:
            check_prefix(text);
            break;
        case 5:
            check<core::Rate>("rate-source", Place::Global, text);
            break;
        case 6:
            check<core::Penalty>("penalty", Place::Global, text);
            break;
        case 7:
            check<core::Penalty>("penalty", Place::Service, text);
            break;
        default:
            (void)read_source(text);
            break;
    }
    return 0;
}
