#pragma once
#include <string>
#include <vector>

#include "client/client.h"
#include "compose/project.h"

namespace berth::compose {

/// A container that the engine has for a project, read from its labels.
struct ObservedContainer {
    std::string id;
    std::string name;
    std::string service;
    int number = 0;
    std::string config_hash;
    /// The ID of the image it was made from.
    std::string image_id;
    /// "created", "running", "exited", ...
    std::string state;
    bool is_oneoff = false;
    bool is_running() const {
        return state == "running" || state == "restarting" || state == "paused";
    }
};

/// Everything of a project that runs or lies around, sorted by service and number.
Result<std::vector<ObservedContainer>> observe_containers(const client::Client& client,
                                                          const std::string& project,
                                                          bool with_oneoff = false);

/// One list entry as the Engine API writes it, for callers that filter themselves.
ObservedContainer to_observed(const codec::Json& listed);

}  // namespace berth::compose
