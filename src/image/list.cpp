// What `images`, `history` and `system df` show.
#include <fnmatch.h>

#include <algorithm>
#include <map>

#include "image/implementation_internal.h"

namespace berth::image {

namespace {

bool has_label(const Summary& summary, const std::string& wish) {
    const auto parts = split_once(wish, '=');
    for (const auto& [key, value] : summary.labels) {
        if (parts ? key == parts->first && value == parts->second : key == wish) return true;
    }
    return false;
}

// `--filter reference=`: a glob over the familiar name, with or without its tag. Names that do not
// match are not shown, even where others of the same image do.
bool keep_matching_names(Summary& summary, const std::vector<std::string>& patterns) {
    if (patterns.empty()) return true;
    const auto lacks = [&](const std::string& name) {
        const auto at = name.find('@');
        const std::string bare = name.substr(0, at != std::string::npos ? at : name.rfind(':'));
        return std::none_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
            return fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0 ||
                   fnmatch(pattern.c_str(), bare.c_str(), FNM_PATHNAME) == 0;
        });
    };
    std::erase_if(summary.repo_tags, lacks);
    std::erase_if(summary.repo_digests, lacks);
    return !summary.repo_tags.empty() || !summary.repo_digests.empty();
}

// What of each image belongs to others of the list too: unpacked layers and their blobs.
void fill_shared_sizes(const Store& store, const Services& services, std::vector<Summary>& images) {
    std::map<oci::Digest, std::pair<int, std::int64_t>>
        layers;  // how many images have it, and its bytes
    std::vector<std::set<oci::Digest>> of_image;
    for (const auto& summary : images) {
        auto& own = of_image.emplace_back();
        const auto image = store.resolve(summary.id.to_string());
        if (image.is_error())
            continue;  // damaged, or another platform's: it shares nothing that is here
        for (const auto& layer : image->layers) {
            if (!own.insert(layer.diff_id).second) continue;
            auto& [count, bytes] = layers[layer.diff_id];
            if (++count > 1) continue;
            const auto info = services.snapshots.inspect(layer.diff_id);
            bytes = (services.content.has(layer.blob.digest) ? layer.blob.size : 0) +
                    (info ? static_cast<std::int64_t>(info->disk_bytes) : 0);
        }
    }
    for (std::size_t i = 0; i < images.size(); ++i) {
        images[i].shared_bytes = 0;
        for (const auto& digest : of_image[i])
            if (const auto& [count, bytes] = layers[digest]; count > 1)
                images[i].shared_bytes += bytes;
    }
}

// An attestation or an artifact: nothing to unpack, only blobs.
void count_blobs(const content::Store& content, const oci::Descriptor& descriptor,
                 ManifestSummary& out) {
    const auto bytes = content.read(descriptor.digest, oci::max_manifest_bytes);
    if (!bytes) return;
    const auto manifest = oci::parse_manifest(*bytes, descriptor.media_type);
    if (!manifest || (!out.is_attestation && !is_artifact(*manifest))) return;
    out.available = true;
    out.content_bytes = descriptor.size;
    for (const auto& blob : oci::children(*manifest)) {
        if (content.has(blob.digest)) {
            out.content_bytes += blob.size;
        } else {
            out.available = false;
        }
    }
}

}  // namespace

Result<Summary> Store::Implementation::summarize(const Row& row,
                                                 const std::vector<Name>& names) const {
    Summary out;
    out.id = row.id;
    out.target = row.descriptor();
    out.created = row.created;
    out.parent = row.parent;
    for (const auto& name : names) {
        auto reference = oci::Reference::parse(name.reference);
        if (!reference) continue;
        if (reference->has_tag() && !reference->has_digest())
            out.repo_tags.push_back(reference->familiar());
        const std::string digest = concat(reference->familiar_name(), "@", name.digest);
        if (std::find(out.repo_digests.begin(), out.repo_digests.end(), digest) ==
            out.repo_digests.end())
            out.repo_digests.push_back(digest);
        out.tagged = std::max(out.tagged, name.tagged);
    }
    auto target = read_target(out.target);
    if (target.is_error())
        return out;  // damaged: it is still listed, so that it can be removed or repaired
    std::set<oci::Digest> seen_layers;
    for (const auto& descriptor : target->manifests) {
        ManifestSummary manifest{.descriptor = descriptor,
                                 .platform = descriptor.platform.value_or(oci::Platform{})};
        manifest.is_attestation = is_attestation(descriptor);
        auto opened = services_.content.has(descriptor.digest) && !manifest.is_attestation
                          ? open_manifest(out.target, descriptor)
                          : fail(ErrorCode::NotFound, "not here");
        if (opened) {
            manifest.platform = opened->platform;
            manifest.content_bytes =
                descriptor.size + static_cast<std::int64_t>(opened->config_json->size());
            manifest.available = true;
            for (const auto& layer : opened->layers) {
                if (services_.content.has(layer.blob.digest))
                    manifest.content_bytes += layer.blob.size;
                auto info = services_.snapshots.inspect(layer.diff_id);
                if (info.is_error()) {
                    manifest.available = false;
                } else if (seen_layers.insert(layer.diff_id).second) {
                    manifest.unpacked_bytes += static_cast<std::int64_t>(info->disk_bytes);
                }
            }
            if (out.labels.empty()) out.labels = opened->config->config.labels;
            if (opened->config->created) out.created = *opened->config->created;
            if (out.platform.is_empty()) out.platform = opened->platform;
        }
        if (!opened && services_.content.has(descriptor.digest))
            count_blobs(services_.content, descriptor, manifest);
        out.content_bytes += manifest.content_bytes;
        out.unpacked_bytes += manifest.unpacked_bytes;
        out.manifests.push_back(std::move(manifest));
    }
    out.size = out.content_bytes + out.unpacked_bytes;
    return out;
}

