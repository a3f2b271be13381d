// Removing names, images, and what nothing refers to any more.
#include <algorithm>

#include "image/implementation_internal.h"

namespace berth::image {

namespace {
Error no_platform(std::string_view name) {
    return fail(ErrorCode::NotFound, "no container uses ", name);
}
}  // namespace

Result<> Store::Implementation::delete_image(const Row& row, std::vector<Removed>& removed) {
    for (const auto& name : TRY(names_of(row.id))) {
        auto reference = oci::Reference::parse(name.reference);
        removed.push_back({.untagged = reference ? reference->familiar() : name.reference});
        emit("untag", row.id.to_string(), removed.back().untagged);
    }
    TRY(remove_row(row.id));
    removed.push_back({.deleted = row.id.to_string()});
    emit("delete", row.id.to_string(), row.id.to_string());
    return {};
}

Result<std::vector<Removed>> Store::Implementation::remove_unlocked(std::string_view name,
                                                                    const RemoveOptions& options) {
    const Found found = TRY(find(name));
    const auto names = TRY(names_of(found.row.id));
    const auto users = user_lookup_ ? user_lookup_(found.row.id) : std::vector<User>{};
    std::vector<Removed> removed;
    const std::string short_id = found.row.id.short_hex();
    if (!found.by_id && found.reference && !found.reference->has_digest() && names.size() > 1) {
        TRY(remove_name(found.reference->to_string()));
        removed.push_back({.untagged = found.reference->familiar()});
        emit("untag", found.row.id.to_string(), removed.back().untagged);
        return removed;
    }
    for (const auto& user : users) {
        const std::string container = user.container_id.substr(0, 12);
        if (user.running && !(options.force && !found.by_id && !names.empty())) {
            return fail(ErrorCode::Conflict, "conflict: unable to delete ",
                        found.by_id ? short_id : std::string(name),
                        " (cannot be forced) - image is being used by running container ",
                        container);
        }
        if (!options.force) {
            return fail(ErrorCode::Conflict, "conflict: unable to ",
                        found.by_id ? "delete " : "remove repository reference \"",
                        found.by_id ? short_id : std::string(name), found.by_id ? "" : "\"",
                        " (must force) - ",
                        found.by_id ? "image is being used by stopped container " : "container ",
                        container,
                        found.by_id ? "" : concat(" is using its referenced image ", short_id));
        }
    }
    if (found.by_id && names.size() > 1 && !options.force) {
        return fail(ErrorCode::Conflict, "conflict: unable to delete ", short_id,
                    " (must be forced) - image is referenced in multiple repositories");
    }
    if (!users.empty()) {
        // A container still needs the content: only the names go, and the image stays as a nameless
        // one.
        for (const auto& one : names) {
            TRY(remove_name(one.reference));
            auto reference = oci::Reference::parse(one.reference);
            removed.push_back({.untagged = reference ? reference->familiar() : one.reference});
            emit("untag", found.row.id.to_string(), removed.back().untagged);
        }
        return removed;
    }
    TRY(delete_image(found.row, removed));
    return removed;
}

Result<> Store::Implementation::check_unshared(const Row& row, const oci::Descriptor& manifest,
                                               std::string_view name) const {
    for (const Row& other : TRY(rows())) {
        if (other.id == row.id) continue;
        const auto target = read_target(other.descriptor());
        if (!target) continue;  // damaged: it loses nothing
        const auto is_it = [&](const oci::Descriptor& one) {
            return one.digest == manifest.digest;
        };
        if (std::none_of(target->manifests.begin(), target->manifests.end(), is_it)) continue;
        return fail(ErrorCode::Conflict, "conflict: unable to delete ", manifest.digest.short_hex(),
                    " of ", name, " - image ", other.id.short_hex(), " has the same content")
            .with_hint("remove that image first, or the platform from both by removing the images");
    }
    return {};
}

// Planned first: a platform that cannot go leaves the others where they are.
Result<std::vector<Removed>> Store::Implementation::remove_platforms(std::string_view name,
                                                                     const RemoveOptions& options) {
    const Found found = TRY(find(name));
    const oci::Descriptor target = found.row.descriptor();
    const auto manifests = TRY(read_target(target)).manifests;
    std::vector<oci::Descriptor> here;
    for (const auto& manifest : manifests)
        if (!is_attestation(manifest) && services_.content.has(manifest.digest))
            here.push_back(manifest);
    // What containers run is this machine's best.
    const auto used = user_lookup_ && !user_lookup_(found.row.id).empty()
                          ? open_image(target, {})
                          : Result<Image>(no_platform(name));
    std::set<oci::Digest> chosen;
    for (const auto& platform : options.platforms) {
        const auto fits = [&](const oci::Descriptor& manifest) {
            return fit_of(target, manifest, platform, Fit::Exact) > 0;
        };
        const auto wanted = std::find_if(here.begin(), here.end(), fits);
        if (wanted == here.end())
            return fail(ErrorCode::NotFound, "image ", name, " has no content for ",
                        platform.to_string(), " here");
        if (used && used->manifest.digest == wanted->digest && !options.force)
            return fail(ErrorCode::Conflict, "conflict: unable to delete ", name, " for ",
                        platform.to_string(), " (must be forced) - containers use it");
        chosen.insert(wanted->digest);
    }
    std::vector<Removed> removed;
    for (const auto& digest : chosen) removed.push_back({.deleted = digest.to_string()});
    if (chosen.size() == here.size()) {
        TRY(delete_image(found.row, removed));
        return removed;
    }
    for (const auto& manifest : manifests)
        if (chosen.contains(manifest.digest)) TRY(check_unshared(found.row, manifest, name));
    for (const auto& manifest : manifests) {
        const auto about = oci::Digest::parse(manifest.annotation(attested_digest));
        if (is_attestation(manifest) && about && chosen.contains(*about))
            TRY(services_.content.remove(manifest.digest));
    }
    for (const auto& digest : chosen) TRY(services_.content.remove(digest));
    return removed;
}

Result<std::int64_t> Store::Implementation::collect(std::stop_token stop) {
    const std::uint64_t mark = services_.content.begin_collection();
    Roots roots;
    for (const auto& provider : root_providers_) provider(roots);
    std::vector<Layer> layers;
    for (const auto& row : TRY(rows())) {
        // Damaged content is kept: whoever repairs the image needs what is left of it.
        auto blobs = blobs_of(row.descriptor());
        if (blobs) {
            for (const auto& blob : *blobs) roots.blobs.insert(blob.digest);
        } else {
            roots.blobs.insert(row.id);
        }
        for (auto& layer : layers_of(row.descriptor())) {
            roots.diff_ids.insert(layer.diff_id);
            layers.push_back(std::move(layer));
        }
    }
    const auto collected = TRY(services_.content.collect(mark, roots.blobs));
    std::int64_t freed = static_cast<std::int64_t>(collected.disk_bytes);
    // Where the note cannot be written (a full disk) the blobs stay until the next collection; what
    // is freed here makes room for it.
    if (const auto dropped = drop_layer_blobs(layers)) freed += *dropped;
    for (const auto& diff_id : TRY(services_.snapshots.list())) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        if (roots.diff_ids.contains(diff_id)) continue;
        // Layers have no leases of their own: while anything is pulled, built or made, they stay,
        // and go when that has ended. What ended since the roots were read counts, too: it may have
        // found a layer that only its new row protects.
        if (!services_.content.was_quiet_since(mark)) {
            put_off_.lock()->layers = true;
            put_off_.notify_all();
            return freed;
        }
        const auto bytes = services_.snapshots.disk_usage(diff_id);
        TRY(services_.snapshots.remove(diff_id));
        if (bytes) freed += static_cast<std::int64_t>(*bytes);
    }
    return freed;
}

