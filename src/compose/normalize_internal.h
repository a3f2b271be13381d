#pragma once
#include "compose/project.h"

namespace berth::compose {

/// What normalisation needs to know about the place of a project.
struct NormalizeContext {
    const std::string& project;
    const std::string& working_dir;
    const Environment& environment;
    const Sources& sources;
    Warnings& warnings;
};

/// `path` against the project's directory, with "~" expanded and "." and ".." folded away.
std::string absolute_path(std::string_view path, const NormalizeContext& context);

/// Expands every short form of one service's definition and reads its env files.
Result<> normalize_service(Service& service, const NormalizeContext& context);

/// Gives every network, volume, secret and config its full name or absolute file.
Result<> normalize_resources(Project& project, const NormalizeContext& context);

}  // namespace berth::compose
