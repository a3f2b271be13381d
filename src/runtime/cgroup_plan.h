#pragma once
#include <string>
#include <vector>

#include "oci/runtime_spec.h"
#include "sys/cgroup.h"

namespace berth::runtime {

/// One value to be written to one control file.
struct CgroupWrite {
    std::string controller;
    std::string file;
    std::string value;
    bool operator==(const CgroupWrite&) const = default;
};

/// What to write for these resources: v1's files, or v2's. Order matters and is kept.
/// config-linux.md "Control groups".
std::vector<CgroupWrite> plan_v1(const oci::RuntimeResources& resources);
std::vector<CgroupWrite> plan_v2(const oci::RuntimeResources& resources);

/// Everything denied, then the specification's rules, then what every container may use (null,
/// zero, full, tty, random, urandom, its own terminals; making nodes).
std::vector<sys::DeviceRule> plan_devices(const oci::RuntimeResources& resources);

/// linux.cgroupsPath as a path below the hierarchies' mount points: "slice:prefix:name" (systemd's
/// notation) becomes "/slice/prefix-name.scope", anything else is taken as absolute.
std::string cgroup_path(const std::string& cgroups_path, const std::string& fallback);

}  // namespace berth::runtime
