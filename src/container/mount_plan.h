#pragma once
#include <functional>
#include <string>
#include <vector>

#include "container/spec.h"

namespace berth::container {

/// "src:dst[:options]" as `-v` has it: a source that starts with "/" is a host path, otherwise a
/// volume's name. InvalidArgument with Docker's words for anything else.
Result<MountRequest> parse_bind(std::string_view text);
/// "size=64m,mode=700" of `--tmpfs PATH:OPTIONS` becomes a request; flags such as noexec stay in
/// `options` of the plan.
Result<std::int64_t> parse_size(std::string_view text);

/// Everything the container mounts beside Docker's defaults, one request for each target: binds,
/// mounts, volumes of other containers (`from` gives those of one), and an anonymous volume for
/// each VOLUME that nothing else covers (its source is empty until it was made). Conflict
/// "Duplicate mount point: X" when two ask for one target.
using MountsOf = std::function<Result<std::vector<MountRequest>>(const std::string& container)>;
Result<std::vector<MountRequest>> plan_mounts(const ContainerSpec& spec, const MountsOf& from);

/// The part of its source that a mount shows, as a path beneath it; "." is all of it.
std::string part_beneath(const MountRequest& mount);

}  // namespace berth::container
