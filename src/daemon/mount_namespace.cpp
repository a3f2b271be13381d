#include "daemon/mount_namespace.h"

#include <sched.h>
#include <sys/mount.h>

#include "base/text.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/namespace.h"

namespace berth::daemon {

namespace {
/// Whether `pid` is a shim, and not a stranger that got the number after the shim ended.
bool is_shim(std::uint64_t pid) {
    const auto exe = sys::readlink(concat("/proc/", pid, "/exe"));
    if (!exe) return false;
    // The engine may have been upgraded since the shim started.
    std::string_view path = *exe;
    if (path.ends_with(" (deleted)")) path.remove_suffix(10);
    return path.ends_with("/berth-shim");
}

/// The mount namespace of any shim that lives.
std::optional<sys::Fd> find_pinned_namespace(const std::string& exec_root) {
    const auto shims = sys::list_dir(exec_root + "/shims");
    if (!shims) return std::nullopt;
    for (const auto& shim : *shims) {
        const auto text = sys::read_file(concat(exec_root, "/shims/", shim.name, "/pid"), 64);
        const auto pid = text ? parse_uint(trim(*text)) : std::nullopt;
        if (!pid || !is_shim(*pid)) continue;
        auto handle = sys::open_namespace(static_cast<pid_t>(*pid), "mnt");
        if (handle) return std::move(*handle);
    }
    return std::nullopt;
}
}  // namespace

Result<> enter_private_mounts(const std::string& exec_root) {
    if (const auto pinned = find_pinned_namespace(exec_root)) {
        return sys::enter_namespace(*pinned, CLONE_NEWNS)
            .context("enter the containers' mount namespace");
    }
    TRY(sys::unshare(CLONE_NEWNS)
            .context("make a mount namespace")
            .hint("the engine must run as root"));
    return sys::set_attributes_at("/", {.propagation = MS_SLAVE, .recursive = true})
        .context("make mounts private");
}

}  // namespace berth::daemon
