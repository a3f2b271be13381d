#pragma once
#include <functional>
#include <string>
#include <vector>

#include "api/container.h"
#include "compose/project.h"

namespace berth::compose {

/// What the request of one container depends on besides its service.
struct ContainerRequestOptions {
    int number = 1;
    /// A container of `compose run`: no restart policy, no published ports unless asked for.
    bool is_oneoff = false;
    /// The image's ID, recorded as a label, so that a rebuilt image is noticed.
    std::string image_id;
    /// The ID of another service's container, for network_mode, ipc and pid "service:NAME".
    std::function<Result<std::string>(const std::string& service)> container_of;
    /// Anonymous volumes of the container that is being replaced: path -> volume name.
    std::vector<std::pair<std::string, std::string>> inherited_volumes;
};

/// The body of `POST /containers/create` for one container of a service. InvalidArgument names
/// service and key.
Result<api::ContainerCreateRequest> container_request(const Project& project,
                                                      const Service& service,
                                                      const ContainerRequestOptions& options);

/// PROJECT-SERVICE-NUMBER, or the fixed container_name.
std::string container_name(const Project& project, const Service& service, int number);

/// SHA-256 over everything in the definition that asks for another container when it changes: not
/// build, pull_policy, scale, deploy.replicas, depends_on and profiles.
std::string config_hash(const Service& service);

}  // namespace berth::compose
