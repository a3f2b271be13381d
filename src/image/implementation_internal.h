#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/guarded.h"
#include "content/store.h"
#include "image/slots_internal.h"
#include "image/store.h"
#include "oci/image_config.h"
#include "record/database.h"
#include "record/event_log.h"
#include "snapshot/driver.h"

namespace berth::image {

/// What a target (index or manifest) leads to, read from the content store.
struct Target {
    oci::Descriptor descriptor;
    std::vector<oci::Descriptor> manifests;  // the target itself, or the index's entries
};

inline constexpr int max_index_depth = 4;
/// An entry of an index that says something about another one: provenance, SBOM.
bool is_attestation(const oci::Descriptor& manifest);
/// The entry that an attestation is about.
inline constexpr std::string_view attested_digest = "vnd.docker.reference.digest";
/// Whether the manifest holds something else than a file system: a chart, a policy, a signature.
bool is_artifact(const oci::Manifest& manifest);

/// How well content must fit a platform: well enough to run on it, as a machine would choose; or be
/// made for it, as archives and registries are told.
enum class Fit { Suitable, Exact };

/// One row of the table of images.
struct Row {
    oci::Digest id;
    std::string media_type;
    std::int64_t size = 0;
    std::string parent;
    Timestamp created{}, last_used{};
    bool is_pulled = false;  // a registry gave it
    bool is_pinned = false;  // it is neither evicted nor pruned
    oci::Descriptor descriptor() const {
        return {.media_type = media_type, .digest = id, .size = size};
    }
};

/// One name of an image.
struct Name {
    std::string reference;  // complete: "docker.io/library/debian:bookworm"
    oci::Digest id;
    Timestamp tagged{};
    bool is_pulled = false;  // a registry has the image under this name
    oci::Digest digest;      // that a registry has it by: the id, unless a push compressed it
};

enum class Provenance { Made, Pulled };

/// Whether a registry gave or took blobs without knowing who asked.
enum class SourceAccess { Open, WithCredentials };
SourceAccess access_with(const remote::CredentialsProvider& credentials, const std::string& domain);

class Store::Implementation {
public:
    explicit Implementation(const Services& services) : services_(services) {}

    // rows.cpp
    Result<std::vector<Row>> rows() const;
    Result<std::optional<Row>> find_row(const oci::Digest& id) const;
    Result<std::vector<Name>> names() const;
    Result<std::vector<Name>> names_of(const oci::Digest& id) const;
    Result<> save_image(const oci::Descriptor& target, const std::string& parent,
                        Provenance provenance = Provenance::Made);
    /// Points `reference` at the image, which must have a row.
    Result<> save_name(const oci::Reference& reference, const oci::Digest& id,
                       Provenance provenance = Provenance::Made);
    /// That a registry has the image of this name by another digest than the engine. A name that is
    /// another image's by now is left alone.
    Result<> note_pushed_as(const oci::Reference& reference, const oci::Digest& id,
                            const oci::Digest& digest);
    /// NotFound without the image.
    Result<> note_use(const oci::Digest& id);
    Result<> set_pinned(const oci::Digest& id, bool is_pinned);
    Result<> remove_name(const std::string& reference);
    Result<> remove_row(const oci::Digest& id);
    /// Notes that a repository of a registry has these blobs, so that a push to that registry can
    /// mount them, and that those which are here under the caller's lease were not dropped. Pulled:
    /// it gave them; Made: it took them.
    Result<> note_source(const oci::Reference& repository,
                         const std::vector<oci::Descriptor>& blobs, SourceAccess access,
                         Provenance provenance);
    /// Whether the policy leaves the blob to a registry that is known to give it to anyone.
    Result<bool> is_droppable(const oci::Digest& blob) const;
    /// Whether a blob that is not here is absent by policy: a registry has it, or it is the archive
    /// of a layer that can give it again.
    Result<bool> is_dropped(const oci::Digest& blob) const;
    Result<> note_dropped(const std::set<oci::Digest>& blobs) const;
    Result<> note_returned(const oci::Digest& blob) const;
    /// That an archive brought these: whoever loads what a registry gave once may have that
    /// registry no more.
    Result<> note_loaded(const std::vector<Layer>& layers) const;
    Result<std::vector<std::string>> sources_of(const oci::Digest& blob,
                                                const std::string& domain) const;

    // refetch.cpp
    /// The repositories that are known to have had a blob.
    Result<std::vector<oci::Reference>> repositories_of(const oci::Digest& blob) const;
    Result<> refetch_from(const oci::Reference& name, const oci::Descriptor& blob,
                          const remote::CredentialsProvider& credentials,
                          const std::stop_token& stop) const;
    /// Fetches a blob or document again, over what is here, and says from where. NotFound when no
    /// registry is known to have it.
    Result<oci::Reference> refetch(const oci::Descriptor& blob,
                                   const remote::CredentialsProvider& credentials,
                                   const std::stop_token& stop) const;
    /// A blob that may have been dropped: opened where it is here, else fetched first. Under a
    /// lease it stays.
    Result<content::BlobReader> open_blob(const oci::Descriptor& blob,
                                          const remote::CredentialsProvider& credentials,
                                          const std::stop_token& stop) const;

