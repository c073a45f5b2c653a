// All small expressions that cannot look ahead, compared with their regular languages for all short
// streams.

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/regex.h"
#include "support/answer_text.h"
#include "support/beginnings.h"
#include "support/naive_regex.h"

namespace portsplit::core {
namespace {

using naive::Expression;
using naive::Languages;
using naive::Quantifier;

constexpr Quantifier kQuantifiers[] = {
    {"*", 0, {}}, {"+", 1, {}},  {"?", 0, 1},     {"*?", 0, {}},    {"+?", 1, {}},
    {"??", 0, 1}, {"{2}", 2, 2}, {"{1,2}", 1, 2}, {"{0,2}?", 0, 2}, {"{2,}", 2, {}},
};

/// Compares one expression with its language, for a stream and its continuations.
class Comparison {
  public:
    Comparison(Languages& languages, const Expression& expression, std::string_view letters,
               std::size_t longest)
        : languages_(languages),
          expression_(expression),
          pattern_(*compile_regex(expression.text, &beginnings_)),
          letters_(letters),
          longest_(longest) {}

    void run() { check_from(expression_.language, false); }

  private:
    void check_from(Languages::Id left, bool has_matched) {
        const Answer expected = naive::answer(languages_, left, has_matched);
        const Answer found = pattern_.answer(as_bytes(seen_));
        if (found != expected) {
            ADD_FAILURE() << expression_.text << " seen " << testing::PrintToString(seen_) << ": "
                          << testing::PrintToString(found) << " instead of "
                          << testing::PrintToString(expected);
        }
        const auto known = naive::answer_of(beginnings_, seen_);
        if (known && *known != expected) {
            ADD_FAILURE() << "the beginnings of " << expression_.text << " are wrong for "
                          << testing::PrintToString(seen_);
        }
        if (seen_.size() == longest_ || testing::Test::HasFailure()) return;
        for (const char letter : letters_) {
            seen_.push_back(letter);
            check_from(languages_.after(left, letter), expected == Answer::Match);
            seen_.pop_back();
        }
    }

    Languages& languages_;
    const Expression& expression_;
    Beginnings beginnings_;
    Regex pattern_;
    std::string_view letters_;
    std::size_t longest_;
    std::string seen_;
};

class RegexExhaustively : public testing::Test {
  protected:
    using All = std::vector<Expression>;

    All leaves() {
        return {make_.letter_set("(?s:.)", "ab\n"), make_.letter_set("a", "a"),
                make_.letter_set("b", "b"),         make_.letter_set("[ab]", "ab"),
                make_.letter_set(".", "ab"),        make_.letter_set("[^a]", "b\n")};
    }

    /// Returns every expression with one operator more.
    All with_one_operator(const All& all) {
        All larger;
        for (const Expression& it : all) {
            for (const Quantifier& quantifier : kQuantifiers) {
                larger.push_back(make_.repeated(it, quantifier));
            }
            larger.push_back(make_.empty_alternative(it));
        }
        return larger;
    }

    void append_pairs(const All& all, const All& others, All& pairs) {
        for (const Expression& one : all) {
            for (const Expression& other : others) {
                pairs.push_back(make_.sequence(one, other));
                pairs.push_back(make_.either(one, other));
            }
        }
    }

    void expect_languages(const All& all, std::string_view letters, std::size_t longest) {
        for (const Expression& it : all) {
            Comparison(languages_, it, letters, longest).run();
            ASSERT_FALSE(HasFailure());
        }
    }

    Languages languages_;
    naive::Expressions make_{languages_};
};

TEST_F(RegexExhaustively, AgreesWithTheLanguageForOneAndTwoPartsAndLongStreams) {
    const All ones = leaves();
    All all = with_one_operator(ones);
    append_pairs(ones, ones, all);
    expect_languages(ones, naive::kLetters, 6);
    expect_languages(all, naive::kLetters, 6);
}

TEST_F(RegexExhaustively, AgreesWithTheLanguageForQuantifiedQuantifiersAndPairs) {
    const All ones = leaves();
    All twos = with_one_operator(ones);
    append_pairs(ones, ones, twos);
    const All threes = with_one_operator(twos);
    expect_languages(threes, naive::kLetters, 4);
    expect_languages(with_one_operator(threes), "ab", 4);
}

TEST_F(RegexExhaustively, AgreesWithTheLanguageForPairsOfQuantifiedParts) {
    const All ones = leaves();
    const All twos = with_one_operator(ones);
    All pairs;
    append_pairs(ones, twos, pairs);
    append_pairs(twos, ones, pairs);
    append_pairs(twos, twos, pairs);
    expect_languages(pairs, naive::kLetters, 4);
}

TEST_F(RegexExhaustively, AgreesWithTheLanguageForTriplesWithTwoQuantified) {
    const All ones = leaves();
    const All twos = with_one_operator(ones);
    All pairs;
    append_pairs(ones, twos, pairs);
    All triples;
    append_pairs(twos, pairs, triples);
    append_pairs(pairs, ones, triples);
    expect_languages(triples, "ab", 4);
}

}  // namespace
}  // namespace portsplit::core
