#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "codec/stream.h"
#include "codec/tar.h"
#include "sys/fd.h"

namespace berth::layer {

enum class PackWhiteouts {
    Keep,       ///< a tree as a user sees it: whiteouts do not occur
    ToArchive,  ///< an overlay's upper directory: character devices 0/0 become `.wh.` files, opaque
                ///< directories get
                ///< `.wh..wh..opq`; the overlay's private attributes are left out; the root's time
                ///< is that of its newest entry
};

struct PackOptions {
    PackWhiteouts whiteouts = PackWhiteouts::Keep;
    /// Put before every path: "" packs the content as "etc/passwd", "web" as "web/etc/passwd".
    std::string prefix;
    /// Writes an entry for the directory itself ("./", or the prefix).
    bool include_root = false;
    bool xattrs = true;
    /// False stays on one file system: mounts below (volumes, /proc) appear as empty directories.
    bool cross_devices = false;
    /// Asked for every path (relative, without prefix); false leaves it and what is below out.
    std::function<bool(const std::string& path, const struct stat& status)> filter;
    /// May change owner, mode, times before an entry is written.
    std::function<void(codec::TarEntry& entry)> edit;
};

struct Packed {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  ///< of file content
};

/// Writes the tree below `directory` as a canonical tar: names sorted by bytes, numeric owners,
/// nanosecond times, hard links kept, holes of sparse files kept. The same tree gives the same
/// bytes. Sockets are left out, as tar cannot hold them. Links are never followed.
Result<Packed> pack(sys::BorrowedFd directory, codec::ByteSink& tar, const PackOptions& options,
                    std::stop_token stop);

/// Writes `path` of the tree in `root` (a file, or a directory with its content) under its base
/// name, as `docker cp` wants it. Links are not followed.
Result<Packed> pack_path(sys::BorrowedFd root, const std::string& path, codec::ByteSink& tar,
                         const PackOptions& options, std::stop_token stop);

}  // namespace berth::layer
