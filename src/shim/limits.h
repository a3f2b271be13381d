#pragma once
#include "oci/runtime_spec.h"
#include "sys/cgroup.h"

namespace berth::shim {

/// Changes the limits of a running container's cgroup, for `update`.
Result<> apply_limits(const sys::Cgroup& cgroup, const oci::RuntimeResources& resources);

}  // namespace berth::shim
