#pragma once
#include <stop_token>

#include "client/client.h"
#include "compose/progress.h"
#include "compose/project.h"

namespace berth::compose {

/// Creates the networks and volumes that the project's services use and that are not there yet.
/// NotFound for an external one that is missing.
Result<> create_resources(const client::Client& client, const Project& project,
                          const ProgressSink& progress);

/// Removes the project's networks, and its volumes when asked; external ones stay. What is gone
/// already is fine.
Result<> remove_resources(const client::Client& client, const Project& project, bool with_volumes,
                          const ProgressSink& progress);

}  // namespace berth::compose
