#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/stream.h"
#include "oci/digest.h"
#include "snapshot/mount_place.h"
#include "sys/fd.h"
#include "sys/mount.h"
#include "sys/room.h"

namespace berth::snapshot {

// Nouns. A *layer* is one read-only file tree, named by its diff id: the sha256 digest of its
// uncompressed tar. It does not depend on the layers below it. A *root* is what a container sees:
// layers stacked, and usually one writable directory (*upper*) on top, as one overlay. A root is a
// detached mount: attached nowhere, gone when its descriptor and all its clones are closed; the
// kernel keeps the layers it is made of alive.
//
//     auto layer = TRY(driver.apply(blob, {.diff_id = config.diff_ids[0]}, stop));
//     auto writable = TRY(driver.create_writable(container_dir, diff_ids));
//     auto root = TRY(driver.mount_root({.layers = diff_ids, .writable = writable}));

struct LayerInfo {
    oci::Digest diff_id;
    std::uint64_t tar_bytes = 0;   ///< of the uncompressed tar
    std::uint64_t disk_bytes = 0;  ///< allocated by the layer's files
    std::uint64_t entries = 0;
};

struct ApplyOptions {
    /// What the image's configuration promises; Corrupted when the tar's digest is another.
    std::optional<oci::Digest> diff_id;
    /// So that open_archive() gives the archive again, where the driver can do that.
    bool keeps_archive = false;
};

/// The two directories an overlay writes to, as host paths on one file system.
struct Writable {
    std::string upper;
    std::string work;  ///< beside `upper`
    /// A user namespace whose maps say whose the files are that are seen and made; -1: whose they
    /// are on the disk.
    int owners = -1;
    /// Whether a quota holds for them: then the overlay, which writes with the rights of whoever
    /// mounted it, must not have the right to pass it.
    bool is_limited = false;
};

struct RootRequest {
    std::vector<oci::Digest> layers;   ///< lowest first; empty means an empty root
    std::optional<Writable> writable;  ///< without it the root is read-only
    /// Leaves out every fsync of the upper file system, for roots that are thrown away after a
    /// crash: build steps and containers with --rm. Such a root cannot be mounted again after the
    /// machine crashed.
    bool is_volatile = false;
    /// A user namespace whose maps say whose the layers' files are; -1: whose they are in the
    /// archive.
    int layer_owners = -1;
};

/// Stores layers and stacks them. Safe to use from many threads.
class Driver {
public:
    virtual ~Driver() = default;
    /// "erofs" or "directory".
    virtual std::string_view name() const = 0;

    /// Makes a layer of a tar stream (plain, gzip or zstd) in one pass, durable on return. A layer
    /// that exists already is left as it is, after the stream was read and checked. InvalidArgument
    /// for an archive that must be refused.
    virtual Result<LayerInfo> apply(codec::ByteSource& archive, const ApplyOptions& options,
                                    std::stop_token stop) = 0;
    /// Makes a layer of an overlay's upper directory (or any directory: whiteouts are overlay's)
    /// and writes its canonical, uncompressed tar to `tar` on the way. The tree must not change
    /// meanwhile.
    virtual Result<LayerInfo> capture(sys::BorrowedFd upper, codec::ByteSink& tar,
                                      std::stop_token stop) = 0;

    virtual bool has(const oci::Digest& diff_id) const = 0;
    /// Whether a layer that is applied with keeps_archive can give its archive again.
    virtual bool can_keep_archives() const { return false; }
    /// Whether this one can.
    virtual bool has_archive(const oci::Digest&) const { return false; }
    /// The uncompressed archive that the layer was made of, byte for byte, as far as the disk holds
    /// what was written: whoever relies on it compares its digest, which is the diff id. NotFound
    /// when it was not kept.
    virtual Result<std::unique_ptr<codec::ByteSource>> open_archive(
        const oci::Digest& diff_id) const {
        return fail(ErrorCode::NotFound, "the archive of layer ", diff_id, " is not kept");
    }
    /// Reads what is kept for open_archive() beside the layer: Corrupted when it is damaged.
    virtual Result<> check_archive(const oci::Digest&) const { return {}; }
    /// The layer stays, and can give its archive no more.
    virtual Result<> drop_archive(const oci::Digest&) { return {}; }
    virtual Result<LayerInfo> inspect(const oci::Digest& diff_id) const = 0;
    /// Reads a layer through as it is on the disk: Corrupted when a byte is not as it was written,
    /// NotFound without the layer. False when the layer has no sum of its own to tell.
    virtual Result<bool> verify(const oci::Digest& diff_id, std::stop_token stop) const = 0;
    virtual Result<std::vector<oci::Digest>> list() const = 0;
    /// Absent is fine. Roots mounted from it go on working; its space comes back with the last of
    /// them.
    virtual Result<> remove(const oci::Digest& diff_id) = 0;
    /// Blocks until what was removed has given its space back.
    virtual void wait_for_removals() = 0;
    /// Bytes that removing the layer gives back: all that is allocated for it.
    virtual Result<std::uint64_t> disk_usage(const oci::Digest& diff_id) const = 0;
    /// Bytes on disk of all layers.
    virtual Result<std::uint64_t> usage() const = 0;

    /// Creates `upper` and `work` in `directory` (which exists); the upper root gets mode and owner
    /// of the topmost layer's.
    virtual Result<Writable> create_writable(const std::string& directory,
                                             const std::vector<oci::Digest>& layers) = 0;
    /// NotFound names a layer that is not there.
    virtual Result<sys::DetachedMount> mount_root(const RootRequest& request) = 0;
    /// What a mount needs before parts of it can be bind mounted; to be held for as long as they
    /// are to be. Nothing since Linux 6.15, before that a place in this mount namespace.
    virtual Result<MountPlace::Point> make_bindable(const sys::DetachedMount& mount) = 0;
};

struct DriverOptions {
    std::string root;  ///< the data root; layers live in <root>/layers
    /// "erofs", "erofs-loop", "directory", or empty: EROFS where the kernel mounts it (from a file,
    /// else through a loop device), else directories.
    std::string driver;
    /// Whether mounts are attached in this mount namespace, below `<root>/mounts`.
    bool attach_mounts = !sys::can_copy_detached_mounts();
    /// Asked before a layer's bytes are written; null: there is enough. Outlives the driver.
    sys::Room* room = nullptr;
};
/// Also sweeps what a crash left half-made.
Result<std::unique_ptr<Driver>> open_driver(const DriverOptions& options);

}  // namespace berth::snapshot
