#pragma once
// Three layouts over few letters, and what a service may ask of them, for tests of whole configurations.

#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "support/layouts.h"

namespace portsplit::core {

/// Branches with a number, a list that ends late, and a name in braces.
inline List<LayoutSource> small_layouts() {
    List<LayoutSource> layouts{
        layout_of({R"(start = <first [ab] 1> ('a' <then 1> | 'b' <n u8>) '\0A')"}),
        layout_of({R"(start = item+ '\0A')", "item = <x* [ab] 1> 'b'"}),
        layout_of({"start = {u8-96 <name name>} <rest 1>"})};
    layouts[0].name = "branch";
    layouts[1].name = "list";
    layouts[2].name = "sized";
    return layouts;
}

/// They overlap with each other, and ask of one field, of two, and of the whole.
inline const std::vector<LayoutPattern>& small_layout_pool() {
    static const std::vector<LayoutPattern> pool{
        {"branch", true, {}},
        {"branch", false, {{"first", {"a"}}}},
        {"branch", false, {{"first", {"b", "c"}}}},
        {"branch", false, {{"then", {"*"}}}},
        {"branch", false, {{"n", {"97-98"}}}},
        {"branch", true, {{"n", {"10"}}}},
        {"branch", false, {{"first", {"b"}}, {"n", {"97"}}}},
        {"list", true, {}},
        {"list", false, {{"x", {"a"}}}},
        {"list", false, {{"x", {"~[bc]"}}}},
        {"sized", false, {{"name", {"a*", "*b"}}}},
        {"sized", false, {{"name", {"~aa?"}}}},
        {"sized", true, {{"name", {"b"}}, {"rest", {"a"}}}},
    };
    return pool;
}

}  // namespace portsplit::core
