#pragma once
#include <string>

#include "base/result.h"
#include "client/stream.h"

namespace berth::cli {

/// What `build` sends.
struct BuildContext {
    client::BytesSource tar;  ///< empty with a remote one
    std::string dockerfile;   ///< its path in the archive
    std::string remote;       ///< a URL that the engine fetches itself
};

/// `source` is a folder, "-" (a tar archive or a Dockerfile on standard input) or a URL;
/// `dockerfile` is the value of -f, relative to the present folder, or "-". .dockerignore (or
/// DOCKERFILE.dockerignore) is applied here, so that what it names is never sent.
Result<BuildContext> open_build_context(const std::string& source, const std::string& dockerfile);

}  // namespace berth::cli
