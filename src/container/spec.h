#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

// What a container is asked to be: the domain type behind `POST /containers/create`. A wire type
// becomes this one in the daemon; what is stored is the JSON of spec_json.h. Fields keep Docker's
// meaning and Docker's defaults, so that a default-constructed spec with an image is what `docker
// create IMAGE` means.
namespace berth::container {

using StringMap = std::map<std::string, std::string>;

/// A port inside the container, "80/tcp".
struct Port {
    std::uint16_t number = 0;
    std::string protocol = "tcp";
    auto operator<=>(const Port&) const = default;
    std::string to_string() const { return std::to_string(number) + "/" + protocol; }
    /// "80", "80/udp". InvalidArgument for anything else.
    static Result<Port> parse(std::string_view text);
};

/// Where a port is published; `host_port` 0 asks for a free one. A range leaves the choice inside
/// it.
struct PortBinding {
    std::string host_address;
    std::uint16_t host_port = 0;
    std::uint16_t host_port_end = 0;
    bool operator==(const PortBinding&) const = default;
};

struct Healthcheck {
    /// {"NONE"}, {"CMD", args...} or {"CMD-SHELL", line}; empty inherits the image's. Berth's own,
    /// see native_probe.h:
    /// {"HTTP", "8080/healthz"}, {"TCP", "5432"}, {"GRPC", "50051/service"}.
    std::vector<std::string> test;
    std::chrono::nanoseconds interval{0};  // 0: 30 s
    std::chrono::nanoseconds timeout{0};   // 0: 30 s
    std::chrono::nanoseconds start_period{0};
    std::chrono::nanoseconds start_interval{0};  // 0: 5 s
    int retries = 0;                             // 0: 3
    bool operator==(const Healthcheck&) const = default;
};

enum class MountType { Bind, Volume, Tmpfs, Image };

/// One mount of `--mount`, or of `-v` once parsed (HostConfig.Binds are kept as text too, for
/// inspect).
struct MountRequest {
    MountType type = MountType::Volume;
    std::string
        source;  // host path, volume name ("" makes an anonymous volume), or an image's name
    std::string image_id;  // image: what the name meant when the container was created
    std::string target;
    bool read_only = false;
    bool read_only_non_recursive = false;
    bool non_recursive = false;      // bind: leave out what is mounted below the source
    bool create_mountpoint = false;  // make a missing bind source, as -v does
    std::string propagation;         // rprivate, rshared ...
    bool no_copy = false;            // volume: leave the image's files out
    std::string subpath;
    std::string driver;
    StringMap driver_options;
    StringMap labels;
    std::int64_t tmpfs_size = 0;
    std::uint32_t tmpfs_mode = 0;  // 0: 1777
    bool operator==(const MountRequest&) const = default;
};

/// Unhealthy is Berth's own: OnFailure for which an unhealthy container has failed.
enum class RestartMode : std::uint8_t { No, Always, UnlessStopped, OnFailure, Unhealthy };

struct RestartPolicy {
    RestartMode mode = RestartMode::No;
    int max_retries = 0;  // OnFailure and Unhealthy only; 0 is without limit
    bool operator==(const RestartPolicy&) const = default;
};

struct Ulimit {
    std::string name;
    std::int64_t soft = 0, hard = 0;  // -1: unlimited
    bool operator==(const Ulimit&) const = default;
};

struct DeviceRequest {
    std::string host_path, container_path, permissions = "rwm";
    bool operator==(const DeviceRequest&) const = default;
};

/// Devices by what they can do (--gpus) or by CDI name (driver "cdi").
struct DeviceClaim {
    std::string driver;
    int count = 0;  // -1: all
    std::vector<std::string> ids;
    std::vector<std::vector<std::string>> capabilities;
    StringMap options;
    bool operator==(const DeviceClaim&) const = default;
};

/// The ids of the host that the container's ids from 0 on are.
struct UserIds {
    std::uint32_t first = 0, count = 0;
    bool operator==(const UserIds&) const = default;
};

/// Whose the files are that the container makes in bind mounts.
struct FilesOwner {
    std::uint32_t uid = 0, gid = 0;
    bool operator==(const FilesOwner&) const = default;
};

struct ThrottleDevice {
    std::string path;
    std::uint64_t rate = 0;
    bool operator==(const ThrottleDevice&) const = default;
};

/// What `docker update` may change. Zero means "not set" as in Docker.
struct Resources {
    std::int64_t memory = 0;
    std::int64_t memory_swap = 0;  // memory plus swap; -1 unlimited
    std::int64_t memory_reservation = 0;
    std::optional<std::int64_t> memory_swappiness;
    std::int64_t nano_cpus = 0;
    std::int64_t cpu_shares = 0, cpu_period = 0, cpu_quota = 0, cpu_rt_period = 0,
                 cpu_rt_runtime = 0;
    std::string cpuset_cpus, cpuset_mems;
    std::optional<std::int64_t> pids_limit;
    std::uint16_t blkio_weight = 0;
    std::vector<ThrottleDevice> blkio_read_bps, blkio_write_bps, blkio_read_iops, blkio_write_iops,
        blkio_weight_device;
    bool oom_kill_disable = false;
    bool operator==(const Resources&) const = default;
};

struct LogConfig {
    std::string driver;  // "" is the default, json-file; also local, none
    StringMap options;   // max-size, max-file
    bool operator==(const LogConfig&) const = default;
};

/// What the caller wants on one network.
struct EndpointSpec {
    std::vector<std::string> aliases, links;
    std::string ipv4_address, ipv6_address, mac_address;
    std::vector<std::string> link_local_ips;
    int gw_priority = 0;  // the network with the highest provides the default route
    StringMap driver_options;
    bool operator==(const EndpointSpec&) const = default;
};

struct HostConfig {
    std::vector<std::string> binds;  // "src:dst[:options]" as given
    std::vector<MountRequest> mounts;
    std::vector<std::string> volumes_from;
    StringMap tmpfs;  // path -> options
    std::map<Port, std::vector<PortBinding>> port_bindings;
    bool publish_all_ports = false;
    std::string network_mode = "default";  // default bridge host none container:<id> <network name>
    std::vector<std::string> links, extra_hosts, dns, dns_options, dns_search;
    RestartPolicy restart;
    bool auto_remove = false;
    std::vector<std::string> cap_add, cap_drop, security_opt, group_add;
    bool privileged = false, read_only_rootfs = false;
    std::int64_t shm_size = 0;  // 0: 64 MiB
    std::vector<Ulimit> ulimits;
    StringMap sysctls;
    Resources resources;
    std::vector<DeviceRequest> devices;
    std::vector<DeviceClaim> device_claims;
    std::vector<std::string> device_cgroup_rules;
    std::string pid_mode, ipc_mode, uts_mode, userns_mode, cgroupns_mode, cgroup_parent, cgroup,
        runtime;
    std::optional<bool> init;
    int oom_score_adj = 0;
    LogConfig log;
    std::string container_id_file, volume_driver, isolation;
    std::pair<int, int> console_size{0, 0};  // rows, columns
    StringMap annotations, storage_options;
    /// nullopt: Docker's lists. An empty list unmasks (privileged does so too).
    std::optional<std::vector<std::string>> masked_paths, readonly_paths;
    /// Trust the host's CA bundle (Berth's extension); nullopt follows the configuration.
    std::optional<bool> host_ca;
    /// Berth's extension: the container's user is this one in bind mounts; nullopt is Docker's way,
    /// the same numbers.
    std::optional<FilesOwner> files_owner;
    /// Berth's extension: apply_own_defaults() for what is left open. Of use at creation only, and
    /// not kept.
    bool berth_defaults = false;
    bool operator==(const HostConfig&) const = default;
};

struct ContainerSpec {
    std::string image;  // as the caller wrote it
    std::string platform;
    std::string hostname, domainname, user, working_dir;
    std::vector<std::string> env;
    /// nullopt takes the image's. An empty entrypoint ({""} or {} on the wire) resets it.
    std::optional<std::vector<std::string>> cmd, entrypoint, shell;
    StringMap labels;
    std::vector<Port> exposed_ports;
    std::vector<std::string> volumes;
    std::string stop_signal;
    std::optional<int> stop_timeout;  // seconds; -1 waits for ever
    std::optional<Healthcheck> healthcheck;
    bool tty = false, open_stdin = false, stdin_once = false;
    bool attach_stdin = false, attach_stdout = false, attach_stderr = false;
    bool network_disabled = false, args_escaped = false;
    std::vector<std::string> on_build;
    std::string mac_address;  // container-wide, API < 1.44
    HostConfig host;
    std::map<std::string, EndpointSpec> networks;  // by network name or id
    std::optional<UserIds> user_ids;               // of its user namespace; chosen at create
    bool operator==(const ContainerSpec&) const = default;
};

std::string_view to_string(RestartMode mode);
/// "no", "" (No), "always", "unless-stopped", "on-failure", "unhealthy". InvalidArgument for
/// anything else.
Result<RestartMode> parse_restart_mode(std::string_view text);
std::string_view to_string(MountType type);

}  // namespace berth::container
