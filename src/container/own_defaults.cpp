#include "container/own_defaults.h"

#include <algorithm>

#include "base/text.h"

namespace berth::container {
namespace {

bool names(const std::vector<std::string>& capabilities, std::string_view wanted) {
    return std::ranges::any_of(capabilities, [&](const std::string& name) {
        const std::string upper = to_upper(name);
        return upper == "ALL" || upper == wanted || upper == concat("CAP_", wanted);
    });
}

}  // namespace

void apply_own_defaults(HostConfig& host) {
    if (!host.resources.pids_limit) host.resources.pids_limit = own_pids_limit;
    if (host.privileged) return;
    if (host.cgroupns_mode.empty()) host.cgroupns_mode = "private";
    for (const char* capability : {"AUDIT_WRITE", "MKNOD", "NET_RAW"}) {
        if (!names(host.cap_add, capability) && !names(host.cap_drop, capability))
            host.cap_drop.emplace_back(capability);
    }
}

}  // namespace berth::container
