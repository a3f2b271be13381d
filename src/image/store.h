#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/stream.h"
#include "image/check.h"
#include "image/files.h"
#include "image/image.h"
#include "oci/platform.h"
#include "record/schema.h"
#include "remote/registry.h"

namespace berth::record {
class Database;
class EventLog;
}  // namespace berth::record
namespace berth::content {
class Store;
}
namespace berth::snapshot {
class Driver;
}

// Images: names for manifests whose blobs are in content::Store and whose layers are in
// snapshot::Driver.
namespace berth::image {

/// Tables of this module; the engine hands them to record::Database::open().
record::Schema schema();

/// One line of progress in Docker's words, e.g. {id "2fa1..", status "Downloading", 1024, 4096}.
struct Progress {
    std::string id;
    std::string status;
    std::int64_t current = 0, total = 0;
    std::string stream;  // load's and import's own lines
    std::string aux;     // a JSON document: {"Tag":..,"Digest":..,"Size":..}
};
/// Called from several threads, one at a time.
using ProgressSink = std::function<void(const Progress&)>;

struct PullOptions {
    oci::Platform platform;  // empty: this machine's
    bool all_tags = false;
    remote::CredentialsProvider credentials;
};
struct PushOptions {
    std::optional<oci::Platform> platform;  // only this manifest of an index
    bool all_tags = false;
    remote::CredentialsProvider credentials;
};
struct CopyOptions {
    bool from_registry = true;                // false: an image that is here
    std::optional<oci::Platform> platform;    // only this manifest of an index
    remote::CredentialsProvider credentials;  // asked for both registries
};
struct RemoveOptions {
    bool force = false;
    bool prune_parents = true;  // false: --no-prune
    std::vector<oci::Platform>
        platforms;  // only the content for these; the last one takes the image with it
};
struct ListFilter {
    bool all = false;
    std::vector<std::string> references;  // glob patterns of `--filter reference=`
    std::optional<bool> dangling;
    std::vector<std::string> labels;          // "key" or "key=value", all of them
    std::vector<std::string> without_labels;  // "label!="
    std::string before, since;                // images
    std::optional<Timestamp> until;
    bool shared_sizes = false;
    bool manifests = false;
};
struct PruneFilter {
    bool dangling_only = true;
    std::optional<Timestamp> until;
    std::vector<std::string> labels, without_labels;
};
struct PruneResult {
    std::vector<Removed> removed;
    std::int64_t bytes = 0;
};
/// A blob, or an unpacked layer by its diff id, as it lies on the disk.
struct Piece {
    oci::Digest digest;
    bool is_layer = false;
    auto operator<=>(const Piece&) const = default;
};
/// An image that may go when there is no room, as nobody uses it and it can be had again or has no
/// name.
struct Evictable {
    oci::Digest id;
    Timestamp last_used{};
    bool is_pulled = false;  // a registry gives it again
};
/// All pieces there are, and whose they are.
struct Inventory {
    struct Of {
        std::vector<std::string> names;  // familiar, sorted
        std::set<Piece> pieces;
    };
    std::map<Piece, std::int64_t> bytes;  // on the disk
    std::map<oci::Digest, Of> images;     // by id
    std::set<Piece> kept;                 // by the root providers, or by what runs now
    std::set<Piece> fixed;  // of these, what stays even where images, containers and cache go
};
struct ImportOptions {
    std::string reference;  // "" leaves it without a name
    std::string message;
    oci::Platform platform;   // empty: this machine's
    std::string config_json;  // OCI image configuration to merge in: the members of "config"
};
struct LoadResult {
    struct Item {
        oci::Digest id;
        std::string reference;  // familiar; "" for an image without a name
    };
    std::vector<Item> loaded;
};
/// An image made here: by build, commit or import.
struct NewImage {
    std::string config_json;    // complete; rootfs.diff_ids must agree with `layers`
    std::vector<Layer> layers;  // blobs in the content store, unpacked layers in the driver
    std::vector<std::string> references;
    bool oci_media_types = false;
    oci::Annotations annotations;
    std::string parent;  // id of the image it was made from, for `images -a` and rmi
    /// Layers whose blobs are plain archives stay so, and a push gives the image another digest.
    /// Else they are compressed now, so that its digest is the one that a registry will know it by.
    bool may_have_archives = false;
};
struct BootstrapOptions {
    std::string suite;                  // "debian:bookworm", "ubuntu:noble", or "busybox"
    std::vector<std::string> packages;  // more packages
    std::string mirror;
    std::string reference;  // other name for the result
};
struct DiskUsage {
    std::int64_t images = 0, active = 0;
    std::int64_t bytes = 0, reclaimable = 0;
};
/// A container that uses an image, as remove() must know it.
struct User {
    std::string container_id;
    bool running = false;
};
/// What must survive collection although no image refers to it: build cache, containers.
struct Roots {
    std::set<oci::Digest> blobs;
    std::set<oci::Digest> diff_ids;
    std::vector<Layer> layers;    // of these, those that can be made again from a blob
    std::set<oci::Digest> fixed;  // of diff_ids, those that stay whatever is removed
};
/// Makes a layer that comes from no blob again; false when it is not its.
using LayerMaker = std::function<Result<bool>(const oci::Digest& diff_id)>;

/// How many blobs travel at a time, over all pulls and over all pushes. The defaults are Docker's.
struct TransferLimits {
    unsigned downloads = 3, uploads = 5;
};

/// What becomes of a layer's compressed blob once the layer is unpacked. Dropped ones are fetched
/// again when they are needed. DropPulled drops those that a registry gave without asking who wants
/// them: it needs no login then, and what was made here is not left to what it was pushed to. Drop
/// drops all that a registry gave or took.
enum class LayerBlobs { Keep, DropPulled, Drop };

struct Services {
    record::Database& database;
    record::EventLog* events;  // may be null
    content::Store& content;
    snapshot::Driver& snapshots;
    remote::Registries& registries;
};

/// All images of an engine. Every function may be called from any thread. `name` is what users
/// type: a name with tag or digest, "sha256:<hex>", or a unique prefix of an id. An unknown one is
/// NotFound "No such image: NAME".
class Store {
public:
    static Result<std::unique_ptr<Store>> open(const Services& services);
    ~Store();