Result<Summary> Store::summary(std::string_view name) const {
    const auto found = TRY(implementation_->find(name));
    Summary out =
        TRY(implementation_->summarize(found.row, TRY(implementation_->names_of(found.row.id))));
    if (implementation_->user_lookup_)
        out.containers =
            static_cast<std::int64_t>(implementation_->user_lookup_(found.row.id).size());
    return out;
}

Result<std::vector<Summary>> Store::list(const ListFilter& filter) const {
    std::map<oci::Digest, std::vector<Name>> names;
    for (auto& name : TRY(implementation_->names())) names[name.id].push_back(std::move(name));
    std::optional<Timestamp> before, since;
    if (!filter.before.empty()) before = TRY(summary(filter.before)).created;
    if (!filter.since.empty()) since = TRY(summary(filter.since)).created;
    std::vector<Summary> out;
    for (const auto& row : TRY(implementation_->rows())) {
        Summary image = TRY(implementation_->summarize(row, names[row.id]));
        const bool is_dangling = image.repo_tags.empty();
        const auto lacks = [&](const std::string& label) { return !has_label(image, label); };
        const auto carries = [&](const std::string& label) { return has_label(image, label); };
        if (filter.dangling && *filter.dangling != is_dangling) continue;
        if (!keep_matching_names(image, filter.references)) continue;
        if (std::any_of(filter.labels.begin(), filter.labels.end(), lacks)) continue;
        if (std::any_of(filter.without_labels.begin(), filter.without_labels.end(), carries))
            continue;
        if (before && image.created >= *before) continue;
        if (since && image.created <= *since) continue;
        if (filter.until && image.created >= *filter.until) continue;
        if (implementation_->user_lookup_)
            image.containers =
                static_cast<std::int64_t>(implementation_->user_lookup_(row.id).size());
        if (!filter.manifests) image.manifests.clear();
        out.push_back(std::move(image));
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const Summary& a, const Summary& b) { return a.created > b.created; });
    if (filter.shared_sizes) fill_shared_sizes(*this, implementation_->services_, out);
    return out;
}

Result<std::vector<HistoryEntry>> Store::history(std::string_view name,
                                                 const oci::Platform& platform) const {
    const Image image =
        TRY(platform.is_empty() ? resolve_any(name) : resolve_exactly(name, platform));
    std::vector<HistoryEntry> out;
    std::size_t layer = 0;
    for (const auto& record : image.config->history) {
        HistoryEntry entry;
        entry.created = record.created.value_or(Timestamp{});
        entry.created_by = record.created_by;
        entry.comment = record.comment;
        if (!record.empty_layer && layer < image.layers.size()) {
            auto info = implementation_->services_.snapshots.inspect(image.layers[layer++].diff_id);
            if (info) entry.size = static_cast<std::int64_t>(info->disk_bytes);
        }
        out.push_back(std::move(entry));
    }
    std::reverse(out.begin(), out.end());
    if (!out.empty()) {
        out.front().id = image.id.to_string();
        out.front().tags = TRY(summary(name)).repo_tags;
    }
    return out;
}

Result<DiskUsage> Store::usage() const {
    DiskUsage out;
    const auto& services = implementation_->services_;
    out.bytes =
        static_cast<std::int64_t>(TRY(services.content.usage()) + TRY(services.snapshots.usage()));
    std::int64_t used = 0;
    std::set<oci::Digest> counted;
    for (const auto& row : TRY(implementation_->rows())) {
        ++out.images;
        if (!implementation_->user_lookup_ || implementation_->user_lookup_(row.id).empty())
            continue;
        ++out.active;
        // A damaged image is counted as far as it can be read: `system df` is for those who look
        // for what is wrong, too.
        if (const auto blobs = implementation_->blobs_of(row.descriptor())) {
            for (const auto& blob : *blobs)
                if (counted.insert(blob.digest).second && services.content.has(blob.digest))
                    used += blob.size;
        }
        if (auto image = implementation_->open_image(row.descriptor(), {})) {
            for (const auto& layer : image->layers) {
                auto info = services.snapshots.inspect(layer.diff_id);
                if (info && counted.insert(layer.diff_id).second)
                    used += static_cast<std::int64_t>(info->disk_bytes);
            }
        }
    }
    out.reclaimable = std::max<std::int64_t>(0, out.bytes - used);
    return out;
}

}  // namespace berth::image
