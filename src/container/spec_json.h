#pragma once
#include <string>
#include <string_view>

#include "container/spec.h"

namespace berth::container {

/// The stored form of a spec. Members that are missing read as their defaults, so older rows stay
/// readable.
std::string to_json(const ContainerSpec& spec);
/// Corrupted when it is no JSON object; members of a wrong type read as their defaults.
Result<ContainerSpec> parse_spec(std::string_view json);

/// The same for a container's mounts once they are resolved.
std::string to_json(const std::vector<MountRequest>& mounts);
Result<std::vector<MountRequest>> parse_mounts(std::string_view json);

}  // namespace berth::container
