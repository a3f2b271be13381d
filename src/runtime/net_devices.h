#pragma once
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "oci/runtime_spec.h"
#include "sys/netlink_route.h"

// linux.netDevices: devices of the host that move into the container's network namespace with their
// addresses. config-linux.md "Network Devices".
namespace berth::runtime {

struct MovingNetDevice {
    std::string host_name;
    std::string name;  ///< in the container
    std::uint32_t index = 0;
    std::vector<sys::AddressInfo>
        addresses;  ///< the permanent ones; a device loses them when it moves
};

/// Looks the devices up in the current network namespace. NotFound names the one that is not there.
Result<std::vector<MovingNetDevice>> find_net_devices(
    const std::vector<std::pair<std::string, oci::RuntimeNetDevice>>& devices);
/// Moves them from the current network namespace to that of `pid`, renamed.
Result<> move_net_devices(const std::vector<MovingNetDevice>& devices, pid_t pid);
/// Gives them their addresses back and brings them up, in the current network namespace, the
/// container's.
Result<> settle_net_devices(const std::vector<MovingNetDevice>& devices);

}  // namespace berth::runtime
