#pragma once
#include <cstdint>

#include "base/result.h"
#include "container/spec.h"
#include "snapshot/driver.h"

namespace berth::container {

// `--storage-opt size=`: how much a container may write to its own file system.

/// The limit in bytes, 0 without one. InvalidArgument for options that do not exist and for sizes
/// that are none.
Result<std::uint64_t> storage_limit(const StringMap& options);
/// Holds the fresh directories to the limit, by a project of their own. Unsupported, with what to
/// do, where the file system has no project quotas.
Result<> limit_storage(const snapshot::Writable& writable, std::uint64_t bytes);
/// Takes the limit back before the directories go; what is not limited stays as it is.
Result<> release_storage(const snapshot::Writable& writable);

}  // namespace berth::container