    // reproduce.cpp
    /// Makes the blob again, byte for byte, from a layer that is here: its archive, or what a push
    /// made of that. False when there is no such layer, or it does not give these bytes any more.
    Result<bool> reproduce(const oci::Descriptor& blob, const std::stop_token& stop) const;
    /// Keeps the layers whose archives are among these blobs while it lives; empty without one.
    std::optional<content::Lease> hold_archives(const std::vector<oci::Descriptor>& blobs) const;
    /// A layer whose blob is its archive, compressed for the way to a registry. It stays while a
    /// lease does.
    Result<oci::Descriptor> compress_layer(const oci::Descriptor& layer,
                                           const std::stop_token& stop) const;
    /// What compress_layer() made of the layer before; the blob need not be here.
    Result<std::optional<oci::Descriptor>> find_compressed(const oci::Descriptor& layer) const;

    /// The same, with the blob here: as it was compressed before, or now.
    Result<oci::Descriptor> compressed_layer(const oci::Descriptor& layer,
                                             content::Lease& lease) const;
    /// Takes a tar stream (of any compression) as a layer whose blob is the plain tar. Only where
    /// layers can give that again.
    Result<Layer> add_archive(codec::ByteSource& source, const std::stop_token& stop);

    // layer_blobs.cpp
    /// The layers of every manifest that is here; without those of damaged ones.
    std::vector<Layer> layers_of(const oci::Descriptor& target) const;
    /// Drops of these layers the blobs that the policy does not keep; returns their bytes.
    Result<std::int64_t> drop_layer_blobs(const std::vector<Layer>& layers);
    Result<std::int64_t> drop_all_layer_blobs();
    /// What came back for a push, a save or a copy goes again, and what came with a pull; a later
    /// collection makes up for a failure.
    void drop_layer_blobs_of(const oci::Descriptor& target);
    /// The same of what a push made for its registry, which has it now.
    void drop_made(const std::set<oci::Digest>& blobs);

    // resolve.cpp
    /// The row that a user's word means, and the name it was found by ("" for an id).
    struct Found {
        Row row;
        std::optional<oci::Reference> reference;
        bool by_id = false;
    };
    Result<Found> find(std::string_view name) const;
    Result<Target> read_target(const oci::Descriptor& target) const;
    Result<> add_manifests(const oci::Index& index, int depth, std::set<oci::Digest>& seen,
                           std::vector<oci::Descriptor>& out) const;
    /// The manifest of `target` that suits `platform` best and whose configuration is here.
    Result<Image> open_image(const oci::Descriptor& target, const oci::Platform& platform,
                             Fit fit = Fit::Suitable) const;
    /// 0 when it does not fit, more is better. Entries of an index without a platform have what
    /// their configuration says.
    int fit_of(const oci::Descriptor& target, const oci::Descriptor& manifest,
               const oci::Platform& wanted, Fit fit) const;
    /// The same for this machine's platform, else any that is here.
    Result<Image> open_any(const oci::Descriptor& target) const;
    Result<Image> open_manifest(const oci::Descriptor& target,
                                const oci::Descriptor& manifest) const;
    /// Every blob that an image consists of and that is here, or was dropped, once; other missing
    /// children are left out.
    Result<std::vector<oci::Descriptor>> blobs_of(const oci::Descriptor& target) const;
    Result<> add_blobs(const oci::Descriptor& blob, int depth, std::set<oci::Digest>& seen,
                       std::vector<oci::Descriptor>& out) const;
    /// Makes the layers of an image that has a row by now: a collection at the same time may have
    /// taken one between the moment it was seen and the moment the row protected it.
    Result<> ensure_layers(const Image& image, std::stop_token stop) const;
    /// The same with what a pull found here and did not fetch.
    Result<> complete(const Image& image, content::Lease& lease,
                      const remote::CredentialsProvider& credentials,
                      const std::stop_token& stop) const;
    Result<Summary> summarize(const Row& row, const std::vector<Name>& names) const;

    // remove.cpp
    Result<std::vector<Removed>> remove_unlocked(std::string_view name,
                                                 const RemoveOptions& options);
    Result<> delete_image(const Row& row, std::vector<Removed>& removed);
    Result<std::vector<Removed>> remove_platforms(std::string_view name,
                                                  const RemoveOptions& options);
    /// Conflict when another image has this manifest, too: content goes for all of them.
    Result<> check_unshared(const Row& row, const oci::Descriptor& manifest,
                            std::string_view name) const;
    Result<std::int64_t> collect(std::stop_token stop);
    /// Collects what collect() had to leave, as soon as nothing is being pulled, built or made.
    void collect_when_quiet(const std::stop_token& stop);

    void emit(const std::string& action, const std::string& id, const std::string& name) const;

    Services services_;
    std::function<std::vector<User>(const oci::Digest&)> user_lookup_;
    std::vector<std::function<void(Roots&)>> root_providers_;
    std::vector<LayerMaker> layer_makers_;
    /// Names and rows change together under this lock; it is never held while bytes travel.
    std::mutex names_mutex_;
    mutable Slots downloads_{TransferLimits{}.downloads};
    Slots uploads_{TransferLimits{}.uploads};
    /// Layers on their way, by diff id or blob digest: a second pull waits for the first.
    mutable Guarded<std::set<oci::Digest>> in_flight_;
    std::atomic<LayerBlobs> layer_blobs_{LayerBlobs::Keep};
    /// A blob's being here and the note of it change together under this lock.
    mutable std::mutex dropping_;
    struct PutOff {
        bool layers = false;       // a collection, until it is quiet
        bool layer_blobs = false;  // a look at all of them
        bool ingests = false;      // of downloads that broke off
    };
    Guarded<PutOff> put_off_;
    std::jthread collector_{[this](const std::stop_token& stop) {
        collect_when_quiet(stop);
    }};  // last, so that it ends first
};

}  // namespace berth::image
