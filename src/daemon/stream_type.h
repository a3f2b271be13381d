#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "api/version.h"

namespace berth::daemon {

/// Content-Type of attach, exec and logs. A terminal's bytes come raw; other output in frames,
/// which got a type of its own with 1.42.
inline std::string_view stream_type(bool tty, api::ApiVersion version) {
    return !tty && version >= api::ApiVersion{1, 42} ? "application/vnd.docker.multiplexed-stream"
                                                     : "application/vnd.docker.raw-stream";
}

/// A stream begins when its client has read the head, or after this time. Docker's Python library
/// reads the head through a buffer that it throws away, and with it whatever of the stream has
/// arrived by then.
constexpr std::chrono::milliseconds head_read_limit{1000};

/// "ctrl-p,ctrl-q", "ctrl-@", "a,b" -> the bytes that detach; nullopt for a key that does not
/// exist.
std::optional<std::string> parse_detach_keys(std::string_view text);

}  // namespace berth::daemon
