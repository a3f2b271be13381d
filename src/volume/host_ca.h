#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::volume {

/// What a container needs to trust what the host trusts, without a change to its image: a read-only
/// bind mount of the host's CA bundle, the same file over the usual bundle paths that exist in the
/// root, and variables that point programs with a bundle of their own at it.
struct HostCa {
    /// Host path of the bundle to bind, a regular file.
    std::string bundle;
    /// Where it appears inside. Lies on a tmpfs of the container's own at /run/berth, so that
    /// neither the image nor the writable layer sees it.
    std::string target = "/run/berth/host-ca.crt";
    /// Paths inside the root over which the bundle is bound too. They exist there as regular files,
    /// links followed.
    std::vector<std::string> overlays;
    /// NAME, value. A variable that the image or the user sets wins.
    std::vector<std::pair<std::string, std::string>> environment;
};

/// The host's CA bundle: $SSL_CERT_FILE, else the distributions' usual paths. NotFound when there
/// is none.
Result<std::string> find_host_bundle();

/// Whether the host trusts authorities beyond its distribution's: certificates in the directories
/// where an administrator puts them (/usr/local/share/ca-certificates and the like). Then builds
/// and containers that use TLS through the host's proxy need them too.
bool has_extra_authorities();

struct HostCaOptions {
    /// Bind over the root's own bundle files too, for programs that know no variable. Not for build
    /// steps: a package manager that replaces its bundle cannot rename over a mount.
    bool overlay_bundles = true;
};

/// The mounts and variables for one container whose root is `root` (a directory, a detached mount,
/// or -1 when it is not known yet: then there are no overlays). Paths are resolved inside that root
/// only. NotFound when the host has no bundle.
Result<HostCa> plan_host_ca(sys::BorrowedFd root, HostCaOptions options);
inline Result<HostCa> plan_host_ca(sys::BorrowedFd root) { return plan_host_ca(root, {}); }

}  // namespace berth::volume
