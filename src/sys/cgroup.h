#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

// cgroups(7). A machine has one or more hierarchies: the v2 one ("unified"), v1 ones with a
// controller or two each, or both. A Cgroup is the same path in all of them, so that callers need
// not know which layout the machine has.

/// One mounted hierarchy.
struct CgroupHierarchy {
    bool is_v2 = false;
    std::vector<std::string>
        controllers;          ///< v1: as mounted together, {"cpu","cpuacct"}; {"name=systemd"}
    std::string mount_point;  ///< "/sys/fs/cgroup/memory"
    std::string root;         ///< the cgroup shown at the mount point, "/" normally

    /// What the directory is called under /sys/fs/cgroup: "memory", "cpu,cpuacct", "systemd",
    /// "unified".
    std::string name() const;
    bool has(std::string_view controller) const;
};

/// All hierarchies of this mount namespace.
struct CgroupLayout {
    std::vector<CgroupHierarchy> hierarchies;
    bool is_v2_only() const;
    const CgroupHierarchy* find(std::string_view controller) const;
    const CgroupHierarchy* unified() const;
};
/// The machine's, read once: a hierarchy that is mounted later is not seen by this process and its
/// children.
Result<CgroupLayout> cgroup_layout();
/// The layout from the text of mountinfo.
CgroupLayout parse_cgroup_layout(std::string_view mountinfo);

struct CgroupStats {
    std::uint64_t cpu_total_ns = 0;
    std::uint64_t cpu_user_ns = 0;
    std::uint64_t cpu_system_ns = 0;
    std::uint64_t throttled_periods = 0;
    std::uint64_t periods = 0;
    std::uint64_t throttled_ns = 0;
    std::vector<std::uint64_t> per_cpu_ns;  ///< v1 only
    std::uint64_t memory_usage = 0;         ///< bytes, with page cache
    std::uint64_t memory_peak = 0;
    std::uint64_t memory_limit = 0;  ///< 2^63 or so when there is none
    std::uint64_t memory_failures = 0;
    std::uint64_t oom_kills = 0;
    std::uint64_t swap_usage = 0;
    std::vector<std::pair<std::string, std::uint64_t>> memory;  ///< memory.stat as it is
    std::uint64_t pids = 0;
    std::uint64_t pids_limit = 0;  ///< 0: none
    struct Io {
        std::uint64_t major = 0;
        std::uint64_t minor = 0;
        std::uint64_t read_bytes = 0;
        std::uint64_t write_bytes = 0;
        std::uint64_t reads = 0;
        std::uint64_t writes = 0;
    };
    std::vector<Io> io;
    bool is_v2 = false;
};

enum class FreezeState { Thawed, Freezing, Frozen };

/// A cgroup in every hierarchy. Copies nothing and owns no directory: remove() is explicit, since a
/// container's cgroup outlives the process that made it.
class Cgroup {
public:
    /// Makes the cgroup `path` ("/berth/<id>") in every hierarchy, relative to each hierarchy's
    /// root. Existing is fine.
    static Result<Cgroup> create(const CgroupLayout& layout, const std::string& path);
    /// An existing one; hierarchies without it are left out. NotFound when it is nowhere.
    static Result<Cgroup> open(const CgroupLayout& layout, const std::string& path);
    /// Where process `pid` is, hierarchy by hierarchy.
    static Result<Cgroup> of_process(const CgroupLayout& layout, pid_t pid);

    /// Cgroups below this one, by controller ("" means all hierarchies): what is not named stays as
    /// it is. NotFound when one does not exist or a controller has no hierarchy here,
    /// InvalidArgument when a path leads out of this cgroup or two paths name one hierarchy.
    Result<Cgroup> below(
        const std::vector<std::pair<std::string, std::string>>& path_by_controller) const;

    const std::string& path() const { return path_; }
    /// The directory in the hierarchy of `controller` ("" and "unified" mean v2), or empty.
    std::string directory(std::string_view controller) const;
    /// {hierarchy name or controllers, directory}, for state files and for mounting.
    struct Place {
        CgroupHierarchy hierarchy;
        std::string directory;
    };
    const std::vector<Place>& places() const { return places_; }

    /// Moves the process `pid` here in every hierarchy. Waits for an RCU grace period, i.e.
    /// milliseconds: a process that can join by itself should use open_join_files().
    Result<> add_process(pid_t pid) const;
    /// Files through which a single-threaded process joins every v1 hierarchy by itself, see
    /// join(). The kernel moves a thread that asks for itself without waiting (Linux 5.13). The v2
    /// hierarchy is joined by birth (clone_process).
    Result<std::vector<Fd>> open_join_files() const;
    static Result<> join(const std::vector<Fd>& files);
    /// A descriptor for CloneRequest::cgroup; empty when the machine has no v2 hierarchy.
    Result<Fd> open_v2_directory() const;
    /// Writes `value` to `file` in the hierarchy of `controller`. NotFound if the machine lacks it.
    Result<> write(std::string_view controller, const std::string& file,
                   std::string_view value) const;
    Result<std::string> read(std::string_view controller, const std::string& file) const;
    /// All processes in it and below.
    Result<std::vector<pid_t>> processes() const;
    Result<> freeze() const;
    Result<> thaw() const;
    Result<FreezeState> freeze_state() const;
    /// Signals every process in it and below; with SIGKILL it repeats until none is left or a
    /// second passed.
    Result<> kill_all(int signal) const;
    /// Removes it and what is below in every hierarchy. Gone already is fine; Conflict while
    /// processes are in it.
    Result<> remove() const;
    Result<CgroupStats> stats() const;

private:
    std::string path_;
    std::vector<Place> places_;
};

/// One rule on device access. `type` is 'a', 'b' or 'c'; no number means all.
struct DeviceRule {
    bool allow = false;
    char type = 'a';
    std::optional<std::int64_t> major;
    std::optional<std::int64_t> minor;
    std::string access = "rwm";
    bool operator==(const DeviceRule&) const = default;
};
/// Applies the rules in their order, the last match counts: devices.allow/deny (v1) or a BPF
/// program (v2).
Result<> set_device_rules(const Cgroup& cgroup, const std::vector<DeviceRule>& rules);

}  // namespace berth::sys
