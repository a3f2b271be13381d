#include "codec/json.h"
#include "image/implementation_internal.h"

namespace berth::image {

Result<oci::Digest> Store::import(codec::ByteSource& source, const ImportOptions& options,
                                  const ProgressSink& progress, std::stop_token stop) {
    content::Lease lease = implementation_->services_.content.lease();
    Layer layer = TRY(add_layer(source, stop));
    oci::ImageConfig config;
    config.platform = options.platform.is_empty() ? oci::Platform::host() : options.platform;
    config.created = SystemClock().now();
    config.diff_ids = {layer.diff_id};
    config.history.push_back(
        {.created = config.created,
         .created_by = "",
         .author = "",
         .comment = options.message.empty() ? "Imported from -" : options.message});
    codec::Json document = TRY(codec::parse_json(config.to_json()));
    if (!options.config_json.empty()) {
        const codec::Json members =
            TRY(codec::parse_json(options.config_json).context("import configuration"));
        for (const auto& [key, value] : members.items()) document["config"][key] = value;
    }
    NewImage image;
    image.config_json = codec::dump_json(document);
    image.layers = {std::move(layer)};
    if (!options.reference.empty()) image.references = {options.reference};
    const Image made = TRY(commit(std::move(image)));
    progress({.status = made.id.to_string()});
    implementation_->emit("import", made.id.to_string(), options.reference);
    return made.id;
}

}  // namespace berth::image