    /// Who uses an image; asked by remove, list, prune. Set once at start-up.
    void set_user_lookup(std::function<std::vector<User>(const oci::Digest& id)> lookup);
    /// Adds to what garbage collection keeps.
    void add_root_provider(std::function<void(Roots&)> provider);
    void add_layer_maker(LayerMaker maker);
    /// From now on; what travels already goes on.
    void set_transfer_limits(const TransferLimits& limits);
    /// From now on; other than with Keep, blobs of what is here already go in the background. Not
    /// before the root providers are set.
    void set_layer_blobs(LayerBlobs policy);

    // --- looking ---------------------------------------------------------------------------------
    /// The image for a platform (empty: this machine's best, see resolve_any). NotFound also when
    /// the platform's content is not here; Corrupted, with the digest and how to repair it, when
    /// its content is damaged.
    Result<Image> resolve(std::string_view name, const oci::Platform& platform = {}) const;
    /// The same without lesser platforms that would do: arm64 finds no arm image.
    Result<Image> resolve_exactly(std::string_view name, const oci::Platform& platform) const;
    /// Makes the layers that are lost, or were dropped as damaged, again from their blobs, which
    /// are fetched if need be. Cheap when all are there.
    Result<> ensure_layers(const Image& image, std::stop_token stop) const;
    /// What can be looked at: this machine's best, else any platform that is here.
    Result<Image> resolve_any(std::string_view name) const;
    Result<Summary> summary(std::string_view name) const;
    /// Newest first.
    Result<std::vector<Summary>> list(const ListFilter& filter) const;
    Result<std::vector<HistoryEntry>> history(std::string_view name,
                                              const oci::Platform& platform = {}) const;
    /// What each layer brings, bottom first; of any platform that is here when none is named.
    Result<std::vector<LayerReport>> layers(std::string_view name, const oci::Platform& platform,
                                            std::stop_token stop) const;
    /// What differs in files, modes, owners and content; sorted by path. Times do not count.
    Result<std::vector<FileDifference>> diff(std::string_view before, std::string_view after,
                                             std::stop_token stop) const;
    Result<DiskUsage> usage() const;
    /// What of which image lies on the disk. Damaged images have what can be read of them.
    Result<Inventory> inventory() const;

    // --- registries ------------------------------------------------------------------------------
    /// Downloads, unpacks and names the image; returns its id. Layers travel in parallel and are
    /// shared with other pulls in flight. What arrived before a failure is kept and resumed.
    Result<oci::Digest> pull(std::string_view name, const PullOptions& options,
                             const ProgressSink& progress, std::stop_token stop);
    Result<> push(std::string_view name, const PushOptions& options, const ProgressSink& progress,
                  std::stop_token stop);

