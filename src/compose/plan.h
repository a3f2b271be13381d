#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compose/observed.h"
#include "compose/project.h"

namespace berth::compose {

/// One step for one container. Plans are plain values: computed, printed, compared, and only then
/// executed.
struct Step {
    enum class Kind : std::uint8_t { Keep, Start, Create, Recreate, Remove };
    Kind kind;
    /// The container's number in its service.
    int number = 0;
    /// What is there now; empty for Create.
    ObservedContainer existing;
    /// Why a container is recreated: "configuration changed", "image changed", "forced".
    std::string reason;
};
std::string_view to_string(Step::Kind kind);

struct ServicePlan {
    std::string service;
    std::vector<Step> steps;
};

struct Plan {
    /// In dependency order.
    std::vector<ServicePlan> services;
    /// Containers of services that the project no longer has.
    std::vector<ObservedContainer> orphans;
};

struct PlanOptions {
    bool force_recreate = false;
    bool no_recreate = false;
    /// Service -> replicas, from --scale.
    std::map<std::string, int> scale;
    /// Service -> ID of the image it should run; a service that is missing here is not compared by
    /// image.
    std::map<std::string, std::string> image_ids;
};

/// The difference between a project and what the engine has.
Plan make_plan(const Project& project, const std::vector<ObservedContainer>& observed,
               const PlanOptions& options);

/// One line a step, for `--dry-run` and tests: "api-1 recreate (configuration changed)".
std::string to_string(const Plan& plan);

}  // namespace berth::compose
