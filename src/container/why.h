#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "container/spec.h"
#include "container/state.h"
#include "shim/protocol.h"

namespace berth::container {

/// The error of a container that ended because nobody guarded it any more.
inline constexpr std::string_view shim_died = "the container's shim process died";

/// Why a container is as it is.
struct Explanation {
    /// One word for programs: running paused created start-failed restarting crash-loop finished
    /// exited stopped stop-no-handler stop-timeout killed out-of-memory signal unhealthy
    /// engine-lost removing.
    std::string cause;
    std::string summary;  // one sentence
    std::string hint;     // what to do about it; may be empty
    int exit_code = 0;
    int signal = 0;           // that killed process 1; 0: none
    std::string oom_process;  // name of what was killed for want of memory
    int oom_pid = 0;
    std::int64_t memory_limit = 0;
};

/// What explain() looks at.
struct WhyFacts {
    State state;
    std::optional<shim::Exited> last_exit;  // the newest end that the shim told of
    std::int64_t memory_limit = 0;          // bytes; 0: none
    std::int64_t processor_limit = 0;       // seconds, --ulimit cpu's hard limit; 0: none
    RestartPolicy restart;
    std::string program;  // what runs
    std::optional<std::string> program_problem;
    Timestamp now{};
};

/// Pure: the same facts give the same words.
Explanation explain(const WhyFacts& facts);

/// "killed by SIGKILL, or told to end for want of memory" for 137 and so on; empty for a code
/// without a usual meaning.
std::string exit_code_meaning(int code);

}  // namespace berth::container
