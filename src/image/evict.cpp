// What may go when there is no room, and how it goes while other things are being pulled and built:
// those say by their leases what they rely on.
#include <algorithm>

#include "image/implementation_internal.h"

namespace berth::image {

Result<> Store::touch(const oci::Digest& id) {
    const std::lock_guard lock(implementation_->names_mutex_);
    return implementation_->note_use(id);
}

Result<> Store::set_pinned(std::string_view name, bool is_pinned) {
    const std::lock_guard lock(implementation_->names_mutex_);
    const auto found = TRY(implementation_->find(name));
    return implementation_->set_pinned(found.row.id, is_pinned);
}

Result<bool> Store::is_pinned(const oci::Digest& id) const {
    const auto row = TRY(implementation_->find_row(id));
    return row && row->is_pinned;
}

Result<std::vector<Evictable>> Store::evictable() const {
    const auto& users = implementation_->user_lookup_;
    std::vector<Evictable> out;
    for (const auto& row : TRY(implementation_->rows())) {
        if (row.is_pinned || (users && !users(row.id).empty())) continue;
        const auto names = TRY(implementation_->names_of(row.id));
        const auto is_pulled = [](const Name& name) { return name.is_pulled; };
        if (!std::all_of(names.begin(), names.end(), is_pulled)) continue;
        out.push_back({row.id, row.last_used, row.is_pulled});
    }
    return out;
}

Result<> Store::evict(const oci::Digest& id, Timestamp since) {
    const std::lock_guard lock(implementation_->names_mutex_);
    const auto row = TRY(implementation_->find_row(id));
    const auto all = TRY(evictable());
    const auto is_it = [&](const Evictable& one) { return one.id == id && one.last_used <= since; };
    if (!row || std::none_of(all.begin(), all.end(), is_it))
        return fail(ErrorCode::Conflict, "image ", id.short_hex(), " is wanted again");
    std::vector<Removed> removed;
    return implementation_->delete_image(*row, removed);
}

Result<std::int64_t> Store::remove_pieces(const std::set<Piece>& pieces) {
    const auto& services = implementation_->services_;
    const std::uint64_t mark = services.content.begin_collection();
    const Inventory inventory = TRY(this->inventory());
    auto kept = inventory.kept;
    for (const auto& [id, image] : inventory.images)
        kept.insert(image.pieces.begin(), image.pieces.end());
    std::set<oci::Digest> blobs;
    std::int64_t freed = 0;
    for (const auto& piece : pieces) {
        if (kept.contains(piece)) continue;
        if (!piece.is_layer) {
            blobs.insert(piece.digest);
            continue;
        }
        // Asked again for each: a pull or a build may have found the layer meanwhile. A pull that
        // does so from now on makes it again from its blob.
        Roots roots;
        for (const auto& provider : implementation_->root_providers_) provider(roots);
        if (roots.diff_ids.contains(piece.digest) ||
            services.content.leased().contains(piece.digest))
            continue;
        const auto bytes = services.snapshots.disk_usage(piece.digest);
        if (!bytes) continue;
        TRY(services.snapshots.remove(piece.digest));
        freed += static_cast<std::int64_t>(*bytes);
    }
    const auto collected = TRY(services.content.remove_unleased(mark, blobs));
    return freed + static_cast<std::int64_t>(collected.disk_bytes);
}

void Store::collect_soon() {
    {
        auto put_off = implementation_->put_off_.lock();
        put_off->layers = true;
        put_off->ingests = true;
    }
    implementation_->put_off_.notify_all();
}

}  // namespace berth::image
