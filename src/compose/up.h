#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "client/client.h"
#include "compose/plan.h"
#include "compose/progress.h"
#include "compose/project.h"

namespace berth::compose {

enum class PullPolicy : std::uint8_t { Missing, Always, Never };

struct UpOptions {
    bool force_recreate = false;
    bool no_recreate = false;
    bool renew_anonymous_volumes = false;
    bool remove_orphans = false;
    /// Build even when the image is there.
    bool build = false;
    bool no_build = false;
    /// Create, but do not start.
    bool no_start = false;
    /// Wait until everything is healthy or running.
    bool wait = false;
    /// How long that may take; TimedOut when it takes longer.
    std::optional<std::chrono::seconds> wait_timeout;
    /// Seconds a container that is replaced or removed gets to stop; nullopt takes each one's own.
    std::optional<int> stop_timeout;
    std::optional<PullPolicy> pull;
    std::map<std::string, int> scale;
    /// Builds a service's image and tags it; given by the caller, who has the terminal.
    std::function<Result<>(const Service& service)> build_image;
    /// Pulls an image; given by the caller for the same reason.
    std::function<Result<>(const Service& service, const std::string& image)> pull_image;
};

/// Brings a project up: networks and volumes, images, then the plan, services in parallel and each
/// behind the conditions of its dependencies. Cancelling leaves what was created; running `up`
/// again goes on from there.
Result<> up(const client::Client& client, const Project& project, const UpOptions& options,
            const ProgressSink& progress, const std::stop_token& stop);

/// Makes sure that every service's image is there, building and pulling as the options and pull
/// policies say. Returns service -> image ID.
Result<std::map<std::string, std::string>> provide_images(const client::Client& client,
                                                          const Project& project,
                                                          const UpOptions& options);

}  // namespace berth::compose