void Store::Implementation::collect_when_quiet(const std::stop_token& stop) {
    for (;;) {
        PutOff work;
        {
            auto put_off = put_off_.lock();
            if (!put_off.wait(stop,
                              [](const PutOff& some) { return some.layers || some.layer_blobs; }))
                return;
            work = std::exchange(*put_off, {});
        }
        if (work.layer_blobs) drop_all_layer_blobs().ignore("the next collection tries again");
        if (!work.layers) continue;
        if (!services_.content.wait_without_leases(stop)) return;
        collect(stop).ignore("the next collection tries again");
        if (work.ingests)
            services_.content.remove_idle_ingests().ignore("they are resumed, or pruned");
    }
}

void Store::end_background_work() {
    implementation_->collector_.request_stop();
    if (implementation_->collector_.joinable()) implementation_->collector_.join();
}

Result<std::vector<Removed>> Store::remove(std::string_view name, const RemoveOptions& options) {
    std::vector<Removed> removed;
    {
        const std::lock_guard lock(implementation_->names_mutex_);
        removed = TRY(options.platforms.empty() ? implementation_->remove_unlocked(name, options)
                                                : implementation_->remove_platforms(name, options));
    }
    const auto is_deletion = [](const Removed& one) { return !one.deleted.empty(); };
    if (std::any_of(removed.begin(), removed.end(), is_deletion)) TRY(implementation_->collect({}));
    return removed;
}

