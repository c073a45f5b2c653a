// How it works. A pattern of fixed length is one stream: a byte of each set. For an expression the
// search keeps a queue of undecided streams, shortest first, and extends each by every piece: words
// and bytes of the expression's own text, and a few bytes of each kind that a class may mean.
//
// - The answers to all extensions of a stream are its signature. Streams with the same signature
//   are probably at the same place of the expression, so only the first few of them are followed.
// - A stream that is skipped for its signature may be within a repeat. `follow_repeat` repeats its
//   last byte up to the window: either the answer stays more, or the end of the repeat is found by
//   bisection and the search goes on from there.
#include "core/examples.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "core/hex.h"
#include "core/pattern.h"

namespace portsplit::core {
namespace {

/// How many streams the search extends.
constexpr std::size_t kMostSteps = 400;
/// How many streams with the same signature are followed.
constexpr int kMostPerSignature = 3;

constexpr unsigned kBytes = 256;
/// A few bytes of each kind that a class may mean.
constexpr std::string_view kSamples("aA0 /:\r\n\t!z\0\x01\x7F\x80\xFF", 16);
/// The bytes of which literal words in an expression consist.
constexpr std::string_view kWord =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz /_-.:=<>";

char to_char(unsigned byte) { return static_cast<char>(byte); }

/// Returns a byte of the set, one that reads well if there is one.
char pick(const ByteSet& set) {
    constexpr std::string_view kReadable = "aA0 ";
    for (const char byte : kReadable) {
        if (set.holds(static_cast<std::uint8_t>(byte))) return byte;
    }
    for (unsigned byte = set.low; byte <= set.high; ++byte) {
        if (set.holds(static_cast<std::uint8_t>(byte))) return to_char(byte);
    }
    return 0;  // no notation writes an empty set
}

Examples examples_of_fixed(const ByteSets& sets) {
    std::string match;
    for (const ByteSet& set : sets) match += pick(set);
    const bool rules_out_a_byte = !sets.empty() && !covers(sets.front(), ByteSet{});
    return {{std::move(match)}, std::nullopt, rules_out_a_byte};
}

class Search {
  public:
    Search(const PatternSource& source, std::size_t window, std::size_t most)
        : pattern_(*compile(source)), window_(window), most_(most) {
        collect_pieces(source.text);
    }

    Examples run() {
        for (unsigned byte = 0; byte < kBytes; ++byte) {
            found_.rules_out_a_byte |= counts_as_no(answer(std::string(1, to_char(byte))));
        }
        waiting_.emplace_back();
        for (std::size_t step = 0; step < kMostSteps && !waiting_.empty() && !is_done(); ++step) {
            const std::string stream = std::move(waiting_.front());
            waiting_.pop_front();
            extend(stream);
        }
        found_.is_complete &= waiting_.empty();
        std::stable_sort(found_.matches.begin(), found_.matches.end(),
                         [](const auto& a, const auto& b) { return a.size() < b.size(); });
        return std::move(found_);
    }

  private:
    void collect_pieces(std::string_view text) {
        const auto add = [&](std::string piece) {
            if (std::find(pieces_.begin(), pieces_.end(), piece) == pieces_.end()) {
                pieces_.push_back(std::move(piece));
            }
        };
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find_first_not_of(kWord, begin), text.size());
            if (end - begin > 1) add(std::string(text.substr(begin, end - begin)));
            begin = end + 1;
        }
        for (std::size_t at = 0; (at = text.find("\\x", at)) != text.npos; at += 2) {
            const auto sets = parse_hex(text.substr(at + 2, 2));
            if (sets && sets->front().is_single()) add(std::string(1, to_char(sets->front().low)));
        }
        for (const char byte : text) add(std::string(1, byte));
        for (const char byte : kSamples) add(std::string(1, byte));
    }

    bool is_done() const { return found_.matches.size() >= most_; }
    Answer answer(const std::string& stream) const { return pattern_->answer(as_bytes(stream)); }

    void extend(const std::string& stream) {
        std::vector<std::string> open;
        std::string signature;
        for (const std::string& piece : pieces_) {
            const Answer next = answer(stream + piece);
            signature += next == Answer::More ? '+' : next == Answer::Match ? '=' : '-';
            if (next == Answer::More) open.push_back(stream + piece);
            if (next == Answer::Match) keep_match(stream + piece);
        }
        if (++followed_[signature] > kMostPerSignature) {
            found_.is_complete = false;
            return follow_repeat(stream);
        }
        for (std::string& longer : open) {
            if (longer.size() < window_) waiting_.push_back(std::move(longer));
        }
    }

    /// Keeps a new match without the bytes that it does not need: pieces may be words.
    void keep_match(std::string stream) {
        while (stream.size() > 1 && answer(stream.substr(0, stream.size() - 1)) == Answer::Match) {
            stream.pop_back();
        }
        const bool is_new =
            std::find(found_.matches.begin(), found_.matches.end(), stream) == found_.matches.end();
        if (is_new && !is_done()) found_.matches.push_back(std::move(stream));
    }

    /// Repeats the last byte of a stream, once for each byte.
    void follow_repeat(const std::string& stream) {
        if (stream.empty() || !repeated_.insert(stream.back()).second) return;
        const char byte = stream.back();
        const auto repeated = [&](std::size_t size) {
            return stream + std::string(size - stream.size(), byte);
        };
        if (answer(repeated(window_)) == Answer::More) {
            if (!found_.undecided) {
                found_.undecided = RepeatingStream{stream.substr(0, stream.size() - 1), byte};
            }
            return;
        }
        // The last length that is undecided: from there another byte must follow.
        std::size_t low = stream.size();
        std::size_t high = window_;
        while (high - low > 1) {
            const std::size_t middle = low + (high - low) / 2;
            (answer(repeated(middle)) == Answer::More ? low : high) = middle;
        }
        if (low > stream.size()) waiting_.push_front(repeated(low));
    }

    std::unique_ptr<const Pattern> pattern_;
    std::size_t window_;
    std::size_t most_;
    std::vector<std::string> pieces_;
    std::deque<std::string> waiting_;      ///< streams that are `More`, shortest first
    std::map<std::string, int> followed_;  ///< streams by their signature
    std::set<char> repeated_;
    Examples found_;
};

}  // namespace

Examples find_examples(const PatternSource& source, std::size_t window, std::size_t most) {
    if (const auto sets = byte_sets(source)) return examples_of_fixed(*sets);
    return Search(source, window, most).run();
}

}  // namespace portsplit::core
