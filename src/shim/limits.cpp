#include "shim/limits.h"

#include "runtime/launch.h"

namespace berth::shim {

Result<> apply_limits(const sys::Cgroup& cgroup, const oci::RuntimeResources& resources) {
    return runtime::apply_resources(cgroup, resources);
}

}  // namespace berth::shim
