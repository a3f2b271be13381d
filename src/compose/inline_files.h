#pragma once
#include "client/client.h"
#include "compose/project.h"

namespace berth::compose {

/// Copies into a created container those of its secrets and configs that have no file on the host:
/// from an environment variable or written in the compose file itself. InvalidArgument when a
/// variable is not set.
Result<> copy_inline_files(const client::Client& client, const Project& project,
                           const Service& service, const std::string& container);

}  // namespace berth::compose
