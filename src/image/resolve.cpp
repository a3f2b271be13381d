// From what users type to an image made definite.
#include <algorithm>

#include "image/implementation_internal.h"
#include "oci/media_type.h"

namespace berth::image {

std::vector<oci::Digest> Image::diff_ids() const {
    std::vector<oci::Digest> out;
    for (const auto& layer : layers) out.push_back(layer.diff_id);
    return out;
}

namespace {

Error no_such_image(std::string_view name) {
    return fail(ErrorCode::NotFound, "No such image: ", name);
}

}  // namespace

bool is_attestation(const oci::Descriptor& manifest) {
    return manifest.platform && manifest.platform->os == "unknown" &&
           manifest.platform->architecture == "unknown";
}

bool is_artifact(const oci::Manifest& manifest) {
    if (oci::media_type::is_config(manifest.config.media_type)) return false;
    // Old tools name no type for what is an image all the same.
    return !manifest.artifact_type.empty() ||
           !std::all_of(manifest.layers.begin(), manifest.layers.end(),
                        [](const oci::Descriptor& layer) {
                            return oci::media_type::is_layer(layer.media_type);
                        });
}

Result<Store::Implementation::Found> Store::Implementation::find(std::string_view name) const {
    if (auto digest = oci::Digest::parse(name)) {
        auto row = TRY(find_row(*digest));
        if (!row) return no_such_image(name);
        return Found{std::move(*row), std::nullopt, true};
    }
    if (auto parsed = oci::Reference::parse(name)) {
        const oci::Reference reference = parsed->with_default_tag();
        if (reference.has_digest()) {
            // A digest names the content; the repository must be one that it was pulled from or
            // tagged for.
            auto row = TRY(find_row(reference.digest()));
            if (row) return Found{std::move(*row), reference, false};
            auto statement = TRY(services_.database.prepare(
                "SELECT id FROM image_name WHERE digest = ?1 AND reference LIKE ?2 LIMIT 1",
                reference.digest().to_string(), concat(reference.name(), ":%")));
            if (TRY(statement.step())) {
                row = TRY(find_row(TRY(oci::Digest::parse(statement.text(0)))));
                if (row) return Found{std::move(*row), reference, false};
            }
        } else {
            auto statement = TRY(services_.database.prepare(
                "SELECT id FROM image_name WHERE reference = ?1", reference.to_string()));
            if (TRY(statement.step())) {
                auto row = TRY(find_row(TRY(oci::Digest::parse(statement.text(0)))));
                if (row) return Found{std::move(*row), reference, false};
            }
        }
    }
    std::string_view prefix = name;
    if (prefix.starts_with("sha256:")) prefix.remove_prefix(7);
    if (!oci::looks_like_id(prefix)) {
        const auto parsed = oci::Reference::parse(name);
        return no_such_image(parsed ? parsed->with_default_tag().familiar() : std::string(name));
    }
    auto statement = TRY(services_.database.prepare("SELECT id FROM image WHERE id LIKE ?1 LIMIT 2",
                                                    concat("sha256:", prefix, "%")));
    std::vector<std::string> ids;
    while (TRY(statement.step())) ids.push_back(statement.text(0));
    if (ids.empty()) return no_such_image(name);
    if (ids.size() > 1)
        return fail(ErrorCode::InvalidArgument, "the id prefix ", prefix,
                    " is ambiguous: several images start with it");
    auto row = TRY(find_row(TRY(oci::Digest::parse(ids.front()))));
    if (!row) return no_such_image(name);
    return Found{std::move(*row), std::nullopt, true};
}

Result<Target> Store::Implementation::read_target(const oci::Descriptor& target) const {
    const std::string bytes = TRY(services_.content.read(target.digest, oci::max_manifest_bytes));
    const auto document = TRY(oci::parse_manifest_or_index(bytes, target.media_type));
    Target out{target, {}};
    if (const auto* index = std::get_if<oci::Index>(&document)) {
        std::set<oci::Digest> seen;
        TRY(add_manifests(*index, 1, seen, out.manifests));
    } else {
        out.manifests = {target};
    }
    return out;
}

// An index may hold indexes; those that are not here stay as they are, so that it is seen that
// something is missing.
Result<> Store::Implementation::add_manifests(const oci::Index& index, int depth,
                                              std::set<oci::Digest>& seen,
                                              std::vector<oci::Descriptor>& out) const {
    for (const auto& entry : index.manifests) {
        if (!oci::media_type::is_index(entry.media_type) || !services_.content.has(entry.digest)) {
            out.push_back(entry);
            continue;
        }
        if (depth >= max_index_depth)
            return fail(ErrorCode::InvalidArgument, "indexes are nested too deeply");
        if (!seen.insert(entry.digest).second) continue;
        const std::string bytes =
            TRY(services_.content.read(entry.digest, oci::max_manifest_bytes));
        TRY(add_manifests(TRY(oci::parse_index(bytes, entry.media_type)), depth + 1, seen, out));
    }
    return {};
}

Result<Image> Store::Implementation::open_manifest(const oci::Descriptor& target,
                                                   const oci::Descriptor& descriptor) const {
    const std::string bytes =
        TRY(services_.content.read(descriptor.digest, oci::max_manifest_bytes));
    const oci::Manifest manifest = TRY(oci::parse_manifest(bytes, descriptor.media_type));
    if (is_artifact(manifest)) {
        return fail(
            ErrorCode::Unsupported, target.digest.short_hex(), " is an artifact (",
            manifest.artifact_type.empty() ? manifest.config.media_type : manifest.artifact_type,
            "), not an image that can run");
    }
    Image image;
    image.id = target.digest;
    image.target = target;
    image.manifest = descriptor;
    image.config_digest = manifest.config.digest;
    auto config_bytes = services_.content.read(manifest.config.digest, oci::max_image_config_bytes);
    if (config_bytes.is_error())
        return std::move(config_bytes).context("configuration of ", target.digest).error();
    image.config_json = std::make_shared<const std::string>(std::move(*config_bytes));
    auto config = TRY(
        oci::parse_image_config(*image.config_json).context("configuration of ", target.digest));
    if (config.diff_ids.size() != manifest.layers.size()) {
        return fail(ErrorCode::Corrupted, "image ", target.digest, ": the configuration names ",
                    config.diff_ids.size(), " layers, the manifest ", manifest.layers.size());
    }
    for (std::size_t i = 0; i < manifest.layers.size(); ++i)
        image.layers.push_back({config.diff_ids[i], manifest.layers[i]});
    image.platform = config.platform;
    image.config = std::make_shared<const oci::ImageConfig>(std::move(config));
    return image;
}

int Store::Implementation::fit_of(const oci::Descriptor& target, const oci::Descriptor& manifest,
                                  const oci::Platform& wanted, Fit fit) const {
    if (fit == Fit::Suitable) return manifest.platform ? oci::match(wanted, *manifest.platform) : 1;
    if (manifest.platform) return oci::is_same(wanted, *manifest.platform) ? 1 : 0;
    const auto image = open_manifest(target, manifest);
    return image && oci::is_same(wanted, image->platform) ? 1 : 0;
}

Result<Image> Store::Implementation::open_image(const oci::Descriptor& target,
                                                const oci::Platform& platform, Fit fit) const {
    const Target read = TRY(read_target(target).hint("pull or load the image again to repair it"));
    if (read.manifests.size() == 1 && read.manifests.front().digest == target.digest) {
        Image image =
            TRY(open_manifest(target, target).hint("pull or load the image again to repair it"));
        const bool fits = fit == Fit::Suitable ? oci::match(platform, image.platform) != 0
                                               : oci::is_same(platform, image.platform);
        if (!platform.is_empty() && !fits) {
            return fail(ErrorCode::NotFound, "image ", target.digest.short_hex(), " is for ",
                        image.platform.to_string(), ", not for ", platform.to_string());
        }
        return image;
    }
    const oci::Platform wanted = platform.is_empty() ? oci::Platform::host() : platform;
    const oci::Descriptor* best = nullptr;
    int best_match = 0;
    for (const auto& manifest : read.manifests) {
        if (is_attestation(manifest) || !services_.content.has(manifest.digest)) continue;
        const int fits = fit_of(target, manifest, wanted, fit);
        if (fits > best_match) {
            best_match = fits;
            best = &manifest;
        }
    }
    if (!best)
        return fail(ErrorCode::NotFound, "image ", target.digest.short_hex(),
                    " has no content for ", wanted.to_string(), " here");
    return open_manifest(target, *best).hint("pull or load the image again to repair it");
}

Result<Image> Store::Implementation::open_any(const oci::Descriptor& target) const {
    auto best = open_image(target, {});
    if (best || !best.error().is(ErrorCode::NotFound)) return best;
    for (const auto& manifest : TRY(read_target(target)).manifests) {
        if (is_attestation(manifest) || !services_.content.has(manifest.digest)) continue;
        if (auto other = open_manifest(target, manifest)) return other;
    }
    return best;
}

Result<> Store::Implementation::add_blobs(const oci::Descriptor& blob, int depth,
                                          std::set<oci::Digest>& seen,
                                          std::vector<oci::Descriptor>& out) const {
    // Once each: an index may name an index many times, and that one the next, which no memory
    // would hold written out.
    if (!seen.insert(blob.digest).second) return {};
    const bool is_document = blob.media_type.find("manifest") != std::string::npos ||
                             blob.media_type.find("index") != std::string::npos;
    if (is_document && services_.content.has(blob.digest)) {
        if (depth > max_index_depth + 1)
            return fail(ErrorCode::InvalidArgument, "indexes are nested too deeply");
        const std::string bytes = TRY(services_.content.read(blob.digest, oci::max_manifest_bytes));
        const auto children =
            oci::children(TRY(oci::parse_manifest_or_index(bytes, blob.media_type)));
        for (auto child = children.rbegin(); child != children.rend(); ++child) {
            const bool is_known =
                services_.content.has(child->digest) || TRY(is_dropped(child->digest));
            if (is_known) TRY(add_blobs(*child, depth + 1, seen, out));
        }
    }
    out.push_back(blob);
    return {};
}

// What is named comes after all that name it, the target first: turned round, it is the order in
// which a registry takes it.
Result<std::vector<oci::Descriptor>> Store::Implementation::blobs_of(
    const oci::Descriptor& target) const {
    std::vector<oci::Descriptor> out;
    std::set<oci::Digest> seen;
    TRY(add_blobs(target, 0, seen, out));
    std::reverse(out.begin(), out.end());
    return out;
}

Result<> Store::Implementation::ensure_layers(const Image& image, std::stop_token stop) const {
    for (const auto& layer : image.layers) {
        if (services_.snapshots.has(layer.diff_id)) continue;
        auto reader =
            TRY(open_blob(layer.blob, {}, stop).context("layer ", layer.diff_id.short_hex()));
        const bool is_archive = layer.blob.digest == layer.diff_id;
        TRY(services_.snapshots
                .apply(reader, {.diff_id = layer.diff_id, .keeps_archive = is_archive}, stop)
                .context("layer ", layer.diff_id.short_hex()));
    }
    return {};
}

void Store::Implementation::emit(const std::string& action, const std::string& id,
                                 const std::string& name) const {
    if (!services_.events) return;
    record::Event event{.type = "image", .action = action, .actor_id = id, .attributes = {}};
    event.attributes.emplace_back("name", name);
    services_.events->append(std::move(event));
}

Result<Image> Store::resolve(std::string_view name, const oci::Platform& platform) const {
    const auto found = TRY(implementation_->find(name));
    return implementation_->open_image(found.row.descriptor(), platform);
}

Result<Image> Store::resolve_exactly(std::string_view name, const oci::Platform& platform) const {
    const auto found = TRY(implementation_->find(name));
    return implementation_->open_image(found.row.descriptor(), platform, Fit::Exact);
}

Result<> Store::ensure_layers(const Image& image, std::stop_token stop) const {
    return implementation_->ensure_layers(image, std::move(stop));
}

Result<Image> Store::resolve_any(std::string_view name) const {
    const auto found = TRY(implementation_->find(name));
    return implementation_->open_any(found.row.descriptor());
}

}  // namespace berth::image
