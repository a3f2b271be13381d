#pragma once
#include "container/spec.h"

namespace berth::container {

/// The parts of a spec that can be wrong by themselves, in Docker's words: InvalidArgument for a
/// mode, limit or signal that does not exist or is out of its range. `cpus` is how many this
/// machine has.
Result<> check_spec(const ContainerSpec& spec, unsigned cpus);
/// Limits alone, for update too.
Result<> check_resources(const Resources& resources, unsigned cpus);

}  // namespace berth::container
