#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "client/client.h"
#include "compose/observed.h"
#include "compose/progress.h"
#include "compose/project.h"

namespace berth::compose {

enum class RemoveImages : std::uint8_t { None, Local, All };

struct DownOptions {
    bool remove_orphans = false;
    /// Remove the containers of the project's services only, and leave networks, volumes and
    /// one-off containers.
    bool services_only = false;
    bool volumes = false;
    RemoveImages images = RemoveImages::None;
    /// Seconds a container gets to stop; nullopt takes each one's own.
    std::optional<int> timeout;
};

/// Stops and removes a project's containers, each after those that depend on it, then its networks
/// and, when asked, its volumes and images.
Result<> down(const client::Client& client, const Project& project, const DownOptions& options,
              const ProgressSink& progress, const std::stop_token& stop);

enum class Verb : std::uint8_t { Start, Stop, Restart, Kill, Pause, Unpause, Remove };

struct VerbOptions {
    std::optional<int> timeout;
    std::string signal;
    /// Remove: also stop running ones, and anonymous volumes.
    bool force = false;
    bool volumes = false;
};

/// Applies one verb to the containers of the project's services: in dependency order for Start and
/// Restart, in reverse for the others, services of one rank in parallel.
Result<> apply(const client::Client& client, const Project& project, Verb verb,
               const VerbOptions& options, const ProgressSink& progress,
               const std::stop_token& stop);

}  // namespace berth::compose
