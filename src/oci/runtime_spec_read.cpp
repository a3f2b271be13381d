#include "base/text.h"
#include "oci/json_reader_internal.h"
#include "oci/runtime_spec.h"

namespace berth::oci {

using json::Reader;

// Found by argument-dependent look-up from json::read(). Declared before use, since the structures
// nest.
void read_members(Reader& r, RuntimeUser& user) {
    r("uid", user.uid)("gid", user.gid)("umask", user.umask)("additionalGids",
                                                             user.additional_gids);
}

void read_members(Reader& r, RuntimeCapabilities& sets) {
    r("bounding", sets.bounding)("effective", sets.effective)("inheritable", sets.inheritable);
    r("permitted", sets.permitted)("ambient", sets.ambient);
}

void read_members(Reader& r, RuntimeLimit& limit) {
    r.required("type", limit.type)("soft", limit.soft)("hard", limit.hard);
}

namespace {
struct ConsoleSize {
    unsigned width = 0;
    unsigned height = 0;
};
void read_members(Reader& r, ConsoleSize& size) { r("width", size.width)("height", size.height); }
}  // namespace

void read_members(Reader& r, RuntimeScheduler& s) {
    r.required("policy", s.policy)("nice", s.nice)("priority", s.priority)("flags", s.flags);
    r("runtime", s.runtime)("deadline", s.deadline)("period", s.period);
}

void read_members(Reader& r, RuntimeIoPriority& p) {
    r.required("class", p.io_class)("priority", p.priority);
}

void read_members(Reader& r, RuntimeCpuAffinity& a) { r("initial", a.initial)("final", a.final); }

void read_members(Reader& r, RuntimeProcess& process) {
    ConsoleSize size;
    r("terminal", process.terminal)("consoleSize", size)("user", process.user)("args",
                                                                               process.args);
    r("env", process.env).required("cwd", process.cwd)("capabilities", process.capabilities);
    r("rlimits", process.rlimits)("noNewPrivileges", process.no_new_privileges);
    r("apparmorProfile", process.apparmor_profile)("selinuxLabel", process.selinux_label);
    r("oomScoreAdj", process.oom_score_adj)("scheduler", process.scheduler);
    r("ioPriority", process.io_priority)("execCPUAffinity", process.exec_cpu_affinity);
    process.console_columns = size.width;
    process.console_rows = size.height;
}

void read_members(Reader& r, RuntimeIdMapping& map) {
    r("containerID", map.container_id)("hostID", map.host_id)("size", map.size);
}

void read_members(Reader& r, RuntimeMount& mount) {
    r.required("destination", mount.destination)("type", mount.type)("source", mount.source);
    r("options", mount.options)("uidMappings", mount.uid_mappings)("gidMappings",
                                                                   mount.gid_mappings);
}

void read_members(Reader& r, RuntimeHook& hook) {
    r.required("path", hook.path)("args", hook.args)("env", hook.env)("timeout", hook.timeout);
}

void read_members(Reader& r, RuntimeHooks& hooks) {
    r("prestart", hooks.prestart)("createRuntime", hooks.create_runtime);
    r("createContainer", hooks.create_container)("startContainer", hooks.start_container);
    r("poststart", hooks.poststart)("poststop", hooks.poststop);
}

void read_members(Reader& r, RuntimeNamespace& entry) {
    r.required("type", entry.type)("path", entry.path);
}

void read_members(Reader& r, RuntimeDevice& device) {
    r.required("type", device.type)
        .required("path", device.path)("major", device.major)("minor", device.minor);
    r("fileMode", device.file_mode)("uid", device.uid)("gid", device.gid);
}

void read_members(Reader& r, RuntimeDeviceRule& rule) {
    r("allow", rule.allow)("type", rule.type)("major", rule.major)("minor", rule.minor)(
        "access", rule.access);
    if (rule.type.empty()) rule.type = "a";
    if (rule.access.empty()) rule.access = "rwm";
}

void read_members(Reader& r, RuntimeMemory& memory) {
    r("limit", memory.limit)("reservation", memory.reservation)("swap", memory.swap)(
        "kernelTCP", memory.kernel_tcp);
    r("swappiness", memory.swappiness)("disableOOMKiller", memory.disable_oom_killer);
    r("checkBeforeUpdate", memory.check_before_update);
}

void read_members(Reader& r, RuntimeCpu& cpu) {
    r("shares", cpu.shares)("quota", cpu.quota)("burst", cpu.burst)("period", cpu.period);
    r("realtimeRuntime", cpu.realtime_runtime)("realtimePeriod", cpu.realtime_period);
    r("cpus", cpu.cpus)("mems", cpu.mems)("idle", cpu.idle);
}

void read_members(Reader& r, RuntimeWeightDevice& device) {
    r("major", device.major)("minor", device.minor)("weight", device.weight)("leafWeight",
                                                                             device.leaf_weight);
}

void read_members(Reader& r, RuntimeThrottleDevice& device) {
    r("major", device.major)("minor", device.minor)("rate", device.rate);
}

void read_members(Reader& r, RuntimeBlockIo& io) {
    r("weight", io.weight)("leafWeight", io.leaf_weight)("weightDevice", io.weight_devices);
    r("throttleReadBpsDevice", io.read_bps)("throttleWriteBpsDevice", io.write_bps);
    r("throttleReadIOPSDevice", io.read_iops)("throttleWriteIOPSDevice", io.write_iops);
}

void read_members(Reader& r, RuntimeHugepageLimit& limit) {
    r.required("pageSize", limit.page_size)("limit", limit.limit);
}

namespace {
struct Pids {
    std::optional<std::int64_t> limit;
};
struct Priority {
    std::string name;
    std::uint32_t priority = 0;
};
struct Network {
    std::optional<std::uint32_t> class_id;
    std::vector<Priority> priorities;
};
void read_members(Reader& r, Pids& pids) { r("limit", pids.limit); }
void read_members(Reader& r, Priority& p) { r.required("name", p.name)("priority", p.priority); }
void read_members(Reader& r, Network& network) {
    r("classID", network.class_id)("priorities", network.priorities);
}
}  // namespace

void read_members(Reader& r, RuntimeRdma& rdma) {
    r("hcaHandles", rdma.hca_handles)("hcaObjects", rdma.hca_objects);
}

void read_members(Reader& r, RuntimeResources& resources) {
    Pids pids;
    Network network;
    r("devices", resources.devices)("memory", resources.memory)("cpu", resources.cpu)("pids", pids);
    r("blockIO", resources.block_io)("hugepageLimits", resources.hugepages)("network", network);
    r("unified", resources.unified)("rdma", resources.rdma);
    resources.pids_limit = pids.limit;
    resources.network_class = network.class_id;
    for (const auto& entry : network.priorities)
        resources.network_priorities.emplace_back(entry.name, std::to_string(entry.priority));
}

void read_members(Reader& r, SeccompArgument& argument) {
    r("index", argument.index)("value", argument.value)("valueTwo", argument.value_two)
        .required("op", argument.op);
}

void read_members(Reader& r, SeccompSyscall& rule) {
    r.required("names", rule.names)
        .required("action", rule.action)("errnoRet", rule.errno_ret)("args", rule.args);
}

void read_members(Reader& r, RuntimeSeccomp& seccomp) {
    r.required("defaultAction", seccomp.default_action)("defaultErrnoRet",
                                                        seccomp.default_errno_ret);
    r("architectures", seccomp.architectures)("flags", seccomp.flags)("listenerPath",
                                                                      seccomp.listener_path);
    r("listenerMetadata", seccomp.listener_metadata)("syscalls", seccomp.syscalls);
}

void read_members(Reader& r, RuntimeTimeOffset& offset) {
    r("secs", offset.secs)("nanosecs", offset.nanosecs);
}

void read_members(Reader& r, RuntimePersonality& personality) {
    r.required("domain", personality.domain)("flags", personality.flags);
}

void read_members(Reader& r, RuntimeMemoryPolicy& policy) {
    r.required("mode", policy.mode)("nodes", policy.nodes)("flags", policy.flags);
}

void read_members(Reader& r, RuntimeIntelRdt& rdt) {
    r("closID", rdt.clos_id)("schemata", rdt.schemata)("l3CacheSchema", rdt.l3_cache_schema);
    r("memBwSchema", rdt.mem_bw_schema)("enableMonitoring", rdt.enable_monitoring);
}

void read_members(Reader& r, RuntimeNetDevice& device) { r("name", device.name); }

void read_members(Reader& r, RuntimeLinux& value) {
    r("namespaces", value.namespaces)("uidMappings", value.uid_mappings)("gidMappings",
                                                                         value.gid_mappings);
    r("devices", value.devices)("cgroupsPath", value.cgroups_path)("resources", value.resources);
    r("rootfsPropagation", value.rootfs_propagation)("seccomp", value.seccomp)("sysctl",
                                                                               value.sysctl);
    r("maskedPaths", value.masked_paths)("readonlyPaths", value.readonly_paths)("mountLabel",
                                                                                value.mount_label);
    r("timeOffsets", value.time_offsets)("personality", value.personality);
    r("memoryPolicy", value.memory_policy)("intelRdt", value.intel_rdt)("netDevices",
                                                                        value.net_devices);
}

void read_members(Reader& r, RuntimeRoot& root) {
    r.required("path", root.path)("readonly", root.readonly);
}

void read_members(Reader& r, RuntimeSpec& spec) {
    r.required("ociVersion", spec.oci_version)("process", spec.process)("root", spec.root);
    r("hostname", spec.hostname)("domainname", spec.domainname)("mounts", spec.mounts)("hooks",
                                                                                       spec.hooks);
    r("annotations", spec.annotations)("linux", spec.linux_config);
}

namespace {

Result<> check_process(const RuntimeProcess& process) {
    if (!process.cwd.starts_with('/'))
        return fail(ErrorCode::InvalidArgument, "process.cwd must be an absolute path");
    if (process.args.empty())
        return fail(ErrorCode::InvalidArgument, "process.args must not be empty");
    return {};
}

Result<> check_linux(const RuntimeLinux& config) {
    for (const auto& [clock, offset] : config.time_offsets) {
        if (clock != "monotonic" && clock != "boottime")
            return fail(ErrorCode::InvalidArgument, "linux.timeOffsets: unknown clock ", clock);
        if (!config.find_namespace("time") || !config.find_namespace("time")->path.empty())
            return fail(ErrorCode::InvalidArgument, "linux.timeOffsets needs a new time namespace");
    }
    for (const auto& [file, value] : config.resources.unified) {
        // A key is the name of one file in the container's own cgroup.
        if (file.find('/') != std::string::npos || file == "." || file == ".." || file.empty())
            return fail(ErrorCode::InvalidArgument, "linux.resources.unified: ", file,
                        " is not a file name");
    }
    return {};
}

Result<> check_spec(const RuntimeSpec& spec) {
    if (!spec.oci_version.starts_with("1."))
        return fail(ErrorCode::InvalidArgument, "ociVersion ", spec.oci_version,
                    " is not supported");
    if (spec.process) TRY(check_process(*spec.process));
    TRY(check_linux(spec.linux_config));
    for (const auto& mount : spec.mounts) {
        if (mount.destination.empty())
            return fail(ErrorCode::InvalidArgument, "a mount has an empty destination");
    }
    for (const auto& entry : spec.linux_config.namespaces) {
        std::size_t count = 0;
        for (const auto& other : spec.linux_config.namespaces) count += other.type == entry.type;
        if (count > 1)
            return fail(ErrorCode::InvalidArgument, "namespace ", entry.type, " is listed twice");
    }
    return {};
}

}  // namespace

Result<RuntimeSpec> parse_runtime_spec(std::string_view text) {
    RuntimeSpec spec = TRY(json::read_document<RuntimeSpec>(text));
    TRY(check_spec(spec));
    return spec;
}

Result<RuntimeProcess> parse_runtime_process(std::string_view text) {
    RuntimeProcess process = TRY(json::read_document<RuntimeProcess>(text));
    TRY(check_process(process));
    return process;
}

Result<RuntimeResources> parse_runtime_resources(std::string_view text) {
    return json::read_document<RuntimeResources>(text);
}

}  // namespace berth::oci
