#pragma once
// A value, or the reason why there is none: for failures after which the program continues.
// std::expected needs C++23.

#include <cstddef>
#include <cstdlib>
#include <utility>
#include <variant>

namespace portsplit::core {

/// Holds a T or an E. Accessing the one it does not hold is a bug in the caller and aborts.
template <typename T, typename E>
class [[nodiscard]] Result {
  public:
    Result(T value) : outcome_(std::in_place_index<0>, std::move(value)) {}
    Result(E error) : outcome_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return outcome_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& operator*() & { return *get<0>(); }
    const T& operator*() const& { return *get<0>(); }
    T&& operator*() && { return std::move(*get<0>()); }
    T* operator->() { return get<0>(); }
    const T* operator->() const { return get<0>(); }
    const E& error() const { return *get<1>(); }

  private:
    template <std::size_t kIndex>
    auto* get() {
        auto* held = std::get_if<kIndex>(&outcome_);
        if (held == nullptr) std::abort();
        return held;
    }
    template <std::size_t kIndex>
    const auto* get() const {
        const auto* held = std::get_if<kIndex>(&outcome_);
        if (held == nullptr) std::abort();
        return held;
    }

    std::variant<T, E> outcome_;
};

/// The T of an action that returns nothing but its success.
struct Done {};

}  // namespace portsplit::core
