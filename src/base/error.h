#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// What kind of failure this is. Callers branch on it, never on text.
enum class ErrorCode : std::uint8_t {
    NotFound,
    AlreadyExists,
    InvalidArgument,
    Conflict,
    PermissionDenied,
    Unauthenticated,
    Unsupported,
    Unavailable,
    TimedOut,
    Cancelled,
    Corrupted,
    NoSpace,
    Internal,
};

/// The code's name in lower case words, as it appears in logs ("not found").
std::string_view to_string(ErrorCode code);

/// The code that callers expect for an errno value: ENOENT is NotFound, EEXIST AlreadyExists,
/// ENOSPC NoSpace ...
ErrorCode code_from_errno(int error_number);

/// A failure as a value: a code, maybe an errno with the call that set it, context frames from the
/// inside out, and maybe a hint that says what the user can do. One pointer wide; moves, does not
/// copy (see clone()).
class [[nodiscard]] Error {
public:
    Error(ErrorCode code, std::string message);
    Error(Error&&) noexcept = default;
    Error& operator=(Error&&) noexcept = default;
    ~Error() = default;

    /// An error from a failed system call: `call` is the call's name, `error_number` the errno it
    /// left.
    static Error from_errno(std::string_view call, int error_number);

    ErrorCode code() const { return state_->code; }
    bool is(ErrorCode code) const { return state_->code == code; }
    /// The errno, or 0 when the error did not come from a system call.
    int error_number() const { return state_->error_number; }

    /// Adds what this level knows. Frames read from the outside in: "start web: mount /data:
    /// open_tree: ...".
    Error&& with_context(std::string frame) &&;
    /// Says what the user can do about it. The innermost hint wins, since it was nearest to the
    /// cause.
    Error&& with_hint(std::string hint) &&;
    /// The same error under another code, for faces that know better what it means to their caller.
    Error&& with_code(ErrorCode code) &&;

    /// One line without the hint: "outer: inner: message".
    std::string message() const;
    const std::string& hint() const { return state_->hint; }
    Error clone() const;

private:
    struct State {
        ErrorCode code;
        int error_number = 0;
        std::string message;
        std::vector<std::string> frames;
        std::string hint;
    };
    explicit Error(std::unique_ptr<State> state) : state_(std::move(state)) {}
    std::unique_ptr<State> state_;
};

}  // namespace berth
