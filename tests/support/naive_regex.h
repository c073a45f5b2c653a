#pragma once
// Regular languages, as an oracle for expressions: no matching engine is used. The derivative of a
// language by a letter holds the rests of its words that begin with that letter (Brzozowski 1964).
// If it is empty, no continuation matches. Has sets of letters, sequences, alternatives and
// repeats.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "core/pattern.h"

namespace portsplit::core::naive {

/// Two letters, and LF, which `.` does not match.
inline constexpr std::string_view kLetters = "ab\n";

/// Stores each language once; a language is its index.
class Languages {
  public:
    using Id = std::uint32_t;
    static constexpr Id kNothing = 0;    ///< no word at all
    static constexpr Id kEmptyWord = 1;  ///< the empty word and no other

    Languages() : nodes_{{Kind::Nothing, 0, 0}, {Kind::EmptyWord, 0, 0}} {}

    /// Returns the language of the words of one letter, out of these; each must be in kLetters.
    Id one_of(std::string_view letters) {
        Id bits = 0;
        for (const char letter : letters) bits |= Id{1} << kLetters.find(letter);
        return bits == 0 ? kNothing : intern({Kind::OneOf, bits, 0});
    }

    Id sequence(Id first, Id second) {
        if (first == kNothing || second == kNothing) return kNothing;
        if (first == kEmptyWord) return second;
        if (second == kEmptyWord) return first;
        return intern({Kind::Sequence, first, second});
    }

    Id either(Id one, Id other) {
        if (one == other || other == kNothing) return one;
        if (one == kNothing) return other;
        return intern({Kind::Either, std::min(one, other), std::max(one, other)});
    }

    Id any_number(Id repeated) {
        if (repeated <= kEmptyWord) return kEmptyWord;
        return intern({Kind::AnyNumber, repeated, 0});
    }

    bool has_empty_word(Id id) const {
        const Node& node = nodes_[id];
        switch (node.kind) {
            case Kind::Nothing:
            case Kind::OneOf:
                return false;
            case Kind::EmptyWord:
            case Kind::AnyNumber:
                return true;
            case Kind::Sequence:
                return has_empty_word(node.first) && has_empty_word(node.second);
            case Kind::Either:
                return has_empty_word(node.first) || has_empty_word(node.second);
        }
        return false;
    }

    /// Returns the derivative: the rests of the words that begin with the letter.
    Id after(Id id, char letter) {
        const std::size_t place = kLetters.find(letter);
        if (place < known_after_[id].size() && known_after_[id][place]) {
            return *known_after_[id][place];
        }
        const Id rest = derive(nodes_[id], id, letter);
        known_after_[id][place] = rest;
        return rest;
    }

  private:
    enum class Kind { Nothing, EmptyWord, OneOf, Sequence, Either, AnyNumber };
    struct Node {
        Kind kind;
        Id first;
        Id second;
    };

    Id intern(Node node) {
        const auto next = static_cast<Id>(nodes_.size());
        const auto [it, is_new] = ids_.try_emplace({node.kind, node.first, node.second}, next);
        if (is_new) {
            nodes_.push_back(node);
            known_after_.emplace_back();
        }
        return it->second;
    }

    Id derive(Node node, Id id, char letter) {
        switch (node.kind) {
            case Kind::Nothing:
            case Kind::EmptyWord:
                return kNothing;
            case Kind::OneOf:
                return (node.first >> kLetters.find(letter) & 1) != 0 ? kEmptyWord : kNothing;
            case Kind::Sequence: {
                const Id longer = sequence(after(node.first, letter), node.second);
                if (!has_empty_word(node.first)) return longer;
                return either(longer, after(node.second, letter));
            }
            case Kind::Either:
                return either(after(node.first, letter), after(node.second, letter));
            case Kind::AnyNumber:
                return sequence(after(node.first, letter), id);
        }
        return kNothing;
    }

    std::vector<Node> nodes_;
    std::map<std::tuple<Kind, Id, Id>, Id> ids_;
    std::vector<std::array<std::optional<Id>, kLetters.size()>> known_after_{2};
};

/// A regular expression in the notation of PCRE2, and its language.
struct Expression {
    enum class Form { Atom, Sequence, Alternatives };

    std::string text;
    Form form;
    Languages::Id language;
};

struct Quantifier {
    std::string_view text;
    std::size_t least;
    std::optional<std::size_t> most;  ///< none: any number
};

/// Combines expressions to larger ones.
class Expressions {
  public:
    explicit Expressions(Languages& languages) : languages_(languages) {}

    Expression letter_set(std::string text, std::string_view letters) const {
        return {std::move(text), Expression::Form::Atom, languages_.one_of(letters)};
    }

    Expression empty_alternative(const Expression& it) const {
        return {it.text + '|', Expression::Form::Alternatives,
                languages_.either(it.language, Languages::kEmptyWord)};
    }

    Expression sequence(const Expression& one, const Expression& two) const {
        return {in_sequence(one) + in_sequence(two), Expression::Form::Sequence,
                languages_.sequence(one.language, two.language)};
    }

    Expression either(const Expression& one, const Expression& two) const {
        return {one.text + '|' + two.text, Expression::Form::Alternatives,
                languages_.either(one.language, two.language)};
    }

    Expression repeated(const Expression& it, const Quantifier& quantifier) const {
        Languages::Id language = Languages::kEmptyWord;
        if (!quantifier.most) language = languages_.any_number(it.language);
        for (std::size_t i = quantifier.least; i < quantifier.most.value_or(0); ++i) {
            const auto once_more = languages_.sequence(it.language, language);
            language = languages_.either(Languages::kEmptyWord, once_more);
        }
        for (std::size_t i = 0; i < quantifier.least; ++i) {
            language = languages_.sequence(it.language, language);
        }
        const bool is_atom = it.form == Expression::Form::Atom;
        return {(is_atom ? it.text : group(it.text)) + std::string(quantifier.text),
                Expression::Form::Sequence, language};
    }

  private:
    static std::string in_sequence(const Expression& it) {
        return it.form == Expression::Form::Alternatives ? group(it.text) : it.text;
    }
    /// Returns a group, capturing or not by the length of the text: PCRE2 runs different code for
    /// each.
    static std::string group(const std::string& text) {
        return (text.size() % 2 == 0 ? "(" : "(?:") + text + ')';
    }

    Languages& languages_;
};

/// Returns the answer of an expression that does not look ahead: match once the stream begins with
/// a word of the language, no once it cannot any more.
/// @param left  the derivative of the language by all bytes seen
/// @param has_matched  true if a shorter beginning of the stream is a word
inline Answer answer(const Languages& languages, Languages::Id left, bool has_matched) {
    if (has_matched || languages.has_empty_word(left)) return Answer::Match;
    return left == Languages::kNothing ? Answer::No : Answer::More;
}

}  // namespace portsplit::core::naive