Result<PruneResult> Store::prune(const PruneFilter& filter, std::stop_token stop) {
    PruneResult result;
    ListFilter list_filter;
    list_filter.until = filter.until;
    list_filter.labels = filter.labels;
    list_filter.without_labels = filter.without_labels;
    if (filter.dangling_only) list_filter.dangling = true;
    for (const auto& image : TRY(list(list_filter))) {
        if (image.containers > 0) continue;
        const std::lock_guard lock(implementation_->names_mutex_);
        // What was listed may have got a name or a container since.
        const auto row = TRY(implementation_->find_row(image.id));
        if (!row || row->is_pinned) continue;
        if (implementation_->user_lookup_ && !implementation_->user_lookup_(image.id).empty())
            continue;
        if (filter.dangling_only) {
            const Summary now =
                TRY(implementation_->summarize(*row, TRY(implementation_->names_of(image.id))));
            if (!now.repo_tags.empty()) continue;
        }
        TRY(implementation_->delete_image(*row, result.removed));
    }
    result.bytes = TRY(implementation_->collect(stop));
    // What is left of downloads that broke: whoever prunes wants the room more than a head start.
    result.bytes +=
        static_cast<std::int64_t>(TRY(implementation_->services_.content.remove_idle_ingests()));
    return result;
}

Result<std::vector<Removed>> Store::remove_unchanged(const oci::Digest& id,
                                                     const std::vector<std::string>& names,
                                                     Timestamp since) {
    std::vector<Removed> removed;
    const std::lock_guard lock(implementation_->names_mutex_);
    const auto row = TRY(implementation_->find_row(id));
    if (!row) return fail(ErrorCode::NotFound, "it is gone already");
    if (row->is_pinned) return fail(ErrorCode::Conflict, "it was pinned since");
    if (implementation_->user_lookup_)
        for (const auto& user : implementation_->user_lookup_(id))
            return fail(ErrorCode::Conflict, "container ", user.container_id.substr(0, 12),
                        " uses it");
    for (const auto& name : TRY(implementation_->names_of(id))) {
        const auto reference = oci::Reference::parse(name.reference);
        const std::string familiar = reference ? reference->familiar() : name.reference;
        if (std::find(names.begin(), names.end(), familiar) == names.end() || name.tagged > since)
            return fail(ErrorCode::Conflict, "it was named ", familiar, " since");
    }
    TRY(implementation_->delete_image(*row, removed));
    return removed;
}

Result<std::int64_t> Store::collect_garbage(std::stop_token stop) {
    return implementation_->collect(stop);
}

}  // namespace berth::image
