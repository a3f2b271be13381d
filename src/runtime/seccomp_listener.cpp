#include "runtime/seccomp_listener.h"

#include <algorithm>

#include "base/text.h"
#include "codec/json.h"
#include "sys/socket.h"

namespace berth::runtime {

bool needs_listener(const oci::RuntimeSeccomp& profile) {
    return profile.default_action == "SCMP_ACT_NOTIFY" ||
           std::any_of(profile.syscalls.begin(), profile.syscalls.end(),
                       [](const auto& rule) { return rule.action == "SCMP_ACT_NOTIFY"; });
}

Result<> check_listener(const oci::RuntimeSeccomp& profile) {
    if (!needs_listener(profile)) {
        if (profile.listener_metadata.empty() || !profile.listener_path.empty()) return {};
        return fail(ErrorCode::InvalidArgument, "listenerMetadata is set, but listenerPath is not");
    }
    if (profile.listener_path.empty())
        return fail(ErrorCode::InvalidArgument, "SCMP_ACT_NOTIFY needs listenerPath");
    // As a default it would stop the very calls that hand the descriptor over.
    if (profile.default_action == "SCMP_ACT_NOTIFY")
        return fail(ErrorCode::InvalidArgument, "SCMP_ACT_NOTIFY cannot be the default action");
    for (const auto& rule : profile.syscalls) {
        if (rule.action != "SCMP_ACT_NOTIFY") continue;
        if (std::find(rule.names.begin(), rule.names.end(), "sendmsg") != rule.names.end())
            return fail(ErrorCode::InvalidArgument, "SCMP_ACT_NOTIFY cannot be used for sendmsg");
    }
    return {};
}

std::string listener_text(const oci::RuntimeSeccomp& profile, const StateDocument& state,
                          pid_t pid) {
    codec::Json out = {
        {"ociVersion", oci::runtime_spec_version}, {"fds", {"seccompFd"}}, {"pid", pid}};
    if (!profile.listener_metadata.empty()) out["metadata"] = profile.listener_metadata;
    out["state"] = codec::parse_json(to_json(state)).value_or(codec::Json::object());
    return concat(profile.listener_path, '\n', codec::dump_json(out));
}

Result<> forward_listener(const Message& message) {
    const auto parts = split_once(message.text, '\n');
    if (!parts || message.fds.size() != 1)
        return fail(ErrorCode::Corrupted, "a listener without a place");
    const std::string path(parts->first);
    const sys::Fd socket = TRY(sys::connect_unix(path).context("seccomp listener ", path));
    const int fds[] = {message.fds.front().get()};
    return sys::send_message(socket, parts->second, fds).context("seccomp listener ", path);
}

}  // namespace berth::runtime
