#include "container/runtime_plan.h"

#include <algorithm>
#include <array>

#include "base/path.h"
#include "base/text.h"
#include "container/image_defaults.h"
#include "sys/capability.h"
#include "sys/file.h"

namespace berth::container {
namespace {

using oci::RuntimeMount;

constexpr std::array default_capabilities{
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};

const std::vector<std::string> masked_paths{
    "/proc/asound",     "/proc/acpi",        "/proc/interrupts",
    "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
// Read once for an engine.
const std::vector<std::string>& default_masked_paths() {
    static const std::vector<std::string> paths = [] {
        auto out = masked_paths;
        const auto added = thermal_paths("/sys/devices/system/cpu");
        out.insert(out.end(), added.begin(), added.end());
        return out;
    }();
    return paths;
}

const std::vector<std::string> readonly_paths{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                              "/proc/sysrq-trigger"};

constexpr char default_path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool is_host_network(const ContainerSpec& spec) { return spec.host.network_mode == "host"; }

Result<int> parse_capability(const std::string& name) {
    const auto number =
        sys::parse_capability(to_lower(name).starts_with("cap_") ? name.substr(4) : name);
    if (!number)
        return fail(ErrorCode::InvalidArgument, "invalid capability: unknown capability: \"CAP_",
                    to_upper(name), "\"");
    return *number;
}

sys::CapabilityMask all_capabilities() {
    return (sys::CapabilityMask{1} << (sys::last_capability() + 1)) - 1;
}

Result<sys::CapabilityMask> granted_capabilities(const HostConfig& host) {
    if (host.privileged) return all_capabilities();
    const auto is_all = [](const std::string& name) { return to_upper(name) == "ALL"; };
    const std::vector<std::string> defaults(default_capabilities.begin(),
                                            default_capabilities.end());
    sys::CapabilityMask mask = sys::capability_mask(defaults);
    if (std::ranges::any_of(host.cap_drop, is_all)) mask = 0;
    if (std::ranges::any_of(host.cap_add, is_all)) mask = all_capabilities();
    for (const std::string& name : host.cap_add) {
        if (!is_all(name)) mask |= sys::CapabilityMask{1} << TRY(parse_capability(name));
    }
    for (const std::string& name : host.cap_drop) {
        if (!is_all(name)) mask &= ~(sys::CapabilityMask{1} << TRY(parse_capability(name)));
    }
    return mask;
}

std::vector<std::string> environment(const ContainerSpec& spec, const RuntimeFacts& facts) {
    std::vector<std::string> env{default_path};
    if (!spec.hostname.empty()) env.push_back("HOSTNAME=" + spec.hostname);
    if (spec.tty) env.emplace_back("TERM=xterm");
    env.push_back("HOME=" + facts.user.home);
    for (const auto& [name, value] : facts.extra_env) env.push_back(concat(name, "=", value));
    merge_environment(env, spec.env);
    return env;
}

std::vector<oci::RuntimeLimit> limits(const ContainerSpec& spec, const RuntimeFacts& facts) {
    std::vector<oci::RuntimeLimit> out;
    const auto add = [&](const Ulimit& ulimit) {
        const std::string type = "RLIMIT_" + to_upper(ulimit.name);
        std::erase_if(out, [&](const oci::RuntimeLimit& known) { return known.type == type; });
        out.push_back({type, static_cast<std::uint64_t>(ulimit.soft),
                       static_cast<std::uint64_t>(ulimit.hard)});
    };
    for (const Ulimit& ulimit : facts.default_ulimits) add(ulimit);
    for (const Ulimit& ulimit : spec.host.ulimits) add(ulimit);
    return out;
}

/// What --security-opt says.
struct SecurityOptions {
    bool no_new_privileges = false;
    bool seccomp_unconfined = false;
    bool seccomp_strict = false;
    bool unmask_system_paths = false;
    std::optional<bool> writable_cgroups;
    std::string apparmor;
};

// As Go reads a bool; a word alone is true.
Result<bool> switch_value(const std::string& option, std::string_view value) {
    for (const std::string_view yes : {"", "1", "t", "T", "true", "TRUE", "True"})
        if (value == yes) return true;
    for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
        if (value == no) return false;
    return fail(ErrorCode::InvalidArgument, "invalid --security-opt 2: \"", option, "\"");
}

Result<SecurityOptions> security_options(const HostConfig& host) {
    SecurityOptions out;
    for (const std::string& option : host.security_opt) {
        auto pair = split_once(option, '=');
        if (!pair) pair = split_once(option, ':');
        const std::string_view key = pair ? pair->first : std::string_view(option);
        const std::string_view value = pair ? pair->second : std::string_view();
        if (key == "no-new-privileges")
            out.no_new_privileges = TRY(switch_value(option, value));
        else if (key == "writable-cgroups")
            out.writable_cgroups = TRY(switch_value(option, value));
        else if (key == "seccomp")
            out.seccomp_unconfined = value == "unconfined", out.seccomp_strict = value == "strict";
        else if (key == "systempaths")
            out.unmask_system_paths = value == "unconfined";
        else if (key == "apparmor")
            out.apparmor = value;
        else if (key != "label")
            return fail(ErrorCode::InvalidArgument, "invalid --security-opt 2: \"", option, "\"");
    }
    return out;
}

std::vector<RuntimeMount> default_mounts(const ContainerSpec& spec, const RuntimeFacts& facts,
                                         bool writable_cgroups) {
    const bool privileged = spec.host.privileged;
    const std::string shm_size =
        std::to_string(spec.host.shm_size > 0 ? spec.host.shm_size : facts.default_shm_size);
    const auto with_mode = [](std::vector<std::string> options, bool is_writable) {
        if (!is_writable) options.emplace_back("ro");
        return options;
    };
    std::vector<RuntimeMount> out;
    out.push_back({"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}, {}, {}});
    out.push_back(
        {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}, {}, {}});
    out.push_back({"/dev/pts",
                   "devpts",
                   "devpts",
                   {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"},
                   {},
                   {}});
    out.push_back(
        {"/sys", "sysfs", "sysfs", with_mode({"nosuid", "noexec", "nodev"}, privileged), {}, {}});
    out.push_back({"/sys/fs/cgroup",
                   "cgroup",
                   "cgroup",
                   with_mode({"nosuid", "noexec", "nodev"}, writable_cgroups),
                   {},
                   {}});
    out.push_back({"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}, {}, {}});
    if (!facts.shared_memory.empty()) {
        out.push_back({"/dev/shm",
                       "bind",
                       facts.shared_memory,
                       {"bind", "rprivate", "nosuid", "noexec", "nodev"},
                       {},
                       {}});
    } else if (spec.host.ipc_mode == "host") {
        out.push_back({"/dev/shm", "bind", "/dev/shm", {"rbind", "rprivate"}, {}, {}});
    } else if (spec.host.ipc_mode != "none") {
        out.push_back({"/dev/shm",
                       "tmpfs",
                       "shm",
                       {"nosuid", "noexec", "nodev", "mode=1777", "size=" + shm_size},
                       {},
                       {}});
    }
    return out;
}

void add_host_file(std::vector<RuntimeMount>& mounts, const std::string& target,
                   const std::string& source, bool read_only) {
    if (source.empty()) return;
    const bool covered = std::ranges::any_of(
        mounts, [&](const RuntimeMount& mount) { return mount.destination == target; });
    if (!covered)
        mounts.push_back(
            {target, "bind", source, {"bind", "rprivate", read_only ? "ro" : "rw"}, {}, {}});
}

std::vector<RuntimeMount> all_mounts(const ContainerSpec& spec, const RuntimeFacts& facts,
                                     bool writable_cgroups) {
    std::vector<RuntimeMount> wanted = facts.mounts;
    std::vector<RuntimeMount> out;
    for (RuntimeMount& mount : default_mounts(spec, facts, writable_cgroups)) {
        // A mount of the user's takes the place of a default one.
        const bool replaced = std::ranges::any_of(
            wanted, [&](const RuntimeMount& own) { return own.destination == mount.destination; });
        if (!replaced) out.push_back(std::move(mount));
    }
    add_host_file(wanted, "/etc/resolv.conf", facts.resolv_conf_path, false);
    add_host_file(wanted, "/etc/hostname", facts.hostname_path, false);
    add_host_file(wanted, "/etc/hosts", facts.hosts_path, false);
    add_host_file(wanted, "/sbin/docker-init", facts.init_program, true);
    // Outer targets before inner ones.
    std::ranges::stable_sort(wanted, {}, [](const RuntimeMount& mount) {
        return std::ranges::count(mount.destination, '/');
    });
    out.insert(out.end(), wanted.begin(), wanted.end());
    return out;
}

std::vector<oci::RuntimeNamespace> namespaces(const ContainerSpec& spec,
                                              const RuntimeFacts& facts) {
    std::vector<oci::RuntimeNamespace> out{{"mount", ""}};
    const HostConfig& host = spec.host;
    if (host.pid_mode != "host") out.push_back({"pid", facts.pid_namespace});
    if (host.ipc_mode != "host") out.push_back({"ipc", facts.ipc_namespace});
    if (host.uts_mode != "host") out.push_back({"uts", ""});
    if (!is_host_network(spec)) out.push_back({"network", ""});
    if (facts.user_ids) out.push_back({"user", ""});
    const bool private_cgroup = host.cgroupns_mode == "private" ||
                                (host.cgroupns_mode.empty() && facts.cgroup_v2 && !host.privileged);
    if (private_cgroup) out.push_back({"cgroup", ""});
    return out;
}

std::vector<oci::RuntimeDeviceRule> device_rules(const ContainerSpec& spec,
                                                 const RuntimeFacts& facts) {
    const auto allow = [](const char* type, std::optional<std::int64_t> major,
                          std::optional<std::int64_t> minor, const char* access) {
        return oci::RuntimeDeviceRule{
            .allow = true, .type = type, .major = major, .minor = minor, .access = access};
    };
    if (spec.host.privileged) return {allow("a", std::nullopt, std::nullopt, "rwm")};
    std::vector<oci::RuntimeDeviceRule> rules{{.allow = false, .type = "a", .access = "rwm"},
                                              allow("c", std::nullopt, std::nullopt, "m"),
                                              allow("b", std::nullopt, std::nullopt, "m")};
    // null zero full random urandom tty console ptmx pts
    for (const auto& [major, minor] : std::initializer_list<std::pair<int, int>>{
             {1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 1}, {5, 2}}) {
        rules.push_back(allow("c", major, minor, "rwm"));
    }
    rules.push_back(allow("c", 136, std::nullopt, "rwm"));
    rules.insert(rules.end(), facts.device_rules.begin(), facts.device_rules.end());
    return rules;
}

Result<oci::StringMap> sysctls(const ContainerSpec& spec, const RuntimeFacts& facts) {
    oci::StringMap out;
    for (const auto& [key, value] : spec.host.sysctls) {
        if (key.starts_with("net.") && is_host_network(spec)) {
            return fail(ErrorCode::InvalidArgument, "sysctl '", key,
                        "' not allowed in host network namespace");
        }
        out.emplace_back(key, value);
    }
    // As Docker does: programs may bind low ports and ping without capabilities.
    if (!is_host_network(spec) && !spec.network_disabled) {
        if (!spec.host.sysctls.contains("net.ipv4.ip_unprivileged_port_start"))
            out.emplace_back("net.ipv4.ip_unprivileged_port_start", "0");
        if (!spec.host.sysctls.contains("net.ipv4.ping_group_range"))
            out.emplace_back("net.ipv4.ping_group_range",
                             facts.user_ids ? concat("0 ", facts.user_ids->count - 1)
                                            : std::string("0 2147483647"));
    }
    return out;
}

}  // namespace

oci::RuntimeResources plan_resources(const Resources& resources, std::int64_t default_pids_limit) {
    oci::RuntimeResources out;
    const auto set = [](auto& target, auto value) {
        if (value != 0) target = value;
    };
    set(out.memory.limit, resources.memory);
    set(out.memory.reservation, resources.memory_reservation);
    if (resources.memory > 0) {
        // Docker: as much swap as memory again, unless something else is said.
        out.memory.swap = resources.memory_swap != 0 ? resources.memory_swap : resources.memory * 2;
    } else {
        set(out.memory.swap, resources.memory_swap);
    }
    if (resources.memory_swappiness && *resources.memory_swappiness >= 0) {
        out.memory.swappiness = static_cast<std::uint64_t>(*resources.memory_swappiness);
    }
    if (resources.oom_kill_disable) out.memory.disable_oom_killer = true;
    if (resources.nano_cpus > 0) {
        constexpr std::int64_t period = 100'000;
        out.cpu.period = static_cast<std::uint64_t>(period);
        out.cpu.quota = resources.nano_cpus * period / 1'000'000'000;
    } else {
        if (resources.cpu_period > 0)
            out.cpu.period = static_cast<std::uint64_t>(resources.cpu_period);
        set(out.cpu.quota, resources.cpu_quota);
    }
    if (resources.cpu_shares > 0) out.cpu.shares = static_cast<std::uint64_t>(resources.cpu_shares);
    if (resources.cpu_rt_period > 0)
        out.cpu.realtime_period = static_cast<std::uint64_t>(resources.cpu_rt_period);
    set(out.cpu.realtime_runtime, resources.cpu_rt_runtime);
    out.cpu.cpus = resources.cpuset_cpus;
    out.cpu.mems = resources.cpuset_mems;
    const std::int64_t pids = resources.pids_limit.value_or(default_pids_limit);
    if (pids > 0)
        out.pids_limit = pids;
    else if (resources.pids_limit && pids < 0)
        out.pids_limit = -1;
    if (resources.blkio_weight != 0) out.block_io.weight = resources.blkio_weight;
    return out;
}

Result<oci::RuntimeProcess> plan_process(const ContainerSpec& spec, const RuntimeFacts& facts) {
    const SecurityOptions security = TRY(security_options(spec.host));
    const sys::CapabilityMask mask = TRY(granted_capabilities(spec.host));
    const std::vector<std::string> names = sys::capability_names(mask);
    oci::RuntimeProcess process;
    process.terminal = spec.tty;
    process.console_rows = static_cast<unsigned>(std::max(0, spec.host.console_size.first));
    process.console_columns = static_cast<unsigned>(std::max(0, spec.host.console_size.second));
    // The primary group is one of the supplementary ones too, else a process could drop it and with
    // it what is denied to the group.
    std::vector<std::uint32_t> groups{facts.user.gid};
    std::ranges::copy_if(facts.user.groups, std::back_inserter(groups),
                         [&](auto gid) { return gid != facts.user.gid; });
    process.user = {.uid = facts.user.uid,
                    .gid = facts.user.gid,
                    .umask = std::nullopt,
                    .additional_gids = std::move(groups)};
    process.args = command_line(spec);
    process.env = environment(spec, facts);
    process.cwd = spec.working_dir.empty() ? "/" : clean_absolute_path(spec.working_dir);
    oci::RuntimeCapabilities capabilities;
    capabilities.bounding = names;
    // Someone other than root has none until the program's file or set-id bits say so.
    if (facts.user.uid == 0) capabilities.effective = capabilities.permitted = names;
    process.capabilities = std::move(capabilities);
    process.rlimits = limits(spec, facts);
    process.no_new_privileges = security.no_new_privileges;
    if (!security.apparmor.empty() && security.apparmor != "unconfined")
        process.apparmor_profile = security.apparmor;
    if (spec.host.oom_score_adj != 0) process.oom_score_adj = spec.host.oom_score_adj;
    return process;
}

std::vector<std::string> thermal_paths(const std::string& cpus) {
    std::vector<std::string> out;
    const auto entries = sys::list_dir(cpus);
    if (entries.is_error()) return out;
    for (const auto& entry : *entries) {
        const bool is_processor =
            entry.name.size() > 3 && entry.name.starts_with("cpu") &&
            entry.name.find_first_not_of("0123456789", 3) == std::string::npos;
        std::string path = concat(cpus, "/", entry.name, "/thermal_throttle");
        if (is_processor && sys::exists(path)) out.push_back(std::move(path));
    }
    std::sort(out.begin(), out.end());
    return out;
}

Result<oci::RuntimeSpec> plan_runtime(const ContainerSpec& spec, const RuntimeFacts& facts) {
    const SecurityOptions security = TRY(security_options(spec.host));
    oci::RuntimeSpec out;
    out.process = TRY(plan_process(spec, facts));
    if (!facts.init_program.empty()) {
        const char* prefix[] = {"/sbin/docker-init", "--"};
        out.process->args.insert(out.process->args.begin(), std::begin(prefix), std::end(prefix));
    }
    out.root = {.path = "rootfs", .readonly = spec.host.read_only_rootfs};
    if (spec.host.uts_mode != "host") {
        out.hostname = spec.hostname;
        out.domainname = spec.domainname;
    }
    out.mounts = all_mounts(spec, facts, security.writable_cgroups.value_or(spec.host.privileged));
    for (const auto& [key, value] : spec.host.annotations) out.annotations.emplace_back(key, value);
    out.linux_config.namespaces = namespaces(spec, facts);
    if (facts.user_ids) {
        const oci::RuntimeIdMapping ids{
            .container_id = 0, .host_id = facts.user_ids->first, .size = facts.user_ids->count};
        out.linux_config.uid_mappings = out.linux_config.gid_mappings = {ids};
    }
    out.linux_config.devices = facts.devices;
    out.hooks = facts.hooks;
    out.linux_config.cgroups_path = facts.cgroup_path;
    out.linux_config.resources = plan_resources(spec.host.resources, facts.default_pids_limit);
    out.linux_config.resources.devices = device_rules(spec, facts);
    out.linux_config.sysctl = TRY(sysctls(spec, facts));
    const bool unmasked = spec.host.privileged || security.unmask_system_paths;
    out.linux_config.masked_paths = unmasked
                                        ? std::vector<std::string>{}
                                        : spec.host.masked_paths.value_or(default_masked_paths());
    out.linux_config.readonly_paths =
        unmasked ? std::vector<std::string>{} : spec.host.readonly_paths.value_or(readonly_paths);
    if (facts.seccomp) {
        out.linux_config.seccomp = facts.seccomp;
    } else if (!spec.host.privileged && !security.seccomp_unconfined) {
        out.annotations.emplace_back(oci::seccomp_annotation,
                                     security.seccomp_strict ? "strict" : "default");
    }
    return out;
}

}  // namespace berth::container
