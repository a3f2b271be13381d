#pragma once
#include "api/container.h"
#include "api/version.h"
#include "base/result.h"
#include "container/containers.h"

// Between the wire and the domain: what a client sends becomes a ContainerSpec, and for `inspect`
// the way back.
namespace berth::daemon {

/// InvalidArgument names the member that makes no sense.
Result<container::ContainerSpec> spec_of(const api::ContainerCreateRequest& request,
                                         api::ApiVersion version);
Result<container::EndpointSpec> endpoint_spec_of(const api::EndpointSettings& settings);
Result<container::UpdateRequest> update_of(const api::ContainerUpdateRequest& request);

/// `image` is what Config.Image shows.
api::ContainerConfig config_of(const container::ContainerSpec& spec);
api::HostConfig host_config_of(const container::HostConfig& host);

}  // namespace berth::daemon
