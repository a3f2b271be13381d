#include "base/text.h"
#include "codec/json.h"
#include "oci/runtime_spec.h"

namespace berth::oci {
namespace {

using codec::Json;

// Empty and absent members are left out, as Go's `omitempty` does.
void put(Json& object, const char* key, const std::string& value) {
    if (!value.empty()) object[key] = value;
}
void put(Json& object, const char* key, bool value) {
    if (value) object[key] = true;
}
template <typename T>
void put(Json& object, const char* key, const std::optional<T>& value) {
    if (value) object[key] = *value;
}
void put(Json& object, const char* key, Json value) {
    if (!value.empty()) object[key] = std::move(value);
}
void put(Json& object, const char* key, const std::vector<std::string>& values) {
    if (!values.empty()) object[key] = values;
}
void put(Json& object, const char* key, const StringMap& values) {
    for (const auto& [name, value] : values) object[key][name] = value;
}

template <typename T, typename Write>
Json array_of(const std::vector<T>& values, Write write) {
    Json array = Json::array();
    for (const auto& value : values) array.push_back(write(value));
    return array;
}

Json write_user(const RuntimeUser& user) {
    Json out = {{"uid", user.uid}, {"gid", user.gid}};
    put(out, "umask", user.umask);
    if (!user.additional_gids.empty()) out["additionalGids"] = user.additional_gids;
    return out;
}

// An empty set differs from an absent `capabilities` member, so all five are always written.
Json write_capabilities(const RuntimeCapabilities& sets) {
    return {{"bounding", sets.bounding},
            {"effective", sets.effective},
            {"inheritable", sets.inheritable},
            {"permitted", sets.permitted},
            {"ambient", sets.ambient}};
}

void put_number(Json& object, const char* key, std::uint64_t value) {
    if (value) object[key] = value;
}

Json write_scheduler(const RuntimeScheduler& scheduler) {
    Json out = {{"policy", scheduler.policy}};
    if (scheduler.nice) out["nice"] = scheduler.nice;
    if (scheduler.priority) out["priority"] = scheduler.priority;
    put(out, "flags", scheduler.flags);
    put_number(out, "runtime", scheduler.runtime);
    put_number(out, "deadline", scheduler.deadline);
    put_number(out, "period", scheduler.period);
    return out;
}

Json write_process(const RuntimeProcess& process) {
    Json out = Json::object();
    put(out, "terminal", process.terminal);
    if (process.console_columns || process.console_rows)
        out["consoleSize"] = {{"width", process.console_columns}, {"height", process.console_rows}};
    out["user"] = write_user(process.user);
    put(out, "args", process.args);
    put(out, "env", process.env);
    out["cwd"] = process.cwd;
    if (process.capabilities) out["capabilities"] = write_capabilities(*process.capabilities);
    put(out, "rlimits", array_of(process.rlimits, [](const RuntimeLimit& limit) -> Json {
            return {{"type", limit.type}, {"soft", limit.soft}, {"hard", limit.hard}};
        }));
    put(out, "noNewPrivileges", process.no_new_privileges);
    put(out, "apparmorProfile", process.apparmor_profile);
    put(out, "selinuxLabel", process.selinux_label);
    put(out, "oomScoreAdj", process.oom_score_adj);
    if (process.scheduler) out["scheduler"] = write_scheduler(*process.scheduler);
    if (process.io_priority)
        out["ioPriority"] = {{"class", process.io_priority->io_class},
                             {"priority", process.io_priority->priority}};
    Json affinity = Json::object();
    put(affinity, "initial", process.exec_cpu_affinity.initial);
    put(affinity, "final", process.exec_cpu_affinity.final);
    put(out, "execCPUAffinity", std::move(affinity));
    return out;
}

Json write_mapping(const RuntimeIdMapping& map) {
    return {{"containerID", map.container_id}, {"hostID", map.host_id}, {"size", map.size}};
}

Json write_mount(const RuntimeMount& mount) {
    Json out = {{"destination", mount.destination}};
    put(out, "type", mount.type);
    put(out, "source", mount.source);
    put(out, "options", mount.options);
    put(out, "uidMappings", array_of(mount.uid_mappings, write_mapping));
    put(out, "gidMappings", array_of(mount.gid_mappings, write_mapping));
    return out;
}

Json write_hook(const RuntimeHook& hook) {
    Json out = {{"path", hook.path}};
    put(out, "args", hook.args);
    put(out, "env", hook.env);
    put(out, "timeout", hook.timeout);
    return out;
}

Json write_hooks(const RuntimeHooks& hooks) {
    Json out = Json::object();
    put(out, "prestart", array_of(hooks.prestart, write_hook));
    put(out, "createRuntime", array_of(hooks.create_runtime, write_hook));
    put(out, "createContainer", array_of(hooks.create_container, write_hook));
    put(out, "startContainer", array_of(hooks.start_container, write_hook));
    put(out, "poststart", array_of(hooks.poststart, write_hook));
    put(out, "poststop", array_of(hooks.poststop, write_hook));
    return out;
}

Json write_device(const RuntimeDevice& device) {
    Json out = {{"type", device.type},
                {"path", device.path},
                {"major", device.major},
                {"minor", device.minor}};
    put(out, "fileMode", device.file_mode);
    put(out, "uid", device.uid);
    put(out, "gid", device.gid);
    return out;
}

Json write_rule(const RuntimeDeviceRule& rule) {
    Json out = {{"allow", rule.allow}, {"type", rule.type}, {"access", rule.access}};
    put(out, "major", rule.major);
    put(out, "minor", rule.minor);
    return out;
}

Json write_memory(const RuntimeMemory& memory) {
    Json out = Json::object();
    put(out, "limit", memory.limit);
    put(out, "reservation", memory.reservation);
    put(out, "swap", memory.swap);
    put(out, "kernelTCP", memory.kernel_tcp);
    put(out, "swappiness", memory.swappiness);
    put(out, "disableOOMKiller", memory.disable_oom_killer);
    put(out, "checkBeforeUpdate", memory.check_before_update);
    return out;
}

Json write_cpu(const RuntimeCpu& cpu) {
    Json out = Json::object();
    put(out, "shares", cpu.shares);
    put(out, "quota", cpu.quota);
    put(out, "burst", cpu.burst);
    put(out, "period", cpu.period);
    put(out, "realtimeRuntime", cpu.realtime_runtime);
    put(out, "realtimePeriod", cpu.realtime_period);
    put(out, "cpus", cpu.cpus);
    put(out, "mems", cpu.mems);
    put(out, "idle", cpu.idle);
    return out;
}

Json write_throttle(const RuntimeThrottleDevice& device) {
    return {{"major", device.major}, {"minor", device.minor}, {"rate", device.rate}};
}

Json write_block_io(const RuntimeBlockIo& io) {
    Json out = Json::object();
    put(out, "weight", io.weight);
    put(out, "leafWeight", io.leaf_weight);
    put(out, "weightDevice", array_of(io.weight_devices, [](const RuntimeWeightDevice& device) {
            Json entry = {{"major", device.major}, {"minor", device.minor}};
            put(entry, "weight", device.weight);
            put(entry, "leafWeight", device.leaf_weight);
            return entry;
        }));
    put(out, "throttleReadBpsDevice", array_of(io.read_bps, write_throttle));
    put(out, "throttleWriteBpsDevice", array_of(io.write_bps, write_throttle));
    put(out, "throttleReadIOPSDevice", array_of(io.read_iops, write_throttle));
    put(out, "throttleWriteIOPSDevice", array_of(io.write_iops, write_throttle));
    return out;
}

Json write_resources(const RuntimeResources& resources) {
    Json out = Json::object();
    put(out, "devices", array_of(resources.devices, write_rule));
    put(out, "memory", write_memory(resources.memory));
    put(out, "cpu", write_cpu(resources.cpu));
    if (resources.pids_limit) out["pids"] = {{"limit", *resources.pids_limit}};
    put(out, "blockIO", write_block_io(resources.block_io));
    put(out, "hugepageLimits",
        array_of(resources.hugepages, [](const RuntimeHugepageLimit& limit) -> Json {
            return {{"pageSize", limit.page_size}, {"limit", limit.limit}};
        }));
    Json network = Json::object();
    put(network, "classID", resources.network_class);
    put(network, "priorities",
        array_of(resources.network_priorities, [](const auto& entry) -> Json {
            return {{"name", entry.first}, {"priority", parse_uint(entry.second).value_or(0)}};
        }));
    put(out, "network", std::move(network));
    put(out, "unified", resources.unified);
    for (const auto& [device, limits] : resources.rdma) {
        Json& entry = out["rdma"][device] = Json::object();
        put(entry, "hcaHandles", limits.hca_handles);
        put(entry, "hcaObjects", limits.hca_objects);
    }
    return out;
}

Json write_syscall(const SeccompSyscall& rule) {
    Json out = {{"names", rule.names}, {"action", rule.action}};
    put(out, "errnoRet", rule.errno_ret);
    put(out, "args", array_of(rule.args, [](const SeccompArgument& argument) -> Json {
            return {{"index", argument.index},
                    {"value", argument.value},
                    {"valueTwo", argument.value_two},
                    {"op", argument.op}};
        }));
    return out;
}

Json write_seccomp(const RuntimeSeccomp& seccomp) {
    Json out = {{"defaultAction", seccomp.default_action}};
    put(out, "defaultErrnoRet", seccomp.default_errno_ret);
    put(out, "architectures", seccomp.architectures);
    put(out, "flags", seccomp.flags);
    put(out, "listenerPath", seccomp.listener_path);
    put(out, "listenerMetadata", seccomp.listener_metadata);
    put(out, "syscalls", array_of(seccomp.syscalls, write_syscall));
    return out;
}

Json write_intel_rdt(const RuntimeIntelRdt& rdt) {
    Json out = Json::object();
    put(out, "closID", rdt.clos_id);
    put(out, "schemata", rdt.schemata);
    put(out, "l3CacheSchema", rdt.l3_cache_schema);
    put(out, "memBwSchema", rdt.mem_bw_schema);
    put(out, "enableMonitoring", rdt.enable_monitoring);
    return out;
}

// What came to the specification after 1.0, in the order it came.
void write_newer(const RuntimeLinux& value, Json& out) {
    for (const auto& [clock, offset] : value.time_offsets)
        out["timeOffsets"][clock] = {{"secs", offset.secs}, {"nanosecs", offset.nanosecs}};
    if (value.personality) {
        out["personality"] = {{"domain", value.personality->domain}};
        put(out["personality"], "flags", value.personality->flags);
    }
    if (value.memory_policy) {
        out["memoryPolicy"] = {{"mode", value.memory_policy->mode}};
        put(out["memoryPolicy"], "nodes", value.memory_policy->nodes);
        put(out["memoryPolicy"], "flags", value.memory_policy->flags);
    }
    if (value.intel_rdt) out["intelRdt"] = write_intel_rdt(*value.intel_rdt);
    for (const auto& [host_name, device] : value.net_devices) {
        out["netDevices"][host_name] = Json::object();
        put(out["netDevices"][host_name], "name", device.name);
    }
}

Json write_linux(const RuntimeLinux& value) {
    Json out = Json::object();
    put(out, "namespaces", array_of(value.namespaces, [](const RuntimeNamespace& entry) {
            Json item = {{"type", entry.type}};
            put(item, "path", entry.path);
            return item;
        }));
    put(out, "uidMappings", array_of(value.uid_mappings, write_mapping));
    put(out, "gidMappings", array_of(value.gid_mappings, write_mapping));
    put(out, "devices", array_of(value.devices, write_device));
    put(out, "cgroupsPath", value.cgroups_path);
    put(out, "resources", write_resources(value.resources));
    put(out, "rootfsPropagation", value.rootfs_propagation);
    if (value.seccomp) out["seccomp"] = write_seccomp(*value.seccomp);
    put(out, "sysctl", value.sysctl);
    put(out, "maskedPaths", value.masked_paths);
    put(out, "readonlyPaths", value.readonly_paths);
    put(out, "mountLabel", value.mount_label);
    write_newer(value, out);
    return out;
}

}  // namespace

std::string to_json(const RuntimeSpec& spec) {
    Json out = {{"ociVersion", spec.oci_version}};
    if (spec.process) out["process"] = write_process(*spec.process);
    out["root"] = {{"path", spec.root.path}};
    put(out["root"], "readonly", spec.root.readonly);
    put(out, "hostname", spec.hostname);
    put(out, "domainname", spec.domainname);
    put(out, "mounts", array_of(spec.mounts, write_mount));
    put(out, "hooks", write_hooks(spec.hooks));
    put(out, "annotations", spec.annotations);
    out["linux"] = write_linux(spec.linux_config);
    return codec::dump_json(out);
}

std::string to_json(const RuntimeProcess& process) {
    return codec::dump_json(write_process(process));
}

}  // namespace berth::oci
