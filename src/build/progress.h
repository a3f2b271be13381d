#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::build {

/// What one line of progress shows work on: an instruction of the Dockerfile, or a chore of the
/// builder's own.
struct StepInfo {
    std::size_t id = 0;          // counts from 0 in the order of the Dockerfile; chores come first
    std::string name;            // as BuildKit prints it: "[build 2/5] RUN make"
    std::string instruction;     // as classic Docker prints it: "RUN make"; empty for chores
    std::string stage;           // "build", "stage-1"
    bool metadata_only = false;  // changes the image's configuration only: nothing runs
};

enum class ProgressKind {
    Plan,       // `steps` says everything that this build may do; comes once, before the others
    Started,    // `step` begins
    Cached,     // `step` was found in the cache
    Output,     // `step` wrote `text` to `stream` (1 or 2); any bytes, not lines
    Status,     // `step` has reached `current` of `total` in `text` ("extracting", "sha256:2f...")
    Finished,   // `step` is done, after `seconds`
    Failed,     // `step` failed, `text` says why
    Cancelled,  // `step` was stopped since another failed
    Warning,    // `text`, about the Dockerfile
};

/// A command of a RUN that ended with something else than 0.
struct FailedCommand {
    std::string command;  // "/bin/sh -c make"
    int exit_status = 0;
};

/// One event of a build.
struct Progress {
    ProgressKind kind = ProgressKind::Plan;
    std::size_t step = 0;
    std::string text;
    int stream = 1;
    std::int64_t current = 0, total = 0;
    double seconds = 0;
    std::string result;                           // Cached and Finished: short id of what came out
    std::vector<StepInfo> steps;                  // Plan
    std::optional<FailedCommand> failed_command;  // Failed, when the step's command did
};

/// Called from several threads, one at a time.
using ProgressSink = std::function<void(const Progress&)>;

/// Events as the classic builder's text: "Step 1/7 : FROM ...", " ---> Using cache", the output of
/// RUN. Steps that run at the same time are shown one after the other, in the order of the
/// Dockerfile.
class ClassicOutput {
public:
    explicit ClassicOutput(std::function<void(std::string_view text)> write)
        : write_(std::move(write)) {}
    void operator()(const Progress& event);

private:
    enum class State { Waiting, Running, Done };
    struct Step {
        StepInfo info;
        State state = State::Waiting;
        bool cached = false;
        std::string result;
        std::string pending;
    };
    void advance();
    std::function<void(std::string_view)> write_;
    std::vector<Step> steps_;  // instructions only
    std::size_t current_ = 0;
    bool announced_ = false;
};

}  // namespace berth::build
