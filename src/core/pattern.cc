#include "core/pattern.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "core/hex.h"
#include "core/regex.h"

namespace portsplit::core {
namespace {

/// Compares the bytes with one set after the other. Decides no connection: `Plan` puts the sets of
/// all patterns of fixed length into a `PrefixTree`, which gives the same answers.
class Fixed final : public Pattern {
  public:
    explicit Fixed(ByteSets sets) : sets_(std::move(sets)) {}

    Answer answer(Bytes seen) const override {
        const std::size_t known = std::min(seen.size(), sets_.size());
        for (std::size_t i = 0; i < known; ++i) {
            if (!sets_[i].holds(to_number(seen[i]))) return Answer::No;
        }
        return known == sets_.size() ? Answer::Match : Answer::More;
    }

    std::size_t shortest_match() const override { return sets_.size(); }

  private:
    ByteSets sets_;
};

ByteSets exact(std::string_view bytes) {
    ByteSets sets;
    sets.reserve(bytes.size());
    for (const std::byte byte : as_bytes(bytes)) sets.push_back(ByteSet::only(to_number(byte)));
    return sets;
}

std::unique_ptr<const Pattern> owned(Fixed pattern) {
    return std::make_unique<const Fixed>(std::move(pattern));
}

}  // namespace

std::string_view to_string(Answer answer) {
    switch (answer) {
        case Answer::No:
            return "no";
        case Answer::GaveUp:
            return "gave up";
        case Answer::More:
            return "more";
        case Answer::Match:
            return "match";
    }
    return "";
}

Result<std::unique_ptr<const Pattern>, PatternProblem> compile(const PatternSource& source) {
    switch (source.kind) {
        case PatternKind::String:
            return owned(Fixed(exact(source.text)));
        case PatternKind::Hex: {
            auto sets = parse_hex(source.text);
            if (!sets) return sets.error();
            return owned(Fixed(*std::move(sets)));
        }
        case PatternKind::Regex: {
            auto regex = compile_regex(source.text);
            if (!regex) return regex.error();
            return std::unique_ptr<const Pattern>(std::make_unique<Regex>(*std::move(regex)));
        }
    }
    std::abort();
}

std::optional<ByteSets> byte_sets(const PatternSource& source) {
    switch (source.kind) {
        case PatternKind::String:
            return exact(source.text);
        case PatternKind::Hex:
            return valid(parse_hex(source.text));
        case PatternKind::Regex:
            return std::nullopt;
    }
    std::abort();
}

}  // namespace portsplit::core
