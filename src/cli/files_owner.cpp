#include "cli/files_owner.h"

#include <unistd.h>

#include "base/text.h"

namespace berth::cli {

std::optional<std::array<int, 2>> files_owner(const Context& context) {
    if (context.docker_defaults()) return std::nullopt;
    std::int64_t uid = ::getuid(), gid = ::getgid();
    if (uid == 0) {
        uid = parse_int(context.variable("SUDO_UID")).value_or(0);
        gid = parse_int(context.variable("SUDO_GID")).value_or(0);
    }
    if (uid <= 0 || gid < 0 || uid > INT32_MAX || gid > INT32_MAX) return std::nullopt;
    return std::array<int, 2>{static_cast<int>(uid), static_cast<int>(gid)};
}

}  // namespace berth::cli
