#pragma once
#include <optional>
#include <string>
#include <vector>

#include "snapshot/driver.h"
#include "snapshot/mount_place.h"
#include "sys/fd.h"

namespace berth::snapshot {

/// Stacks directories (lowest first, at least one) as an overlay, detached. A single one without a
/// writable directory is a read-only copy of its mount, since overlayfs wants two. With a place, by
/// mount(2) and paths, for kernels that know no other way; then `lower` must be attached.
/// Documentation/filesystems/overlayfs.rst.
Result<sys::DetachedMount> mount_overlay(const std::vector<sys::BorrowedFd>& lower,
                                         const std::optional<Writable>& writable, bool is_volatile,
                                         MountPlace* place, int layer_owners = -1);

/// Creates `upper` and `work` below `directory`; the upper root takes mode and owner of `topmost`,
/// which may be absent.
Result<Writable> make_writable(const std::string& directory,
                               std::optional<sys::BorrowedFd> topmost);

}  // namespace berth::snapshot
