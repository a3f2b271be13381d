#pragma once
#include <string>
#include <string_view>

#include "api/container.h"
#include "base/result.h"

namespace berth::cli {

/// --ulimit: "nofile=1024" or "nofile=1024:2048"; -1 is no limit.
Result<api::Ulimit> parse_ulimit(std::string_view text);
/// --restart: "no", "always", "unless-stopped", "on-failure[:count]", "unhealthy[:count]".
Result<api::RestartPolicy> parse_restart(std::string_view text);
/// Whether --device names a device of the Container Device Interface: "vendor.com/class=name".
bool is_cdi_name(std::string_view text);
/// --device: "/dev/a", "/dev/a:/dev/b", "/dev/a:rwm", "/dev/a:/dev/b:r".
Result<api::DeviceMapping> parse_device(std::string_view text);
/// --device-read-bps and the like: "/dev/sda:1mb"; rates of operations are plain numbers.
Result<api::ThrottleDevice> parse_throttle(std::string_view text, bool is_bytes);
/// --gpus: "all", "2", "device=0", "count=1,capabilities=utility".
Result<api::DeviceRequest> parse_gpus(std::string_view text);

}  // namespace berth::cli
