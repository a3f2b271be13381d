#pragma once
#include "api/container.h"
#include "codec/json.h"

// Wire structs as JSON values, for answers that are put together of several.
namespace berth::api {

codec::Json json_of(const ContainerConfig& config);
codec::Json json_of(const HostConfig& config);
codec::Json json_of(const Mount& mount);
codec::Json json_of(const EndpointSettings& endpoint);

}  // namespace berth::api
