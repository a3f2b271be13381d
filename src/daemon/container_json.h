#pragma once
#include "api/version.h"
#include "codec/json.h"
#include "container/containers.h"

namespace berth::daemon {

/// One entry of `GET /containers/json`.
codec::Json list_entry_of(const container::ContainerView& view, Timestamp now,
                          api::ApiVersion version);
/// The answer of `GET /containers/{id}/json`.
codec::Json inspect_of(const container::ContainerView& view, api::ApiVersion version);

/// "Up 5 minutes (healthy)", "Exited (0) 3 seconds ago": what `docker ps` shows as STATUS.
std::string status_text(const container::State& state, Timestamp now);
/// "About a minute", "3 hours": a duration the way Docker says it.
std::string human_duration(std::chrono::nanoseconds duration);

}  // namespace berth::daemon
