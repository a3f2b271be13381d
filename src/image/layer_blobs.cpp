// A pulled layer is here twice: unpacked, which is what containers need, and as the compressed
// blob, which is needed only to leave this machine again. Unless all are kept, the second one goes
// as soon as the first is there, if a registry gives it to anyone; refetch.cpp brings it back
// for a push, a save, a copy, a repair. That it went is noted before it goes, so that its absence
// is never taken for damage: after a crash in between, the blob is still here and goes with the
// next look at all of them.
#include "image/implementation_internal.h"

namespace berth::image {

SourceAccess access_with(const remote::CredentialsProvider& credentials,
                         const std::string& domain) {
    return credentials && !credentials(domain).is_empty() ? SourceAccess::WithCredentials
                                                          : SourceAccess::Open;
}

std::vector<Layer> Store::Implementation::layers_of(const oci::Descriptor& target) const {
    std::vector<Layer> out;
    const auto read = read_target(target);
    if (!read) return out;
    for (const auto& manifest : read->manifests) {
        if (!services_.content.has(manifest.digest)) continue;
        auto image = open_manifest(target, manifest);
        if (image) out.insert(out.end(), image->layers.begin(), image->layers.end());
    }
    return out;
}

Result<std::int64_t> Store::Implementation::drop_layer_blobs(const std::vector<Layer>& layers) {
    const std::uint64_t mark = services_.content.begin_collection();
    Roots roots;
    for (const auto& provider : root_providers_) provider(roots);
    const std::lock_guard lock(dropping_);
    std::set<oci::Digest> droppable;
    for (const auto& layer : layers) {
        const auto& blob = layer.blob.digest;
        if (roots.blobs.contains(blob) || !services_.content.has(blob) ||
            !services_.snapshots.has(layer.diff_id))
            continue;
        if (TRY(is_droppable(blob))) droppable.insert(blob);
    }
    if (droppable.empty()) return 0;
    TRY(note_dropped(droppable));
    return static_cast<std::int64_t>(
        TRY(services_.content.remove_unleased(mark, droppable)).disk_bytes);
}

Result<std::int64_t> Store::Implementation::drop_all_layer_blobs() {
    std::vector<Layer> all;
    for (const auto& row : TRY(rows())) {
        const auto layers = layers_of(row.descriptor());
        all.insert(all.end(), layers.begin(), layers.end());
    }
    return drop_layer_blobs(all);
}

void Store::Implementation::drop_layer_blobs_of(const oci::Descriptor& target) {
    drop_layer_blobs(layers_of(target)).ignore("the next collection makes up for it");
}

void Store::Implementation::drop_made(const std::set<oci::Digest>& blobs) {
    if (blobs.empty()) return;
    const std::uint64_t mark = services_.content.begin_collection();
    const std::lock_guard lock(dropping_);
    note_dropped(blobs).ignore("another pull fetches them");
    services_.content.remove_unleased(mark, blobs).ignore("the next collection makes up for it");
}

void Store::set_layer_blobs(LayerBlobs policy) {
    implementation_->layer_blobs_ = policy;
    if (policy == LayerBlobs::Keep) return;
    implementation_->put_off_.lock()->layer_blobs = true;
    implementation_->put_off_.notify_all();
}

}  // namespace berth::image
