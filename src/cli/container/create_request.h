#pragma once
#include <string>
#include <vector>

#include "api/container.h"
#include "base/result.h"
#include "cli/context.h"
#include "cli/flags.h"

namespace berth::cli {

/// The flags that `run` and `create` share.
std::vector<Flag> container_flags();

/// What those flags, the image and the command say. Reads files that flags name (--env-file,
/// seccomp profiles). Fails with NotFound when the source of a -v does not exist here, unless
/// Docker's defaults are wanted.
Result<api::ContainerCreateRequest> container_request(const Context& context, const Flags& flags);

}  // namespace berth::cli
