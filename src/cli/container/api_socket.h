#pragma once
#include <string>

#include "api/container.h"
#include "base/result.h"
#include "cli/context.h"

namespace berth::cli {

// --use-api-socket: what runs inside speaks to this engine, with the registry logins of whoever
// started it. The socket and the folder of the logins are where Docker's command puts them.

/// Mounts the engine's socket and points DOCKER_CONFIG at the logins, unless that is set already.
/// InvalidArgument for an engine that is not on this machine.
Result<> add_api_socket(Context& context, api::ContainerCreateRequest& request);
/// Puts the logins into the created container `id`, readable by its root only. They are in its
/// file system until it is removed.
Result<> copy_logins(Context& context, const std::string& id);

}  // namespace berth::cli
