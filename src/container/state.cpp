#include "container/state.h"

namespace berth::container {

std::string_view to_string(Status status) {
    switch (status) {
        case Status::Created: return "created";
        case Status::Running: return "running";
        case Status::Paused: return "paused";
        case Status::Restarting: return "restarting";
        case Status::Removing: return "removing";
        case Status::Exited: return "exited";
        case Status::Dead: return "dead";
    }
    return "dead";
}

std::optional<Status> parse_status(std::string_view text) {
    for (const Status status :
         {Status::Created, Status::Running, Status::Paused, Status::Restarting, Status::Removing,
          Status::Exited, Status::Dead}) {
        if (text == to_string(status)) return status;
    }
    return std::nullopt;
}

bool is_alive(Status status) {
    return status == Status::Running || status == Status::Paused || status == Status::Restarting;
}

}  // namespace berth::container