    /// Sends an image to a registry as it is, from another registry or from here; returns what the
    /// target names now. Blobs that have to travel through here are not kept.
    Result<oci::Descriptor> copy(std::string_view from, std::string_view to,
                                 const CopyOptions& options, const ProgressSink& progress,
                                 std::stop_token stop);
    /// The one image of an OCI layout in a tar, to a registry.
    Result<oci::Descriptor> copy_from_archive(codec::ByteSource& archive, std::string_view to,
                                              const CopyOptions& options,
                                              const ProgressSink& progress, std::stop_token stop);
    /// What a registry has, as save() writes it. Nothing is written before all of it has come.
    Result<> copy_to_archive(std::string_view from, const CopyOptions& options,
                             codec::ByteSink& sink, std::stop_token stop);

    // --- names -----------------------------------------------------------------------------------
    Result<> tag(std::string_view name, std::string_view target);
    /// Docker's rules: a name among several is only untagged; an id with several names, or in use,
    /// needs force (Conflict). NotFound when absent.
    Result<std::vector<Removed>> remove(std::string_view name, const RemoveOptions& options);
    Result<PruneResult> prune(const PruneFilter& filter, std::stop_token stop);
    /// Removes an image that somebody decided on at `since`, when it had `names`; its content goes
    /// with the next collection. Conflict says what became of it since: another name, a container.
    Result<std::vector<Removed>> remove_unchanged(const oci::Digest& id,
                                                  const std::vector<std::string>& names,
                                                  Timestamp since);

    // --- archives --------------------------------------------------------------------------------
    /// Writes one tar that is both a docker-archive and an OCI layout. Deterministic. Blobs that
    /// were dropped are fetched again with `credentials`, before the first byte.
    Result<> save(const std::vector<std::string>& names,
                  const std::optional<oci::Platform>& platform, codec::ByteSink& sink,
                  std::stop_token stop, const remote::CredentialsProvider& credentials = {});
    /// Reads docker-archive and oci-archive of any compression.
    Result<LoadResult> load(codec::ByteSource& source, const std::optional<oci::Platform>& platform,
                            const ProgressSink& progress, std::stop_token stop);
    /// A tar of any compression becomes an image of one layer.
    Result<oci::Digest> import(codec::ByteSource& source, const ImportOptions& options,
                               const ProgressSink& progress, std::stop_token stop);
    /// Makes a base image from the distribution's own packages (mmdebstrap). NotFound with a hint
    /// when that is missing.
    Result<oci::Digest> bootstrap(const BootstrapOptions& options, const ProgressSink& progress,
                                  std::stop_token stop);

    // --- making ----------------------------------------------------------------------------------
    /// Stores configuration and manifest and names the image.
    Result<Image> commit(NewImage image);
    /// Takes a tar stream (of any compression) as a layer: unpacked into the driver, kept as a gzip
    /// blob.
    Result<Layer> add_layer(codec::ByteSource& source, std::stop_token stop);

    /// Removes blobs and layers that no image, lease or root provider refers to; returns the bytes
    /// freed.
    Result<std::int64_t> collect_garbage(std::stop_token stop);
    // --- room ------------------------------------------------------------------------------------
    /// That an image is about to be used. NotFound when it is gone.
    Result<> touch(const oci::Digest& id);
    /// A pinned image is neither evicted nor pruned; it goes when it is removed by name.
    Result<> set_pinned(std::string_view name, bool is_pinned);
    Result<bool> is_pinned(const oci::Digest& id) const;
    /// Not pinned, used by no container, and known here only by names that a registry has it under,
    /// or by none.
    Result<std::vector<Evictable>> evictable() const;
    /// Removes such an image; its content stays until remove_pieces() or the next collection.
    /// Conflict when it is none any more, or was used after `since`.
    Result<> evict(const oci::Digest& id, Timestamp since);
    /// Removes of these what no image, root provider or lease has; returns the bytes that this
    /// gives back. Unlike a collection it takes layers while something is made, too.
    Result<std::int64_t> remove_pieces(const std::set<Piece>& pieces);
    /// Collects as soon as nothing is being pulled, built or made, with what is left of downloads.
    void collect_soon();

    /// To be called before what the root providers look at ends.
    void end_background_work();

    /// Reads everything that is stored and says what is damaged or missing. With `repair`, blobs
    /// are fetched again with `credentials` from registries that had them, layers are made again
    /// from their blobs, and what is damaged beyond that goes.
    Result<CheckReport> check(bool repair, std::stop_token stop,
                              const remote::CredentialsProvider& credentials = {});

    class Implementation;

private:
    explicit Store(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace berth::image
