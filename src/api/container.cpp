#include "api/container.h"

#include "api/fields_internal.h"
#include "api/json_values.h"
#include "api/network_fields_internal.h"

namespace berth::api {

template <typename Visitor>
void describe(Visitor& field, HealthConfig& value) {
    field.omit_empty("Test", value.test);
    field.omit_empty("Interval", value.interval);
    field.omit_empty("Timeout", value.timeout);
    field.omit_empty("StartPeriod", value.start_period);
    field.omit_empty("StartInterval", value.start_interval);
    field.omit_empty("Retries", value.retries);
}

template <typename Visitor>
void describe(Visitor& field, ContainerConfig& value) {
    field("Hostname", value.hostname);
    field("Domainname", value.domainname);
    field("User", value.user);
    field("AttachStdin", value.attach_stdin);
    field("AttachStdout", value.attach_stdout);
    field("AttachStderr", value.attach_stderr);
    field.set_or_omit("ExposedPorts", value.exposed_ports);
    field("Tty", value.tty);
    field("OpenStdin", value.open_stdin);
    field("StdinOnce", value.stdin_once);
    field("Env", value.env);
    field.command("Cmd", value.cmd);
    field.omit_empty("Healthcheck", value.healthcheck);
    field.omit_empty("ArgsEscaped", value.args_escaped);
    field("Image", value.image);
    field.set("Volumes", value.volumes);
    field("WorkingDir", value.working_dir);
    field.command("Entrypoint", value.entrypoint);
    field.omit_empty("NetworkDisabled", value.network_disabled);
    field.omit_empty("MacAddress", value.mac_address);
    field.nullable("OnBuild", value.on_build);
    field("Labels", value.labels);
    field.omit_empty("StopSignal", value.stop_signal);
    field.omit_empty("StopTimeout", value.stop_timeout);
    field.omit_empty("Shell", value.shell);
}

template <typename Visitor>
void describe(Visitor& field, PortBinding& value) {
    field("HostIp", value.host_ip);
    field("HostPort", value.host_port);
}

template <typename Visitor>
void describe(Visitor& field, RestartPolicy& value) {
    field("Name", value.name);
    field("MaximumRetryCount", value.maximum_retry_count);
}

template <typename Visitor>
void describe(Visitor& field, LogConfig& value) {
    field("Type", value.type);
    field("Config", value.config);
}

template <typename Visitor>
void describe(Visitor& field, Ulimit& value) {
    field("Name", value.name);
    field("Hard", value.hard);
    field("Soft", value.soft);
}

template <typename Visitor>
void describe(Visitor& field, DeviceMapping& value) {
    field("PathOnHost", value.path_on_host);
    field("PathInContainer", value.path_in_container);
    field("CgroupPermissions", value.cgroup_permissions);
}

template <typename Visitor>
void describe(Visitor& field, DeviceRequest& value) {
    field("Driver", value.driver);
    field("Count", value.count);
    field.nullable("DeviceIDs", value.device_ids);
    field.nullable("Capabilities", value.capabilities);
    field("Options", value.options);
}

template <typename Visitor>
void describe(Visitor& field, ThrottleDevice& value) {
    field("Path", value.path);
    field("Rate", value.rate);
}

template <typename Visitor>
void describe(Visitor& field, WeightDevice& value) {
    field("Path", value.path);
    field("Weight", value.weight);
}

template <typename Visitor>
void describe(Visitor& field, Mount::BindOptions& value) {
    field.omit_empty("Propagation", value.propagation);
    field.omit_empty("NonRecursive", value.non_recursive);
    field.omit_empty("CreateMountpoint", value.create_mountpoint);
    field.omit_empty("ReadOnlyNonRecursive", value.read_only_non_recursive);
    field.omit_empty("ReadOnlyForceRecursive", value.read_only_force_recursive);
}

template <typename Visitor>
void describe(Visitor& field, Mount::DriverConfig& value) {
    field.omit_empty("Name", value.name);
    field.omit_empty("Options", value.options);
}

template <typename Visitor>
void describe(Visitor& field, Mount::VolumeOptions& value) {
    field.omit_empty("NoCopy", value.no_copy);
    field.omit_empty("Labels", value.labels);
    field.omit_empty("DriverConfig", value.driver_config);
    field.omit_empty("Subpath", value.subpath);
}

template <typename Visitor>
void describe(Visitor& field, Mount::TmpfsOptions& value) {
    field.omit_empty("SizeBytes", value.size_bytes);
    field.omit_empty("Mode", value.mode);
}

template <typename Visitor>
void describe(Visitor& field, Mount::ImageOptions& value) {
    field.omit_empty("Subpath", value.subpath);
}

template <typename Visitor>
void describe(Visitor& field, Mount& value) {
    field("Type", value.type);
    field.omit_empty("Source", value.source);
    field("Target", value.target);
    field.omit_empty("ReadOnly", value.read_only);
    field.omit_empty("Consistency", value.consistency);
    field.omit_empty("BindOptions", value.bind_options);
    field.omit_empty("VolumeOptions", value.volume_options);
    field.omit_empty("ImageOptions", value.image_options);
    field.omit_empty("TmpfsOptions", value.tmpfs_options);
}

template <typename Visitor>
void describe(Visitor& field, Resources& value) {
    field("CpuShares", value.cpu_shares);
    field("Memory", value.memory);
    field("NanoCpus", value.nano_cpus);
    field("CgroupParent", value.cgroup_parent);
    field("BlkioWeight", value.blkio_weight);
    field("BlkioWeightDevice", value.blkio_weight_device);
    field("BlkioDeviceReadBps", value.blkio_device_read_bps);
    field("BlkioDeviceWriteBps", value.blkio_device_write_bps);
    field("BlkioDeviceReadIOps", value.blkio_device_read_iops);
    field("BlkioDeviceWriteIOps", value.blkio_device_write_iops);
    field("CpuPeriod", value.cpu_period);
    field("CpuQuota", value.cpu_quota);
    field("CpuRealtimePeriod", value.cpu_realtime_period);
    field("CpuRealtimeRuntime", value.cpu_realtime_runtime);
    field("CpusetCpus", value.cpuset_cpus);
    field("CpusetMems", value.cpuset_mems);
    field("Devices", value.devices);
    field.nullable("DeviceCgroupRules", value.device_cgroup_rules);
    field.nullable("DeviceRequests", value.device_requests);
    field("MemoryReservation", value.memory_reservation);
    field("MemorySwap", value.memory_swap);
    field("MemorySwappiness", value.memory_swappiness);
    field("OomKillDisable", value.oom_kill_disable);
    field("PidsLimit", value.pids_limit);
    field("Ulimits", value.ulimits);
    field("CpuCount", value.cpu_count);
    field("CpuPercent", value.cpu_percent);
    field("IOMaximumIOps", value.io_maximum_iops);
    field("IOMaximumBandwidth", value.io_maximum_bandwidth);
}

template <typename Visitor>
void describe(Visitor& field, HostConfig& value) {
    field.nullable("Binds", value.binds);
    field("ContainerIDFile", value.container_id_file);
    field("LogConfig", value.log_config);
    field("NetworkMode", value.network_mode);
    field("PortBindings", value.port_bindings);
    field("RestartPolicy", value.restart_policy);
    field("AutoRemove", value.auto_remove);
    field("VolumeDriver", value.volume_driver);
    field.nullable("VolumesFrom", value.volumes_from);
    field("ConsoleSize", value.console_size);
    field.omit_empty("Annotations", value.annotations);
    field.nullable("CapAdd", value.cap_add);
    field.nullable("CapDrop", value.cap_drop);
    field("CgroupnsMode", value.cgroupns_mode);
    field("Dns", value.dns);
    field("DnsOptions", value.dns_options);
    field("DnsSearch", value.dns_search);
    field.nullable("ExtraHosts", value.extra_hosts);
    field.nullable("GroupAdd", value.group_add);
    field("IpcMode", value.ipc_mode);
    field("Cgroup", value.cgroup);
    field.nullable("Links", value.links);
    field("OomScoreAdj", value.oom_score_adj);
    field("PidMode", value.pid_mode);
    field("Privileged", value.privileged);
    field("PublishAllPorts", value.publish_all_ports);
    field("ReadonlyRootfs", value.readonly_rootfs);
    field.nullable("SecurityOpt", value.security_opt);
    field.omit_empty("StorageOpt", value.storage_opt);
    field.omit_empty("Tmpfs", value.tmpfs);
    field("UTSMode", value.uts_mode);
    field("UsernsMode", value.userns_mode);
    field("ShmSize", value.shm_size);
    field.omit_empty("Sysctls", value.sysctls);
    field.omit_empty("Runtime", value.runtime);
    field("Isolation", value.isolation);
    describe(field, value.resources);
    field.omit_empty("Mounts", value.mounts);
    field("MaskedPaths", value.masked_paths);
    field("ReadonlyPaths", value.readonly_paths);
    field.omit_empty("Init", value.init);
    field.omit_empty("BerthHostCA", value.host_ca);
    field.omit_empty("BerthFilesOwner", value.files_owner);
    field.omit_empty("BerthDefaults", value.berth_defaults);
}

namespace {
// The wire nests the endpoints one level deeper than anyone needs.
struct NetworkingConfig {
    std::map<std::string, EndpointSettings>& endpoints;
};

template <typename Visitor>
void describe(Visitor& field, NetworkingConfig& value) {
    field("EndpointsConfig", value.endpoints);
}
}  // namespace

template <typename Visitor>
void describe(Visitor& field, ContainerCreateRequest& value) {
    describe(field, value.config);
    field("HostConfig", value.host_config);
    NetworkingConfig networking{value.endpoints};
    field("NetworkingConfig", networking);
}

template <typename Visitor>
void describe(Visitor& field, ContainerCreateResponse& value) {
    field("Id", value.id);
    field("Warnings", value.warnings);
}

template <typename Visitor>
void describe(Visitor& field, ContainerUpdateRequest& value) {
    describe(field, value.resources);
    field("RestartPolicy", value.restart_policy);
}

std::string ContainerCreateRequest::to_json() const { return detail::write(*this); }
Result<ContainerCreateRequest> ContainerCreateRequest::parse(std::string_view json) {
    return detail::read<ContainerCreateRequest>(json);
}
std::string ContainerCreateResponse::to_json() const { return detail::write(*this); }
Result<ContainerCreateResponse> ContainerCreateResponse::parse(std::string_view json) {
    return detail::read<ContainerCreateResponse>(json);
}
std::string ContainerUpdateRequest::to_json() const { return detail::write(*this); }
Result<ContainerUpdateRequest> ContainerUpdateRequest::parse(std::string_view json) {
    return detail::read<ContainerUpdateRequest>(json);
}

codec::Json json_of(const ContainerConfig& config) { return detail::encode(config); }
codec::Json json_of(const HostConfig& config) { return detail::encode(config); }
codec::Json json_of(const Mount& mount) { return detail::encode(mount); }
std::string to_json(const ContainerConfig& config) { return detail::write(config); }
std::string to_json(const HostConfig& config) { return detail::write(config); }
Result<ContainerConfig> parse_container_config(std::string_view json) {
    return detail::read<ContainerConfig>(json);
}

}  // namespace berth::api
