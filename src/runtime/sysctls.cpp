#include "runtime/sysctls.h"

#include <algorithm>

#include "base/text.h"

namespace berth::runtime {
namespace {

constexpr std::string_view of_ipc[] = {"kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni",
                                       "kernel.sem",    "kernel.shmall",         "kernel.shmmax",
                                       "kernel.shmmni", "kernel.shm_rmid_forced"};

// The kind of namespace that has the parameter; empty: none.
std::string_view namespace_of(const std::vector<std::string>& names) {
    if (names[0] == "net") return "network";
    if (names.size() > 2 && names[0] == "fs" && names[1] == "mqueue") return "ipc";
    const std::string name = join(names, ".");
    if (std::ranges::find(of_ipc, name) != std::end(of_ipc)) return "ipc";
    return name == "kernel.domainname" || name == "kernel.hostname" ? "uts" : "";
}

}  // namespace

Result<std::string> sysctl_file(const std::string& key, const oci::RuntimeLinux& config,
                                bool has_network) {
    // sysctl(8): with a slash in it, dots belong to the names, as in
    // net/ipv4/conf/eth0.100/forwarding.
    const bool is_path = key.find('/') != std::string::npos;
    const std::vector<std::string> names = split(key, is_path ? '/' : '.');
    const auto leads_elsewhere = [](const std::string& name) {
        return name.empty() || name == "." || name == "..";
    };
    if (std::ranges::any_of(names, leads_elsewhere))
        return fail(ErrorCode::InvalidArgument, "sysctl \"", key, "\" is no kernel parameter");
    const std::string_view kind = namespace_of(names);
    const bool is_own = kind == "network" ? has_network || config.find_namespace(kind)
                                          : !kind.empty() && config.find_namespace(kind);
    if (!is_own)
        return fail(ErrorCode::PermissionDenied, "sysctl \"", key,
                    "\" is not in a separate kernel namespace");
    return concat("sys/", join(names, "/"));
}

}  // namespace berth::runtime
