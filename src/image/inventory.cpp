// Whose is what lies on the disk. Sizes are those of du(1), so that what is said to come back is
// what comes back.
#include <algorithm>

#include "image/implementation_internal.h"

namespace berth::image {

Result<Inventory> Store::inventory() const {
    const auto& services = implementation_->services_;
    Inventory out;
    for (const auto& blob : TRY(services.content.list()))
        out.bytes[{blob.digest, false}] = static_cast<std::int64_t>(blob.disk_bytes);
    for (const auto& diff_id : TRY(services.snapshots.list()))
        if (const auto bytes = services.snapshots.disk_usage(diff_id))
            out.bytes[{diff_id, true}] = static_cast<std::int64_t>(*bytes);
    const auto add = [&](std::set<Piece>& to, Piece piece) {
        if (out.bytes.contains(piece)) to.insert(std::move(piece));
    };
    for (const auto& row : TRY(implementation_->rows())) {
        auto& image = out.images[row.id];
        add(image.pieces, {row.id, false});
        if (const auto blobs = implementation_->blobs_of(row.descriptor()))
            for (const auto& blob : *blobs) add(image.pieces, {blob.digest, false});
        for (const auto& layer : implementation_->layers_of(row.descriptor()))
            add(image.pieces, {layer.diff_id, true});
    }
    for (const auto& name : TRY(implementation_->names())) {
        const auto image = out.images.find(name.id);
        if (image == out.images.end()) continue;
        const auto reference = oci::Reference::parse(name.reference);
        image->second.names.push_back(reference ? reference->familiar() : name.reference);
    }
    for (auto& [id, image] : out.images) std::sort(image.names.begin(), image.names.end());
    Roots roots;
    for (const auto& provider : implementation_->root_providers_) provider(roots);
    for (const auto& digest : roots.blobs) add(out.kept, {digest, false});
    for (const auto& digest : roots.diff_ids) add(out.kept, {digest, true});
    for (const auto& digest : roots.fixed) add(out.fixed, {digest, true});
    for (const auto& digest : services.content.leased()) {
        add(out.fixed, {digest, false});
        add(out.fixed, {digest, true});
    }
    out.kept.insert(out.fixed.begin(), out.fixed.end());
    return out;
}

}  // namespace berth::image
