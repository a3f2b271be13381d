#include "container/spec.h"

#include "base/text.h"

namespace berth::container {

Result<Port> Port::parse(std::string_view text) {
    const auto parts = split_once(text, '/');
    const std::string_view number_text = parts ? parts->first : text;
    const std::string protocol = parts ? to_lower(parts->second) : "tcp";
    const auto number = parse_uint(number_text);
    if (!number || *number == 0 || *number > 65535)
        return fail(ErrorCode::InvalidArgument, "invalid port: ", text);
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
        return fail(ErrorCode::InvalidArgument, "invalid protocol in port: ", text);
    }
    return Port{static_cast<std::uint16_t>(*number), protocol};
}

std::string_view to_string(RestartMode mode) {
    switch (mode) {
        case RestartMode::No: return "no";
        case RestartMode::Always: return "always";
        case RestartMode::UnlessStopped: return "unless-stopped";
        case RestartMode::OnFailure: return "on-failure";
        case RestartMode::Unhealthy: return "unhealthy";
    }
    return "no";
}

Result<RestartMode> parse_restart_mode(std::string_view text) {
    for (const RestartMode mode : {RestartMode::No, RestartMode::Always, RestartMode::UnlessStopped,
                                   RestartMode::OnFailure, RestartMode::Unhealthy}) {
        if (text == to_string(mode)) return mode;
    }
    if (text.empty()) return RestartMode::No;
    return fail(ErrorCode::InvalidArgument, "invalid restart policy: unknown policy '", text,
                "'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'");
}

std::string_view to_string(MountType type) {
    switch (type) {
        case MountType::Bind: return "bind";
        case MountType::Volume: return "volume";
        case MountType::Tmpfs: return "tmpfs";
        case MountType::Image: return "image";
    }
    return "bind";
}

}  // namespace berth::container
