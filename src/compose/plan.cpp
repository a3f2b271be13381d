#include "compose/plan.h"

#include <algorithm>

#include "compose/container_request.h"

namespace berth::compose {

std::string_view to_string(Step::Kind kind) {
    switch (kind) {
        case Step::Kind::Keep: return "keep";
        case Step::Kind::Start: return "start";
        case Step::Kind::Create: return "create";
        case Step::Kind::Recreate: return "recreate";
        case Step::Kind::Remove: return "remove";
    }
    return "keep";
}

namespace {

std::string recreate_reason(const Service& service, const ObservedContainer& container,
                            const PlanOptions& options) {
    if (options.force_recreate) return "forced";
    if (options.no_recreate) return {};
    if (container.config_hash != config_hash(service)) return "configuration changed";
    const auto image = options.image_ids.find(service.name);
    if (image != options.image_ids.end() && image->second != container.image_id)
        return "image changed";
    return {};
}

ServicePlan plan_service(const Service& service, std::vector<ObservedContainer> containers,
                         const PlanOptions& options) {
    ServicePlan plan{service.name, {}};
    const auto scale = options.scale.find(service.name);
    const int wanted = scale == options.scale.end() ? service.replicas : scale->second;
    // Scaling down takes the highest numbers first.
    std::sort(containers.begin(), containers.end(),
              [](const auto& a, const auto& b) { return a.number < b.number; });
    int kept = 0;
    int next_number = 1;
    for (auto& container : containers) {
        next_number = std::max(next_number, container.number + 1);
        if (kept >= wanted) {
            plan.steps.push_back({Step::Kind::Remove, container.number, std::move(container), {}});
            continue;
        }
        ++kept;
        std::string reason = recreate_reason(service, container, options);
        const auto kind = !reason.empty()          ? Step::Kind::Recreate
                          : container.is_running() ? Step::Kind::Keep
                                                   : Step::Kind::Start;
        plan.steps.push_back({kind, container.number, std::move(container), std::move(reason)});
    }
    for (; kept < wanted; ++kept) plan.steps.push_back({Step::Kind::Create, next_number++, {}, {}});
    return plan;
}

}  // namespace

Plan make_plan(const Project& project, const std::vector<ObservedContainer>& observed,
               const PlanOptions& options) {
    Plan plan;
    for (const Service* service : in_dependency_order(project)) {
        std::vector<ObservedContainer> own;
        for (const auto& container : observed)
            if (container.service == service->name && !container.is_oneoff)
                own.push_back(container);
        plan.services.push_back(plan_service(*service, std::move(own), options));
    }
    const auto is_known = [&](const std::string& name) {
        const auto has_name = [&](const Service& service) { return service.name == name; };
        return std::any_of(project.services.begin(), project.services.end(), has_name) ||
               std::any_of(project.disabled.begin(), project.disabled.end(), has_name);
    };
    for (const auto& container : observed)
        if (!container.is_oneoff && !is_known(container.service)) plan.orphans.push_back(container);
    return plan;
}

std::string to_string(const Plan& plan) {
    std::string out;
    for (const auto& service : plan.services) {
        for (const auto& step : service.steps) {
            out += concat(service.service, "-", step.number, " ", to_string(step.kind));
            if (!step.reason.empty()) out += concat(" (", step.reason, ")");
            out += '\n';
        }
    }
    for (const auto& orphan : plan.orphans) out += concat("orphan ", orphan.name, "\n");
    return out;
}

}  // namespace berth::compose
