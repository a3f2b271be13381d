#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/network.h"
#include "base/result.h"

// The bodies of `POST /containers/create` and `/containers/{id}/update`, as Docker's Engine API
// writes them. Members keep Docker's order and names (the JSON names stand in container.cpp). Wire
// types hold what was sent, nothing more: the daemon turns them into container::ContainerSpec.
namespace berth::api {

using StringMap = std::map<std::string, std::string>;

struct HealthConfig {
    std::vector<std::string> test;
    // Nanoseconds.
    std::int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0;
    int retries = 0;
};

/// What runs: the image's settings with the caller's on top. Also the body of `POST /commit`.
struct ContainerConfig {
    std::string hostname, domainname, user;
    bool attach_stdin = false, attach_stdout = false, attach_stderr = false;
    std::vector<std::string> exposed_ports;  // "80/tcp"
    bool tty = false, open_stdin = false, stdin_once = false;
    std::vector<std::string> env;
    /// nullopt takes the image's; a single string on the wire is a list of one.
    std::optional<std::vector<std::string>> cmd;
    std::optional<HealthConfig> healthcheck;
    bool args_escaped = false;
    std::string image;
    std::vector<std::string> volumes;
    std::string working_dir;
    std::optional<std::vector<std::string>> entrypoint;
    bool network_disabled = false;
    std::string mac_address;
    std::vector<std::string> on_build;
    StringMap labels;
    std::string stop_signal;
    std::optional<int> stop_timeout;
    std::optional<std::vector<std::string>> shell;
};

struct PortBinding {
    std::string host_ip;
    std::string host_port;  // "8080", "8000-8010" or ""
};

struct RestartPolicy {
    std::string name;
    int maximum_retry_count = 0;
};

struct LogConfig {
    std::string type;
    StringMap config;
};

struct Ulimit {
    std::string name;
    std::int64_t hard = 0, soft = 0;
};

struct DeviceMapping {
    std::string path_on_host, path_in_container, cgroup_permissions;
};

struct DeviceRequest {
    std::string driver;
    int count = 0;
    std::vector<std::string> device_ids;
    std::vector<std::vector<std::string>> capabilities;
    StringMap options;
};

struct ThrottleDevice {
    std::string path;
    std::uint64_t rate = 0;
};
struct WeightDevice {
    std::string path;
    std::uint16_t weight = 0;
};

struct Mount {
    struct BindOptions {
        std::string propagation;
        bool non_recursive = false, create_mountpoint = false;
        bool read_only_non_recursive = false, read_only_force_recursive = false;
    };
    struct DriverConfig {
        std::string name;
        StringMap options;
    };
    struct VolumeOptions {
        bool no_copy = false;
        StringMap labels;
        std::optional<DriverConfig> driver_config;
        std::string subpath;
    };
    struct TmpfsOptions {
        std::int64_t size_bytes = 0;
        std::uint32_t mode = 0;
    };
    struct ImageOptions {
        std::string subpath;
    };
    std::string type, source, target;
    bool read_only = false;
    std::string consistency;
    std::optional<BindOptions> bind_options;
    std::optional<VolumeOptions> volume_options;
    std::optional<ImageOptions> image_options;
    std::optional<TmpfsOptions> tmpfs_options;
};

/// Limits: the part of HostConfig that `update` can change.
struct Resources {
    std::int64_t cpu_shares = 0, memory = 0, nano_cpus = 0;
    std::string cgroup_parent;
    std::uint16_t blkio_weight = 0;
    std::vector<WeightDevice> blkio_weight_device;
    std::vector<ThrottleDevice> blkio_device_read_bps, blkio_device_write_bps;
    std::vector<ThrottleDevice> blkio_device_read_iops, blkio_device_write_iops;
    std::int64_t cpu_period = 0, cpu_quota = 0, cpu_realtime_period = 0, cpu_realtime_runtime = 0;
    std::string cpuset_cpus, cpuset_mems;
    std::vector<DeviceMapping> devices;
    std::vector<std::string> device_cgroup_rules;
    std::vector<DeviceRequest> device_requests;
    std::int64_t memory_reservation = 0, memory_swap = 0;
    std::optional<std::int64_t> memory_swappiness;
    std::optional<bool> oom_kill_disable;
    std::optional<std::int64_t> pids_limit;
    std::vector<Ulimit> ulimits;
    std::int64_t cpu_count = 0, cpu_percent = 0, io_maximum_iops = 0, io_maximum_bandwidth = 0;
};

struct HostConfig {
    std::vector<std::string> binds;
    std::string container_id_file;
    LogConfig log_config;
    std::string network_mode;
    /// "80/tcp" -> where; an empty list asks for a free port.
    std::map<std::string, std::vector<PortBinding>> port_bindings;
    RestartPolicy restart_policy;
    bool auto_remove = false;
    std::string volume_driver;
    std::vector<std::string> volumes_from;
    std::array<int, 2> console_size{0, 0};  // rows, columns
    StringMap annotations;
    std::vector<std::string> cap_add, cap_drop;
    std::string cgroupns_mode;
    std::vector<std::string> dns, dns_options, dns_search, extra_hosts, group_add;
    std::string ipc_mode, cgroup;
    std::vector<std::string> links;
    int oom_score_adj = 0;
    std::string pid_mode;
    bool privileged = false, publish_all_ports = false, readonly_rootfs = false;
    std::vector<std::string> security_opt;
    StringMap storage_opt, tmpfs;
    std::string uts_mode, userns_mode;
    std::int64_t shm_size = 0;
    StringMap sysctls;
    std::string runtime, isolation;
    Resources resources;  // its members stand beside the others on the wire
    std::vector<Mount> mounts;
    std::optional<std::vector<std::string>> masked_paths, readonly_paths;
    std::optional<bool> init;
    /// Berth's own: trust the host's CA bundle. On the wire "BerthHostCA", left out when unset.
    std::optional<bool> host_ca;
    /// Berth's own: {uid, gid} whose files the container's user makes in bind mounts. On the wire
    /// "BerthFilesOwner", left out when unset.
    std::optional<std::array<int, 2>> files_owner;
    /// Berth's own: what the request leaves open is as for Berth's own verbs, not as for Docker's
    /// clients. On the wire "BerthDefaults", left out when false; requests only.
    bool berth_defaults = false;
};

struct ContainerCreateRequest {
    ContainerConfig config;  // its members stand at the top level
    HostConfig host_config;
    std::map<std::string, EndpointSettings> endpoints;  // NetworkingConfig.EndpointsConfig
    std::string to_json() const;
    static Result<ContainerCreateRequest> parse(std::string_view json);
};

struct ContainerCreateResponse {
    std::string id;
    std::vector<std::string> warnings;
    std::string to_json() const;
    static Result<ContainerCreateResponse> parse(std::string_view json);
};

struct ContainerUpdateRequest {
    Resources resources;
    RestartPolicy restart_policy;
    std::string to_json() const;
    static Result<ContainerUpdateRequest> parse(std::string_view json);
};

/// Config and HostConfig alone, as parts of `inspect`.
std::string to_json(const ContainerConfig& config);
std::string to_json(const HostConfig& config);
Result<ContainerConfig> parse_container_config(std::string_view json);

}  // namespace berth::api
