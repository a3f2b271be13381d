#pragma once
#include <string>

#include "client/client.h"
#include "compose/project.h"

namespace berth::compose {

/// What building a service asks the engine for, and where its context lies on this machine.
struct BuildRequest {
    /// Absolute directory, or a URL when `options.remote` is set.
    std::string context;
    client::BuildOptions options;
    /// Text of the Dockerfile when the compose file holds it itself.
    std::string inline_dockerfile;
};

/// The build section of a service as a request; the image's name is the first tag. InvalidArgument
/// for a secret that cannot be read.
Result<BuildRequest> build_request(const Project& project, const Service& service);

}  // namespace berth::compose
