#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "base/error.h"
#include "base/text.h"

namespace berth {

namespace detail {
// Shared verbs of Result<T> and Result<>: adding context and hints without touching the success
// path.
template <typename Self>
struct ResultVerbs {
    /// Adds a frame made of `parts` (strings, numbers), joined only on failure.
    template <typename... Parts>
    Self context(const Parts&... parts) && {
        auto& self = static_cast<Self&>(*this);
        if (self.is_error()) return Self(std::move(self).error().with_context(concat(parts...)));
        return std::move(self);
    }
    /// Says what the user can do; joined only on failure.
    template <typename... Parts>
    Self hint(const Parts&... parts) && {
        auto& self = static_cast<Self&>(*this);
        if (self.is_error()) return Self(std::move(self).error().with_hint(concat(parts...)));
        return std::move(self);
    }
    /// Drops the outcome on purpose; `why` is for the reader.
    void ignore([[maybe_unused]] std::string_view why) && {}
};
}  // namespace detail

template <typename T = void>
class Result;

/// Either a value or an Error. Use TRY(expr) to unwrap or propagate.
template <typename T>
class [[nodiscard]] Result : public detail::ResultVerbs<Result<T>> {
public:
    using Value = T;
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
    template <typename U>
    requires(std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, T> && std::is_convertible_v<U&&, T>)
        Result(U&& value)
        : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    bool is_error() const { return state_.index() == 1; }
    explicit operator bool() const { return state_.index() == 0; }
    const Error& error() const& { return *std::get_if<1>(&state_); }
    Error&& error() && { return std::move(*std::get_if<1>(&state_)); }
    T& value() & { return checked(); }
    const T& value() const& { return const_cast<Result*>(this)->checked(); }
    T&& value() && { return std::move(checked()); }
    T& operator*() { return checked(); }
    const T& operator*() const { return value(); }
    T* operator->() { return &checked(); }
    const T* operator->() const { return &value(); }
    T value_or(T fallback) && { return is_error() ? std::move(fallback) : std::move(checked()); }

private:
    T& checked() {
        BERTH_ASSERT(state_.index() == 0);
        return *std::get_if<0>(&state_);
    }
    std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> : public detail::ResultVerbs<Result<void>> {
public:
    using Value = void;
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}
    bool is_error() const { return error_.has_value(); }
    explicit operator bool() const { return !error_.has_value(); }
    const Error& error() const& { return *error_; }
    Error&& error() && { return std::move(*error_); }
    void value() const { BERTH_ASSERT(!error_.has_value()); }

private:
    std::optional<Error> error_;
};

/// `return fail(ErrorCode::NotFound, "no such image: ", name);`
template <typename... Parts>
Error fail(ErrorCode code, const Parts&... parts) {
    return Error(code, concat(parts...));
}

}  // namespace berth

// Unwraps a Result or returns its error from the enclosing function. Initialises a variable or
// stands alone; never use it inside braces (both GCC 12 and Clang 14 then skip destructors of
// earlier members).
#define TRY(...)                                                           \
    ({                                                                     \
        auto try_result_ = (__VA_ARGS__);                                  \
        if (try_result_.is_error()) return std::move(try_result_).error(); \
        std::move(try_result_).value();                                    \
    })
