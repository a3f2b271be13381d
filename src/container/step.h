#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::network {
class Manager;
}

// One build step: a process in a root that someone else mounted, without rows, shim or log; it ends
// with the call.
namespace berth::container {

enum class StepNetwork { Bridge, None, Host };

/// A directory or file that is bind-mounted into the step.
struct StepBind {
    sys::Fd source;      // an O_PATH or detached-mount descriptor: of a directory or a file
    std::string target;  // absolute; created when missing
    bool read_only = false;
};
struct StepTmpfs {
    std::string target;
    std::int64_t size_bytes = 0;
};
/// A secret: its bytes live in a tmpfs of the step and never reach the layer.
struct StepSecret {
    std::string target;
    std::string content;
    std::uint32_t uid = 0, gid = 0, mode = 0400;
};

struct StepRequest {
    std::string name;  // for cgroup and messages; unique among running steps
    sys::Fd root;      // detached mount of the writable root
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::string working_dir = "/";  // made when missing
    std::string user;  // as in USER: name, uid, name:group, uid:gid; looked up in the root
    std::vector<StepBind> binds;
    std::vector<StepTmpfs> tmpfs;
    std::vector<StepSecret> secrets;
    StepNetwork network = StepNetwork::Bridge;
    std::vector<std::pair<std::string, std::string>> extra_hosts;  // name, address
    std::string hostname = "buildkitsandbox";
    bool privileged = false;  // RUN --security=insecure
    std::int64_t shm_size = 0;
    std::int64_t memory = 0, memory_swap = 0;
    std::string cpuset_cpus;
    std::int64_t cpu_shares = 0, cpu_quota = 0, cpu_period = 0;
    /// Gets what the process writes, in order, from the calling thread. `stream` is 1 or 2.
    std::function<void(int stream, std::string_view bytes)> output;
};

struct StepServices {
    std::string run_dir;                   // <run>/steps: made when missing
    network::Manager* networks = nullptr;  // needed for StepNetwork::Bridge
    std::string libexec;  // where berth-shim is; empty: beside this program, or $BERTH_LIBEXEC
};

/// Runs the step to its end and returns the exit status (128+n for a signal n). Mount points and
/// the files that the engine puts over /etc/hosts and /etc/resolv.conf leave no trace in the root.
/// A stop request kills every process of the step and returns Cancelled. Errors: NotFound when the
/// program is not there, InvalidArgument for an unknown user.
Result<int> run_step(const StepServices& services, StepRequest request, std::stop_token stop);

}  // namespace berth::container
