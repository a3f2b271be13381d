#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "codec/json.h"
#include "runtime/command/command.h"
#include "runtime/launch.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

oci::RuntimeMount mount(std::string destination, std::string type, std::string source,
                        std::string_view options) {
    return {.destination = std::move(destination),
            .type = std::move(type),
            .source = std::move(source),
            .options = split(options, ',')};
}

oci::RuntimeProcess default_process() {
    oci::RuntimeProcess process;
    process.terminal = true;
    process.args = {"sh"};
    process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   "TERM=xterm"};
    const std::vector<std::string> granted = {"CAP_AUDIT_WRITE", "CAP_KILL",
                                              "CAP_NET_BIND_SERVICE"};
    process.capabilities =
        oci::RuntimeCapabilities{.bounding = granted, .effective = granted, .permitted = granted};
    process.rlimits = {{.type = "RLIMIT_NOFILE", .soft = 1024, .hard = 1024}};
    process.no_new_privileges = true;
    return process;
}

oci::RuntimeSpec default_spec() {
    oci::RuntimeSpec spec;
    spec.process = default_process();
    spec.root = {.path = "rootfs", .readonly = true};
    spec.hostname = "berth";
    spec.mounts = {mount("/proc", "proc", "proc", "nosuid,noexec,nodev"),
                   mount("/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
                   mount("/dev/pts", "devpts", "devpts",
                         "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"),
                   mount("/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"),
                   mount("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"),
                   mount("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"),
                   mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro")};
    for (const std::string type : {"pid", "network", "ipc", "uts", "mount", "cgroup"})
        spec.linux_config.namespaces.push_back({.type = type});
    spec.linux_config.resources.devices = {{.allow = false}};
    spec.linux_config.masked_paths = {
        "/proc/acpi",       "/proc/asound",      "/proc/interrupts",
        "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
        "/sys/firmware",    "/proc/scsi",        "/sys/devices/virtual/powercap"};
    spec.linux_config.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                        "/proc/sysrq-trigger"};
    return spec;
}

// Without root's rights: a user namespace in which only the caller exists, the host's network, no
// cgroups.
void make_rootless(oci::RuntimeSpec& spec) {
    auto& config = spec.linux_config;
    std::erase_if(config.namespaces, [](const auto& entry) { return entry.type == "network"; });
    config.namespaces.push_back({.type = "user"});
    config.uid_mappings = {{.container_id = 0, .host_id = ::geteuid(), .size = 1}};
    config.gid_mappings = {{.container_id = 0, .host_id = ::getegid(), .size = 1}};
    config.resources = {};
    std::erase_if(spec.mounts, [](const auto& entry) {
        return entry.type == "cgroup" || entry.type == "sysfs";
    });
    for (auto& entry : spec.mounts) std::erase(entry.options, "gid=5");
    spec.mounts.push_back(mount("/sys", "none", "/sys", "rbind,nosuid,noexec,nodev,ro"));
}

}  // namespace

CommandResult spec_command(const CommandContext& context) {
    static constexpr FlagSpec flags[] = {{"bundle", 'b', true}, {"rootless", 0, false}};
    const Arguments arguments = TRY(Arguments::parse(context.words, flags));
    oci::RuntimeSpec spec = default_spec();
    if (arguments.has("rootless")) make_rootless(spec);
    const std::string path = arguments.value("bundle", ".") + "/config.json";
    const auto json = TRY(codec::parse_json(oci::to_json(spec)));
    auto file = sys::open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (file.is_error() && file.error().is(ErrorCode::AlreadyExists))
        return fail(ErrorCode::AlreadyExists, "File ", path, " exists. Remove it first");
    TRY(sys::write_all(TRY(std::move(file)),
                       std::string_view(codec::dump_json_pretty(json, 4) + "\n")));
    return 0;
}

}  // namespace berth::runtime
