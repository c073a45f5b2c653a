#include "core/pattern.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace portsplit::core {
namespace {

/// The stream begins with these bytes.
class Prefix final : public Pattern {
  public:
    explicit Prefix(std::string bytes) : bytes_(std::move(bytes)) {}

    Answer answer(Bytes seen) const override {
        const std::size_t known = std::min(seen.size(), bytes_.size());
        if (known > 0 && std::memcmp(seen.data(), bytes_.data(), known) != 0) return Answer::No;
        return known == bytes_.size() ? Answer::Match : Answer::More;
    }

    std::size_t longest() const override { return bytes_.size(); }

  private:
    std::string bytes_;
};

}  // namespace

std::unique_ptr<const Pattern> compile(const PatternSource& source) {
    switch (source.kind) {
        case PatternKind::String:
            return std::make_unique<Prefix>(source.text);
    }
    std::abort();
}

}  // namespace portsplit::core
