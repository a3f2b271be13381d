#include "daemon/body_source.h"
#include "daemon/call.h"
#include "daemon/changes.h"
#include "daemon/credentials.h"
#include "daemon/handlers.h"
#include "daemon/progress_stream.h"
#include "image/store.h"
#include "oci/image_config.h"

namespace berth::daemon {

using codec::Json;

namespace {
/// "name" and "tag" as clients give them: the tag may be a digest.
std::string joined_name(const std::string& name, const std::string& tag) {
    if (tag.empty()) return name;
    return name + (tag.find(':') != std::string::npos ? "@" : ":") + tag;
}

image::ProgressSink sink_of(ProgressStream& stream) {
    return [&](const image::Progress& progress) {
        stream.send({.stream = progress.stream,
                     .status = progress.status,
                     .id = progress.id,
                     .current = progress.current,
                     .total = progress.total,
                     .aux = progress.aux});
    };
}

Result<std::optional<oci::Platform>> optional_platform(const Call& call) {
    const std::string text = call.query("platform");
    if (text.empty()) return std::optional<oci::Platform>();
    if (!text.starts_with('{')) return std::optional(TRY(oci::Platform::parse(text)));
    const auto json = TRY(codec::parse_json(text));
    const std::string os = codec::get_string(json, "os", "linux");
    const std::string variant = codec::get_string(json, "variant");
    auto platform = TRY(oci::Platform::parse(concat(
        os, "/", codec::get_string(json, "architecture"), variant.empty() ? "" : "/", variant)));
    return std::optional(std::move(platform));
}

Result<> drop(Result<oci::Digest> result) {
    if (result.is_error()) return std::move(result).error();
    return {};
}

Result<> pull(Call& call) {
    const std::string name = joined_name(call.query("fromImage"), call.query("tag"));
    const auto reference = TRY(oci::Reference::parse(name));
    image::PullOptions options{
        .all_tags = !reference.has_tag() && !reference.has_digest(),
        .credentials = credentials_for(call.request.headers, reference.domain())};
    if (auto platform = TRY(optional_platform(call))) options.platform = std::move(*platform);
    ProgressStream stream(call.response);
    return stream.finish(
        drop(call.engine.images.pull(name, options, sink_of(stream), call.stop())));
}

Result<> import(Call& call) {
    if (call.query("fromSrc") != "-") {
        return fail(ErrorCode::Unsupported, "importing from a URL is not supported")
            .with_hint("download it and import the file: curl URL | docker import - NAME");
    }
    image::ImportOptions options{.message = call.query("message")};
    if (!call.query("repo").empty())
        options.reference = joined_name(call.query("repo"), call.query("tag"));
    if (auto platform = TRY(optional_platform(call))) options.platform = std::move(*platform);
    const auto changes = changes_of(call.request.query);
    if (!changes.empty()) options.config_json = TRY(config_of_changes(changes));
    ProgressStream stream(call.response);
    BodySource body(call.request);
    auto imported = call.engine.images.import(body, options, sink_of(stream), call.stop());
    return stream.finish(drop(std::move(imported)));
}
}  // namespace

Result<> create_image(Call& call) {
    if (!call.query("fromImage").empty()) return pull(call);
    if (!call.query("fromSrc").empty()) return import(call);
    return fail(ErrorCode::InvalidArgument, "fromImage or fromSrc is needed");
}

Result<> push_image(Call& call) {
    const std::string tag = call.query("tag");
    const auto reference = TRY(oci::Reference::parse(joined_name(call.parameter("name"), tag)));
    image::PushOptions options{
        .all_tags = !reference.has_tag() && !reference.has_digest(),
        .credentials = credentials_for_push(call.request.headers, reference.domain())};
    options.platform = TRY(optional_platform(call));
    ProgressStream stream(call.response);
    return stream.finish(call.engine.images.push(joined_name(call.parameter("name"), tag), options,
                                                 sink_of(stream), call.stop()));
}

Result<> save_images(Call& call) {
    std::vector<std::string> names = call.request.query.all("names");
    if (const auto& name = call.parameter("name"); !name.empty()) names = {name};
    if (names.empty()) return fail(ErrorCode::InvalidArgument, "no images were named");
    const auto platform = TRY(optional_platform(call));
    for (const auto& name : names) TRY(call.engine.images.summary(name));
    call.response.headers.set("Content-Type", "application/x-tar");
    ResponseSink sink(call.response);
    return call.engine.images.save(names, platform, sink, call.stop(),
                                   credentials_for_any(call.request.headers));
}

Result<> load_images(Call& call) {
    const auto platform = TRY(optional_platform(call));
    const bool quiet = call.flag("quiet", true);
    ProgressStream stream(call.response);
    BodySource body(call.request);
    const auto progress =
        quiet ? image::ProgressSink([](const image::Progress&) {}) : sink_of(stream);
    const auto loaded = call.engine.images.load(body, platform, progress, call.stop());
    if (loaded.is_error()) return stream.finish(loaded.error().clone());
    if (!quiet) return stream.finish({});  // its progress said what was loaded
    for (const auto& item : loaded->loaded) {
        stream.send({.stream = item.reference.empty()
                                   ? concat("Loaded image ID: ", item.id, "\n")
                                   : concat("Loaded image: ", item.reference, "\n")});
    }
    return stream.finish({});
}

Result<> bootstrap_image(Call& call) {
    const std::string body = TRY(call.body());
    const auto json = TRY(codec::parse_json(body));
    const auto suite = TRY(codec::require_string(json, "suite"));
    const image::BootstrapOptions options{.suite = suite,
                                          .packages = codec::get_strings(json, "packages"),
                                          .mirror = codec::get_string(json, "mirror"),
                                          .reference = codec::get_string(json, "reference")};
    ProgressStream stream(call.response);
    auto made = call.engine.images.bootstrap(options, sink_of(stream), call.stop());
    if (made) stream.send({.aux = codec::dump_json({{"ID", made->to_string()}})});
    return stream.finish(drop(std::move(made)));
}

Result<> inspect_distribution(Call& call) {
    const auto reference = TRY(oci::Reference::parse(call.parameter("name"))).with_default_tag();
    const auto repository =
        TRY(call.engine.registries.open(reference, remote::Access::Pull,
                                        credentials_for(call.request.headers, reference.domain())));
    const auto fetched = TRY(repository->fetch_manifest(
        reference.has_digest() ? reference.digest().to_string() : reference.tag(), call.stop()));
    const auto document =
        TRY(oci::parse_manifest_or_index(fetched.bytes, fetched.descriptor.media_type));
    Json platforms = Json::array();
    const auto add = [&](const oci::Platform& platform) {
        Json entry{{"architecture", platform.architecture}, {"os", platform.os}};
        if (!platform.variant.empty()) entry["variant"] = platform.variant;
        platforms.push_back(std::move(entry));
    };
    if (const auto* index = std::get_if<oci::Index>(&document)) {
        for (const auto& manifest : index->manifests)
            if (manifest.platform) add(*manifest.platform);
    } else {
        // A lone manifest names its platform in its configuration only.
        std::string config;
        TRY(repository->fetch_blob(
            std::get<oci::Manifest>(document).config, 0,
            [&](std::span<const std::byte> bytes) -> Result<> {
                if (config.size() + bytes.size() > oci::max_image_config_bytes)
                    return fail(ErrorCode::InvalidArgument, "image configuration is too large");
                config += as_text(bytes);
                return {};
            },
            call.stop()));
        add(TRY(oci::parse_image_config(config)).platform);
    }
    const Json descriptor{{"mediaType", fetched.descriptor.media_type},
                          {"digest", fetched.descriptor.digest.to_string()},
                          {"size", fetched.descriptor.size}};
    return call.send({{"Descriptor", descriptor}, {"Platforms", std::move(platforms)}});
}

}  // namespace berth::daemon
