#pragma once
#include <array>
#include <optional>

#include "cli/context.h"

namespace berth::cli {

/// Who the caller is to the file system, as {uid, gid}: behind sudo, the one who called it. Nobody
/// when that is root, or with --docker-defaults: then the numbers of a container's files stay as
/// they are.
std::optional<std::array<int, 2>> files_owner(const Context& context);

}  // namespace berth::cli
