#include "core/examples.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "core/hex.h"

namespace portsplit::core {
namespace {

/// How many streams the search looks beyond, and how many that seem the same it takes for
/// different.
constexpr std::size_t kMostSteps = 400;
constexpr int kMostAlike = 3;

constexpr unsigned kBytes = 256;
/// A few bytes of each sort that a class may mean.
constexpr std::string_view kSorts("aA0 /:\r\n\t!z\0\x01\x7F\x80\xFF", 16);
/// What the literal parts of an expression are made of.
constexpr std::string_view kWord =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz /_-.:=<>";

char to_char(unsigned byte) { return static_cast<char>(byte); }

/// A byte that reads well, where there is one.
char pick(const ByteSet& set) {
    constexpr std::string_view kLiked = "aA0 ";
    for (const char liked : kLiked) {
        if (set.holds(static_cast<std::uint8_t>(liked))) return liked;
    }
    for (unsigned byte = set.low; byte <= set.high; ++byte) {
        if (set.holds(static_cast<std::uint8_t>(byte))) return to_char(byte);
    }
    return 0;  // no notation writes an empty set
}

Examples of_fixed(const ByteSets& sets) {
    std::string match;
    for (const ByteSet& set : sets) match += pick(set);
    const bool any_first =
        sets.front().low == 0 && sets.front().high == 0xFF && sets.front().mask == 0;
    return {{std::move(match)}, std::nullopt, !any_first};
}

/// Goes from stream to stream by adding bytes. Streams that leave the same choice of next bytes are
/// taken for the same place in the expression, and only the first few of them are followed.
class Search {
  public:
    Search(const PatternSource& source, std::size_t window, std::size_t most)
        : pattern_(*compile(source)), window_(window), most_(most) {
        collect_pieces(source.text);
    }

    Examples run() {
        for (unsigned byte = 0; byte < kBytes; ++byte) {
            found_.says_no |= counts_as_no(answer(std::string(1, to_char(byte))));
        }
        waiting_.emplace_back();
        for (std::size_t step = 0; step < kMostSteps && !waiting_.empty() && !is_done(); ++step) {
            const std::string stream = std::move(waiting_.front());
            waiting_.pop_front();
            look_beyond(stream);
        }
        found_.is_all &= waiting_.empty();
        std::stable_sort(found_.matches.begin(), found_.matches.end(),
                         [](const auto& a, const auto& b) { return a.size() < b.size(); });
        return std::move(found_);
    }

  private:
    /// What streams are made of: the words and bytes of the expression's own text, and a few bytes
    /// of each sort that a class may mean.
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
        for (const char byte : kSorts) add(std::string(1, byte));
    }

    bool is_done() const { return found_.matches.size() >= most_; }
    Answer answer(const std::string& stream) const { return pattern_->answer(as_bytes(stream)); }

    void look_beyond(const std::string& stream) {
        std::vector<std::string> open;
        std::string choice;
        for (const std::string& piece : pieces_) {
            const Answer next = answer(stream + piece);
            choice += next == Answer::More ? '+' : next == Answer::Match ? '=' : '-';
            if (next == Answer::More) open.push_back(stream + piece);
            if (next == Answer::Match) keep_match(stream + piece);
        }
        if (++alike_[choice] > kMostAlike) {
            found_.is_all = false;
            return pump(stream);
        }
        for (std::string& longer : open) {
            if (longer.size() < window_) waiting_.push_back(std::move(longer));
        }
    }

    /// A word may hold more than it takes.
    void keep_match(std::string stream) {
        while (answer(stream.substr(0, stream.size() - 1)) == Answer::Match) stream.pop_back();
        const bool is_new =
            std::find(found_.matches.begin(), found_.matches.end(), stream) == found_.matches.end();
        if (is_new && !is_done()) found_.matches.push_back(std::move(stream));
    }

    /// A place that looks like earlier ones may be a repeat: follows it to its end at once.
    void pump(const std::string& stream) {
        if (stream.empty() || !pumped_.insert(stream.back()).second) return;
        const char byte = stream.back();
        const auto repeated = [&](std::size_t size) {
            return stream + std::string(size - stream.size(), byte);
        };
        if (!found_.undecided && answer(repeated(window_)) == Answer::More) {
            found_.undecided = Endless{stream.substr(0, stream.size() - 1), byte};
            return;
        }
        // The last length at which the repeat still goes on, from which something else must follow.
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
    std::deque<std::string> waiting_;  ///< streams that are `More`, shortest first
    std::map<std::string, int> alike_;
    std::set<char> pumped_;
    Examples found_;
};

}  // namespace

Examples find_examples(const PatternSource& source, std::size_t window, std::size_t most) {
    if (const auto sets = byte_sets(source)) return of_fixed(*sets);
    return Search(source, window, most).run();
}

}  // namespace portsplit::core
