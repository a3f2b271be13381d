#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// config.json of an OCI bundle as values. runtime-spec v1.2, config.md and config-linux.md; names follow it.
// Members that this platform cannot act on (windows, solaris, vm) are not kept.
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
    std::string scheduler_policy;  ///< "SCHED_BATCH" ...; empty: inherited
    int scheduler_nice = 0;
    int scheduler_priority = 0;
    std::string io_priority_class;  ///< "IOPRIO_CLASS_BE" ...
    int io_priority = 0;
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

struct RuntimeResources {
    std::vector<RuntimeDeviceRule> devices;
    RuntimeMemory memory;
    RuntimeCpu cpu;
    std::optional<std::int64_t> pids_limit;
    RuntimeBlockIo block_io;
    std::vector<RuntimeHugepageLimit> hugepages;
    std::optional<std::uint32_t> network_class;
    StringMap network_priorities;
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

    const RuntimeNamespace* find_namespace(std::string_view type) const;
};

struct RuntimeRoot {
    std::string path;
    bool readonly = false;
};

struct RuntimeSpec {
    std::string oci_version = "1.2.0";
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

/// Annotation that asks the runtime for Docker's default seccomp profile (for the granted capabilities)
/// without the profile having to be spelled out in config.json. Value "default".
inline constexpr std::string_view seccomp_annotation = "org.berth.seccomp";

/// Reads config.json. InvalidArgument names the member that is missing, has the wrong type or a value out of
/// range. Any ociVersion 1.x is accepted; unknown members are ignored, as the specification says.
Result<RuntimeSpec> parse_runtime_spec(std::string_view text);
/// One process, as `exec --process` takes it.
Result<RuntimeProcess> parse_runtime_process(std::string_view text);
/// Resources, as `update --resources` takes them.
Result<RuntimeResources> parse_runtime_resources(std::string_view text);
/// Compact JSON that parse_runtime_spec() reads back to the same value.
std::string to_json(const RuntimeSpec& spec);
std::string to_json(const RuntimeProcess& process);

}  // namespace berth::oci
