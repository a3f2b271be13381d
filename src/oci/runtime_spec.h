#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// config.json of an OCI bundle as values. runtime-spec v1.3, config.md and config-linux.md; names
// follow it. Members that this platform cannot act on (windows, solaris, vm) are not kept.
namespace berth::oci {

using StringMap = std::vector<std::pair<std::string, std::string>>;

struct RuntimeUser {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::optional<std::uint32_t> umask;
    std::vector<std::uint32_t> additional_gids;
};

/// Absent sets are empty; an absent `capabilities` member means all sets are empty.
struct RuntimeCapabilities {
    std::vector<std::string> bounding;
    std::vector<std::string> effective;
    std::vector<std::string> inheritable;
    std::vector<std::string> permitted;
    std::vector<std::string> ambient;
};

struct RuntimeLimit {
    std::string type;  ///< "RLIMIT_NOFILE"
    std::uint64_t soft = 0;
    std::uint64_t hard = 0;
};

/// sched_setattr(2). Zero is what the kernel takes for "unused".
struct RuntimeScheduler {
    std::string policy;  ///< "SCHED_BATCH" ...
    int nice = 0;
    int priority = 0;
    std::vector<std::string> flags;  ///< "SCHED_FLAG_RESET_ON_FORK" ...
    std::uint64_t runtime = 0;       ///< nanoseconds, of SCHED_DEADLINE
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};

struct RuntimeIoPriority {
    std::string io_class;  ///< "IOPRIO_CLASS_BE" ...
    int priority = 0;
};

/// Processors of a process that `exec` starts, as lists ("0-3,7"): before and after it joins the
/// cgroup.
struct RuntimeCpuAffinity {
    std::string initial;
    std::string final;
};

struct RuntimeProcess {
    bool terminal = false;
    unsigned console_columns = 0;
    unsigned console_rows = 0;
    RuntimeUser user;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::string cwd = "/";
    std::optional<RuntimeCapabilities> capabilities;
    std::vector<RuntimeLimit> rlimits;
    bool no_new_privileges = false;
    std::string apparmor_profile;
    std::string selinux_label;
    std::optional<int> oom_score_adj;
    std::optional<RuntimeScheduler> scheduler;
    std::optional<RuntimeIoPriority> io_priority;
    RuntimeCpuAffinity exec_cpu_affinity;
};

struct RuntimeIdMapping {
    std::uint32_t container_id = 0;
    std::uint32_t host_id = 0;
    std::uint32_t size = 0;
};

struct RuntimeMount {
    std::string destination;
    std::string type;
    std::string source;
    std::vector<std::string> options;
    std::vector<RuntimeIdMapping> uid_mappings;
    std::vector<RuntimeIdMapping> gid_mappings;
};

struct RuntimeHook {
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::optional<int> timeout;  ///< seconds
};

struct RuntimeHooks {
    std::vector<RuntimeHook> prestart;
    std::vector<RuntimeHook> create_runtime;
    std::vector<RuntimeHook> create_container;
    std::vector<RuntimeHook> start_container;
    std::vector<RuntimeHook> poststart;
    std::vector<RuntimeHook> poststop;
};

struct RuntimeNamespace {
    std::string type;  ///< "pid" "network" "mount" "ipc" "uts" "user" "cgroup" "time"
    std::string path;  ///< empty: a new one
};

struct RuntimeDevice {
    std::string type;  ///< "c" "b" "u" "p"
    std::string path;
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint32_t> file_mode;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
};

struct RuntimeDeviceRule {
    bool allow = false;
    std::string type = "a";
    std::optional<std::int64_t> major;
    std::optional<std::int64_t> minor;
    std::string access = "rwm";
};

struct RuntimeMemory {
    std::optional<std::int64_t> limit;  ///< bytes, -1 is none
    std::optional<std::int64_t> reservation;
    std::optional<std::int64_t> swap;  ///< memory plus swap
    std::optional<std::int64_t> kernel_tcp;
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
    std::optional<bool> check_before_update;  ///< refuse a limit that is below what is in use
};

struct RuntimeCpu {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;  ///< microseconds a period
    std::optional<std::uint64_t> burst;
    std::optional<std::uint64_t> period;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::string cpus;
    std::string mems;
    std::optional<std::int64_t> idle;
};

struct RuntimeWeightDevice {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;
};

struct RuntimeThrottleDevice {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::uint64_t rate = 0;
};

struct RuntimeBlockIo {
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;  ///< v1 only
    std::vector<RuntimeWeightDevice> weight_devices;
    std::vector<RuntimeThrottleDevice> read_bps;
    std::vector<RuntimeThrottleDevice> write_bps;
    std::vector<RuntimeThrottleDevice> read_iops;
    std::vector<RuntimeThrottleDevice> write_iops;
};

struct RuntimeHugepageLimit {
    std::string page_size;
    std::uint64_t limit = 0;
};

struct RuntimeRdma {
    std::optional<std::uint32_t> hca_handles;
    std::optional<std::uint32_t> hca_objects;
};

struct RuntimeResources {
    std::vector<RuntimeDeviceRule> devices;
    RuntimeMemory memory;
    RuntimeCpu cpu;
    std::optional<std::int64_t> pids_limit;
    RuntimeBlockIo block_io;
    std::vector<RuntimeHugepageLimit> hugepages;
    std::optional<std::uint32_t> network_class;
    StringMap network_priorities;
    std::vector<std::pair<std::string, RuntimeRdma>> rdma;  ///< by device
    StringMap unified;
};

struct SeccompArgument {
    unsigned index = 0;
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;
    std::string op;
};

struct SeccompSyscall {
    std::vector<std::string> names;
    std::string action;
    std::optional<std::uint32_t> errno_ret;
    std::vector<SeccompArgument> args;
};

struct RuntimeSeccomp {
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<std::string> architectures;
    std::vector<std::string> flags;
    std::string listener_path;
    std::string listener_metadata;
    std::vector<SeccompSyscall> syscalls;
};

/// How far a clock of the container's time namespace is ahead of the host's.
struct RuntimeTimeOffset {
    std::int64_t secs = 0;
    std::uint32_t nanosecs = 0;
};

struct RuntimePersonality {
    std::string domain;  ///< "LINUX" or "LINUX32"
    std::vector<std::string> flags;
};

/// set_mempolicy(2).
struct RuntimeMemoryPolicy {
    std::string mode;   ///< "MPOL_BIND" ...
    std::string nodes;  ///< "0-3,7"
    std::vector<std::string> flags;
};

/// resctrl: cache and memory bandwidth of a class of service.
struct RuntimeIntelRdt {
    std::string clos_id;
    std::vector<std::string> schemata;
    std::string l3_cache_schema;
    std::string mem_bw_schema;
    bool enable_monitoring = false;
};

/// A network device of the host's that moves into the container, under `name` or its own.
struct RuntimeNetDevice {
    std::string name;
};

struct RuntimeLinux {
    std::vector<RuntimeNamespace> namespaces;
    std::vector<RuntimeIdMapping> uid_mappings;
    std::vector<RuntimeIdMapping> gid_mappings;
    std::vector<RuntimeDevice> devices;
    std::string cgroups_path;
    RuntimeResources resources;
    std::string rootfs_propagation;
    std::optional<RuntimeSeccomp> seccomp;
    StringMap sysctl;
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::string mount_label;
    std::vector<std::pair<std::string, RuntimeTimeOffset>>
        time_offsets;  ///< by "monotonic", "boottime"
    std::optional<RuntimePersonality> personality;
    std::optional<RuntimeMemoryPolicy> memory_policy;
    std::optional<RuntimeIntelRdt> intel_rdt;
    std::vector<std::pair<std::string, RuntimeNetDevice>> net_devices;  ///< by the host's name

