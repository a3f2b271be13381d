#pragma once
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "codec/stream.h"
#include "sys/fd.h"

namespace berth::layer {

/// What to do with the names `.wh.*` in an archive.
enum class Whiteouts {
    Keep,     ///< they are ordinary files: build contexts, `cp`
    Overlay,  ///< character devices 0/0 and the opaque attribute, for a directory that becomes an
              ///< overlay layer
    Apply,    ///< remove what they name from the tree
};

struct ExtractOptions {
    Whiteouts whiteouts = Whiteouts::Keep;
    /// Owner of everything, instead of the archive's.
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
    /// Added to every uid and gid: where a container's ids begin on the host.
    std::uint32_t id_shift = 0;
    bool xattrs = true;
    /// Device nodes are refused with PermissionDenied when false.
    bool devices = true;
    /// Conflict instead of replacing a directory by something else or the other way round (docker
    /// cp).
    bool keep_kinds = false;
    /// Existing directories keep mode, owner and times, as tar --no-overwrite-dir.
    bool keep_directories = false;
    std::uint64_t limit_bytes = UINT64_MAX;
};

struct Extracted {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
};

/// Unpacks a plain or compressed tar below `directory`. Every name is resolved with openat2 below
/// that descriptor; an entry whose parent is a symbolic link follows it as if `directory` were "/",
/// so nothing can land outside.
Result<Extracted> extract(codec::ByteSource& archive, sys::BorrowedFd directory,
                          const ExtractOptions& options, std::stop_token stop);

}  // namespace berth::layer
