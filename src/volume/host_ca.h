#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::volume {

/// What a container needs to trust what the host trusts, without a change to its image: one read-only bind mount of
/// the host's CA bundle, the same file over the usual bundle paths that exist in the root, and variables that point
/// programs with a bundle of their own at it.
struct HostCa {
    /// Host path of the bundle to bind.
    std::string bundle;
    /// Where it appears inside. Lies on the container's own tmpfs at /run/berth or is made in the upper directory by
    /// the mounter, and never in the image.
    std::string target = "/run/berth/host-ca.crt";
    /// Paths inside the root over which the bundle is bound too. They exist there as regular files.
    std::vector<std::string> overlays;
    /// NAME, value. A variable that the container sets itself wins.
    std::vector<std::pair<std::string, std::string>> environment;
};

/// The host's CA bundle: $SSL_CERT_FILE, else the distribution's usual paths. NotFound when there is none.
Result<std::string> find_host_bundle();

/// Whether the host trusts authorities beyond its distribution's: certificates in /usr/local/share/ca-certificates
/// (or the like of other distributions), or $SSL_CERT_FILE / $NODE_EXTRA_CA_CERTS set. Then builds need --host-ca.
bool has_extra_authorities();

/// The mounts and variables for one container whose root is `root` (a directory or a detached mount). Paths are
/// resolved inside that root only. NotFound when the host has no bundle.
Result<HostCa> plan_host_ca(sys::BorrowedFd root);

}  // namespace berth::volume
