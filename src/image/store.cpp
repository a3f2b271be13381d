// Opening, naming and making images.
#include "codec/compression.h"
#include "image/implementation_internal.h"
#include "image/tee_internal.h"
#include "layer/foreign.h"
#include "oci/media_type.h"

namespace berth::image {

Store::Store(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const Services& services) {
    return std::unique_ptr<Store>(new Store(std::make_unique<Implementation>(services)));
}

void Store::set_user_lookup(std::function<std::vector<User>(const oci::Digest& id)> lookup) {
    implementation_->user_lookup_ = std::move(lookup);
}

void Store::add_root_provider(std::function<void(Roots&)> provider) {
    implementation_->root_providers_.push_back(std::move(provider));
}

void Store::add_layer_maker(LayerMaker maker) {
    implementation_->layer_makers_.push_back(std::move(maker));
}

void Store::set_transfer_limits(const TransferLimits& limits) {
    implementation_->downloads_.set_limit(limits.downloads);
    implementation_->uploads_.set_limit(limits.uploads);
}

Result<> Store::tag(std::string_view name, std::string_view target) {
    const oci::Reference reference = TRY(oci::Reference::parse(target)).with_default_tag();
    if (reference.has_digest())
        return fail(ErrorCode::InvalidArgument, "refusing to create a tag with a digest reference");
    const std::lock_guard lock(implementation_->names_mutex_);
    const auto found = TRY(implementation_->find(name));
    TRY(implementation_->services_.database.check_room());
    TRY(implementation_->save_name(reference, found.row.id));
    implementation_->emit("tag", found.row.id.to_string(), reference.familiar());
    return {};
}

Result<Image> Store::commit(NewImage image) {
    auto& content = implementation_->services_.content;
    const auto config = TRY(oci::parse_image_config(image.config_json));
    if (config.diff_ids.size() != image.layers.size()) {
        return fail(ErrorCode::InvalidArgument, "the configuration names ", config.diff_ids.size(),
                    " layers, but there are ", image.layers.size());
    }
    content::Lease lease = content.lease();
    const auto stored = TRY(content.put(image.config_json));
    oci::Manifest manifest;
    manifest.media_type = image.oci_media_types
                              ? "application/vnd.oci.image.manifest.v1+json"
                              : "application/vnd.docker.distribution.manifest.v2+json";
    manifest.config.media_type = image.oci_media_types
                                     ? "application/vnd.oci.image.config.v1+json"
                                     : "application/vnd.docker.container.image.v1+json";
    manifest.config.digest = stored.digest;
    manifest.config.size = static_cast<std::int64_t>(stored.bytes);
    for (auto& layer : image.layers) {
        const bool is_archive = layer.blob.digest == layer.diff_id;
        if (!image.may_have_archives && is_archive &&
            implementation_->services_.snapshots.has_archive(layer.diff_id))
            layer.blob = TRY(implementation_->compressed_layer(layer.blob, lease));
        if (!lease.protect(layer.blob.digest) &&
            !TRY(implementation_->is_dropped(layer.blob.digest)))
            return fail(ErrorCode::NotFound, "blob ", layer.blob.digest, " of a layer is not here");
        manifest.layers.push_back(layer.blob);
    }
    manifest.annotations = std::move(image.annotations);
    const auto put = TRY(content.put(manifest.to_json()));
    const oci::Descriptor target{.media_type = manifest.media_type,
                                 .digest = put.digest,
                                 .size = static_cast<std::int64_t>(put.bytes)};
    {
        const std::lock_guard lock(implementation_->names_mutex_);
        TRY(implementation_->save_image(target, image.parent));
        for (const auto& name : image.references) {
            const oci::Reference reference = TRY(oci::Reference::parse(name)).with_default_tag();
            TRY(implementation_->save_name(reference, target.digest));
            implementation_->emit("tag", target.digest.to_string(), reference.familiar());
        }
    }
    Image made = TRY(implementation_->open_manifest(target, target));
    TRY(implementation_->ensure_layers(made, {}));
    return made;
}

Result<Layer> Store::Implementation::add_archive(codec::ByteSource& source,
                                                 const std::stop_token& stop) {
    auto plain = TRY(layer::open_any_decompressor(source));
    const auto info = TRY(services_.snapshots.apply(*plain, {.keeps_archive = true}, stop));
    Layer layer;
    layer.diff_id = info.diff_id;
    layer.blob.media_type = oci::media_type::docker_layer;
    layer.blob.digest = info.diff_id;
    layer.blob.size = static_cast<std::int64_t>(info.tar_bytes);
    return layer;
}

Result<Layer> Store::add_layer(codec::ByteSource& source, std::stop_token stop) {
    auto& services = implementation_->services_;
    auto plain = TRY(layer::open_any_decompressor(source));
    auto writer = TRY(services.content.create_ingest());
    auto compressor = codec::make_compressor(codec::Compression::Gzip, writer);
    TeeSource tee(*plain, *compressor);
    const auto info = TRY(services.snapshots.apply(tee, {}, stop));
    TRY(compressor->finish());
    const auto blob = TRY(std::move(writer).commit());
    Layer layer;
    layer.diff_id = info.diff_id;
    layer.blob.media_type = oci::media_type::docker_layer_gzip;
    layer.blob.digest = blob.digest;
    layer.blob.size = static_cast<std::int64_t>(blob.bytes);
    return layer;
}

}  // namespace berth::image
