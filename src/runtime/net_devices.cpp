#include "runtime/net_devices.h"

#include <linux/netlink.h>
#include <sys/stat.h>

#include "base/text.h"
#include "sys/file.h"
#include "sys/namespace.h"

namespace berth::runtime {
namespace {

constexpr std::size_t max_name = 15;

Result<> check_name(const std::string& name) {
    const bool is_valid = !name.empty() && name.size() <= max_name && name != "." && name != ".." &&
                          name.find_first_of("/: \t\n") == std::string::npos;
    if (is_valid) return {};
    return fail(ErrorCode::InvalidArgument, "\"", name, "\" is not the name of a network device");
}

}  // namespace

Result<std::vector<MovingNetDevice>> find_net_devices(
    const std::vector<std::pair<std::string, oci::RuntimeNetDevice>>& devices) {
    auto socket = TRY(sys::NetlinkSocket::open(NETLINK_ROUTE));
    const auto addresses = TRY(sys::list_addresses(socket));
    std::vector<MovingNetDevice> found;
    for (const auto& [host_name, wanted] : devices) {
        MovingNetDevice device{.host_name = host_name,
                               .name = wanted.name.empty() ? host_name : wanted.name};
        TRY(check_name(device.host_name));
        TRY(check_name(device.name));
        device.index = TRY(sys::find_link(socket, {.name = host_name}).context(host_name)).index;
        for (const auto& address : addresses) {
            if (address.link == device.index && address.is_permanent)
                device.addresses.push_back(address);
        }
        found.push_back(std::move(device));
    }
    return found;
}

Result<> move_net_devices(const std::vector<MovingNetDevice>& devices, pid_t pid) {
    const sys::Fd target = TRY(sys::open_namespace(pid, "net"));
    const struct stat theirs = TRY(sys::fstat(target));
    const struct stat ours = TRY(sys::stat("/proc/self/ns/net"));
    if (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
        return fail(ErrorCode::InvalidArgument, "the container's network namespace is the host's");
    auto socket = TRY(sys::NetlinkSocket::open(NETLINK_ROUTE));
    for (const auto& device : devices) {
        sys::NetlinkBatch batch;
        sys::change_link(batch, {.index = device.index},
                         {.new_name = device.name, .network_namespace = target});
        TRY(socket.transact(batch).context("move ", device.host_name, " into the container"));
    }
    return {};
}

Result<> settle_net_devices(const std::vector<MovingNetDevice>& devices) {
    auto socket = TRY(sys::NetlinkSocket::open(NETLINK_ROUTE));
    for (const auto& device : devices) {
        const auto link = TRY(sys::find_link(socket, {.name = device.name}).context(device.name));
        sys::NetlinkBatch batch;
        for (const auto& address : device.addresses)
            sys::add_address(batch, {.link = link.index,
                                     .address = address.address,
                                     .prefix_length = address.prefix_length});
        sys::change_link(batch, {.index = link.index}, {.up = true});
        TRY(socket.transact(batch).context("set up ", device.name));
    }
    return {};
}

}  // namespace berth::runtime
