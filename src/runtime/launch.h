#pragma once
#include <sys/types.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/runtime_spec.h"
#include "sys/cgroup.h"
#include "sys/fd.h"
#include "sys/process.h"

// From a RuntimeSpec to a running container. The caller (berth-runtime, or the shim) is
// single-threaded. launch() makes one child with clone3(2), straight into its namespaces; the child
// sets itself up (init.cpp) while this side joins cgroups and writes id maps (launch.cpp), and then
// waits at a gate until start() lets it become the program. Errors of the child arrive as data over
// the channel (sync.h).
namespace berth::runtime {

/// Where the program's standard streams go. -1 means /dev/null. Ignored when the process has a
/// terminal.
using StandardStreams = std::array<int, 3>;

struct LaunchOptions {
    /// The container's root: a detached mount (it is cloned, the caller keeps its own), or else a
    /// path.
    int root_mount = -1;
    std::string root_path;
    /// Directory of config.json: what hooks are told, and what relative mount sources are relative
    /// to.
    std::string bundle;
    std::string id;
    StandardStreams streams{0, 1, 2};
    /// Network namespace to join whatever the spec says; -1: as the spec says.
    int network_namespace = -1;
    /// The same for the user namespace, with the maps of the spec; a network namespace given above
    /// belongs to it.
    int user_namespace = -1;
    /// The container's cgroup, made and limited by the caller (see make_cgroup); nullptr: stay in
    /// the caller's.
    const sys::Cgroup* cgroup = nullptr;
    /// A listening unix socket at which the child waits for a connection before it starts
    /// (`create`); -1: it waits for Launched::start().
    int gate_listener = -1;
    /// Directory for compiled seccomp filters; empty: compile each time.
    std::string seccomp_cache;
    /// How many descriptors from 3 on the program gets.
    unsigned preserved_fds = 0;
    /// chroot instead of pivot_root (root on an initramfs).
    bool no_pivot = false;
    /// Keep the caller's session keyring (no new one).
    bool no_new_keyring = false;
    /// Make the child a sibling, i.e. a child of the caller's parent: for launch_in_helper().
    bool as_sibling = false;
};

/// A container whose init waits at the gate. Dropping it closes the gate, and init exits without
/// having run anything.
class Launched {
public:
    pid_t pid() const { return child_.pid; }
    const sys::Pidfd& pidfd() const { return child_.pidfd; }
    /// The terminal's master end when the process has a terminal. Take it before or after start().
    sys::Fd take_terminal() { return std::move(terminal_); }
    /// Opens the gate and waits until the program runs (exec succeeded), or fails with why it does
    /// not: NotFound `exec: "x": executable file not found in $PATH`, PermissionDenied, ...
    Result<> start();
    /// For a gate listener: leaves the child waiting for it and forgets the channel.
    void detach() { channel_.close(); }
    /// The second half of start(): the program runs, or an error.
    Result<> await_running();

    sys::Child child_;
    sys::Fd channel_;
    sys::Fd terminal_;
    pid_t predecessor_ =
        -1;  ///< a sibling that made this one and ended, to be reaped by launch_in_helper()
};

/// Makes the container's init process and waits until everything up to the gate succeeded. On
/// failure nothing is left but the cgroup, which is the caller's; the child was reaped. Hooks
/// prestart, createRuntime and createContainer ran.
Result<Launched> launch(const oci::RuntimeSpec& spec, const LaunchOptions& options);

/// launch() in a short-lived helper process that loads the spec itself, so that the long-lived
/// caller's memory does not grow with it. The container's init is a child of the caller.
Result<Launched> launch_in_helper(const std::function<Result<oci::RuntimeSpec>()>& load_spec,
                                  const LaunchOptions& options);

struct ExecOptions {
    StandardStreams streams{0, 1, 2};
    /// Cgroup to join: normally Cgroup::of_process(init) or the container's own; nullptr: the
    /// caller's.
    const sys::Cgroup* cgroup = nullptr;
    /// For seccomp and labels of the container; may be null (none).
    const oci::RuntimeSpec* spec = nullptr;
    std::string seccomp_cache;
    /// The container's id and bundle, for a seccomp listener.
    std::string id;
    std::string bundle;
    unsigned preserved_fds = 0;
    bool as_sibling = false;
};

/// Runs one more process in the container whose init is `init`: in all its namespaces, with
/// `process` as given. Returns once the program runs; no gate.
Result<Launched> exec_in(pid_t init, const oci::RuntimeProcess& process,
                         const ExecOptions& options);

/// Makes the cgroup for a spec (linux.cgroupsPath, or `/<fallback>`), and sets its limits and
/// device rules. What the kernel lacks (a controller that is not mounted) fails only if the spec
/// asks for a limit of it.
Result<sys::Cgroup> make_cgroup(const oci::RuntimeSpec& spec, const std::string& fallback);
/// Changes limits of an existing one (`update`).
Result<> apply_resources(const sys::Cgroup& cgroup, const oci::RuntimeResources& resources);

/// A read-only, detached view of the program file `path`, from which to start (spawn
/// "/proc/self/fd/N") anything that will enter containers: what they see as /proc/<pid>/exe cannot
/// be opened for writing (CVE-2019-5736).
Result<sys::Fd> open_protected_executable(const std::string& path);
/// Whether this process runs from such a file already.
bool is_executable_protected();

}  // namespace berth::runtime
