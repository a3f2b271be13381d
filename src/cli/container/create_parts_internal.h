#pragma once
#include <string>
#include <vector>

#include "api/container.h"
#include "base/result.h"
#include "cli/context.h"
#include "cli/flags.h"

// The themes of `run`'s flags that fill HostConfig.
namespace berth::cli {

/// "key=value" or "key" into a map.
void add_pairs(api::StringMap& map, const std::vector<std::string>& pairs);
Result<> set_mounts(const Context& context, const Flags& flags,
                    api::ContainerCreateRequest& request);
/// The limits that can be changed later, too.
void set_limits(const Flags& flags, api::Resources& limits);
Result<> set_resources(const Flags& flags, api::HostConfig& host);
Result<> set_security(const Flags& flags, api::HostConfig& host);
/// Namespaces, names, logs, restart and the rest.
Result<> set_host(const Flags& flags, api::HostConfig& host);

}  // namespace berth::cli
