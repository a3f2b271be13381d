#pragma once
#include <string>

#include "base/result.h"
#include "oci/runtime_spec.h"

namespace berth::runtime {

/// The file of a kernel parameter, beneath procfs. PermissionDenied for a parameter that is no
/// namespace's own, or whose namespace the container shares with the host: it would be the host's.
Result<std::string> sysctl_file(const std::string& key, const oci::RuntimeLinux& config,
                                bool has_network);

}  // namespace berth::runtime
