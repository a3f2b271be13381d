#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace berth::container {

/// The closed set of a container's states; names are Docker's.
enum class Status : std::uint8_t { Created, Running, Paused, Restarting, Removing, Exited, Dead };

std::string_view to_string(Status status);
std::optional<Status> parse_status(std::string_view text);
/// A process exists or is about to be started again: what "running" means to stop, rm and rename.
bool is_alive(Status status);

struct HealthProbe {
    Timestamp start{}, end{};
    int exit_code = 0;
    std::string output;
};

struct Health {
    std::string status;  // starting healthy unhealthy; empty without a health check
    int failing_streak = 0;
    std::vector<HealthProbe> log;  // the last five
};

/// What changes while a container lives.
struct State {
    Status status = Status::Created;
    int pid = 0;  // host pid of process 1, 0 when not running
    int exit_code = 0;
    std::string error;
    bool oom_killed = false;
    bool manually_stopped = false;
    int restart_count = 0;
    Timestamp started_at{}, finished_at{};  // epoch: never
    Health health;
};

}  // namespace berth::container
