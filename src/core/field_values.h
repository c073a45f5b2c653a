#pragma once
// The values that a stream has for a field. They are packed into one text, because a client may send a list
// of thousands of members: a member of one byte, which takes two in the stream, takes about five here.

#include <cstddef>
#include <string>
#include <string_view>

namespace portsplit::core {

/// A value of a field, or a member of a list.
struct FieldValue {
    /// The bytes; decimal digits for a number. Of a name in small letters, without a final dot.
    std::string_view text;
    std::size_t begin = 0;    ///< place in the stream of its first byte, from 0
    std::size_t end = 0;      ///< behind its last byte
    std::size_t certain = 0;  ///< how many bytes of the stream had to come for it; not before `end`

    bool operator==(const FieldValue&) const = default;
};

class FieldValues {
  public:
    /// Its values are valid as long as the FieldValues, and until the next `add`.
    class Iterator {
      public:
        explicit Iterator(std::string_view packed) : rest_(packed), next_(packed) { ++*this; }

        FieldValue operator*() const { return value_; }
        Iterator& operator++();
        bool operator==(const Iterator& other) const {
            return rest_.data() + rest_.size() == other.rest_.data() + other.rest_.size() &&
                   rest_.size() == other.rest_.size();
        }

      private:
        std::string_view rest_;  ///< from the value on
        std::string_view next_;  ///< from the value behind it on
        FieldValue value_;
    };
    struct Range {
        Iterator first;
        Iterator behind;

        Iterator begin() const { return first; }
        Iterator end() const { return behind; }
    };

    void add(const FieldValue& value);

    bool empty() const { return packed_.empty(); }
    std::size_t size() const { return size_; }
    Iterator begin() const { return Iterator(packed_); }
    Iterator end() const { return Iterator(std::string_view(packed_).substr(packed_.size())); }

    /// How many bytes the values take.
    std::size_t bytes() const { return packed_.size(); }
    /// Returns the values that were added since `bytes` had this value.
    Range since(std::size_t bytes) const {
        return {Iterator(std::string_view(packed_).substr(bytes)), end()};
    }

    bool operator==(const FieldValues&) const = default;

  private:
    std::string packed_;
    std::size_t size_ = 0;
};

}  // namespace portsplit::core