    const RuntimeNamespace* find_namespace(std::string_view type) const;
};

struct RuntimeRoot {
    std::string path;
    bool readonly = false;
};

/// The version of the specification that this runtime implements.
inline constexpr std::string_view runtime_spec_version = "1.3.0";

struct RuntimeSpec {
    std::string oci_version = std::string(runtime_spec_version);
    std::optional<RuntimeProcess> process;
    RuntimeRoot root;
    std::string hostname;
    std::string domainname;
    std::vector<RuntimeMount> mounts;
    RuntimeHooks hooks;
    StringMap annotations;
    RuntimeLinux linux_config;

    const std::string* find_annotation(std::string_view key) const;
};

/// Annotation that asks the runtime for Docker's default seccomp profile (for the granted
/// capabilities) without the profile having to be spelled out in config.json. Value "default", or
/// "strict" for the one without socketcall(2).
inline constexpr std::string_view seccomp_annotation = "org.berth.seccomp";

/// Reads config.json. InvalidArgument names the member that is missing, has the wrong type or a
/// value out of range. Any ociVersion 1.x is accepted; unknown members are ignored, as the
/// specification says.
Result<RuntimeSpec> parse_runtime_spec(std::string_view text);
/// One process, as `exec --process` takes it.
Result<RuntimeProcess> parse_runtime_process(std::string_view text);
/// Resources, as `update --resources` takes them.
Result<RuntimeResources> parse_runtime_resources(std::string_view text);
/// Compact JSON that parse_runtime_spec() reads back to the same value.
std::string to_json(const RuntimeSpec& spec);
std::string to_json(const RuntimeProcess& process);

}  // namespace berth::oci
