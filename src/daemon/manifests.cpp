// Berth's own: manifests of registries, and images from one registry to another.
#include "daemon/body_source.h"
#include "daemon/call.h"
#include "daemon/credentials.h"
#include "daemon/handlers.h"
#include "daemon/progress_stream.h"
#include "image/store.h"

namespace berth::daemon {

using codec::Json;

namespace {
std::string version_of(const oci::Reference& reference) {
    return reference.has_digest() ? reference.digest().to_string() : reference.tag();
}

Result<image::CopyOptions> archive_options(Call& call) {
    image::CopyOptions options{.platform = {},
                               .credentials = credentials_for_any(call.request.headers)};
    if (const auto platform = call.query("platform"); !platform.empty())
        options.platform = TRY(oci::Platform::parse(platform));
    return options;
}
}  // namespace

Result<> copy_image(Call& call) {
    const auto json = TRY(codec::parse_json(TRY(call.body())));
    const std::string from = TRY(codec::require_string(json, "from")),
                      to = TRY(codec::require_string(json, "to"));
    image::CopyOptions options{.from_registry = !codec::get_bool(json, "local"),
                               .platform = {},
                               .credentials = credentials_for_any(call.request.headers)};
    if (const auto platform = codec::get_string(json, "platform"); !platform.empty())
        options.platform = TRY(oci::Platform::parse(platform));
    ProgressStream stream(call.response);
    const auto sink = [&](const image::Progress& progress) {
        stream.send({.status = progress.status, .id = progress.id});
    };
    auto copied = call.engine.images.copy(from, to, options, sink, call.stop());
    if (copied.is_error()) return stream.finish(std::move(copied).error());
    stream.send({.aux = codec::dump_json(
                     {{"Digest", copied->digest.to_string()}, {"Size", copied->size}})});
    return stream.finish({});
}

/// The body is an OCI layout in a tar, `to` the name in a registry.
Result<> copy_from_archive(Call& call) {
    const auto options = TRY(archive_options(call));
    const std::string to = call.query("to");
    ProgressStream stream(call.response);
    BodySource body(call.request);
    const auto sink = [&](const image::Progress& progress) {
        stream.send({.status = progress.status, .id = progress.id});
    };
    auto copied = call.engine.images.copy_from_archive(body, to, options, sink, call.stop());
    if (copied.is_error()) return stream.finish(std::move(copied).error());
    return stream.finish({});
}

/// A tar of what a registry has under the name `from`.
Result<> copy_to_archive(Call& call) {
    const auto options = TRY(archive_options(call));
    call.response.headers.set("Content-Type", "application/x-tar");
    ResponseSink sink(call.response);
    return call.engine.images.copy_to_archive(call.query("from"), options, sink, call.stop());
}

/// {"Descriptor": ..., "Raw": the exact text} of what a registry has under a name.
Result<> show_manifest(Call& call) {
    const auto reference = TRY(oci::Reference::parse(call.parameter("name"))).with_default_tag();
    const auto repository =
        TRY(call.engine.registries.open(reference, remote::Access::Pull,
                                        credentials_for(call.request.headers, reference.domain())));
    auto fetched = TRY(repository->fetch_manifest(version_of(reference), call.stop()));
    return call.send({{"Descriptor",
                       {{"mediaType", fetched.descriptor.media_type},
                        {"digest", fetched.descriptor.digest.to_string()},
                        {"size", fetched.descriptor.size}}},
                      {"Raw", std::move(fetched.bytes)}});
}

/// The body becomes what the registry has under the name.
Result<> put_manifest(Call& call) {
    const auto reference = TRY(oci::Reference::parse(call.parameter("name"))).with_default_tag();
    const std::string bytes = TRY(call.body());
    const auto document = TRY(oci::parse_manifest_or_index(bytes, {}));
    const std::string type =
        std::visit([](const auto& either) { return either.media_type; }, document);
    const auto repository =
        TRY(call.engine.registries.open(reference, remote::Access::PullAndPush,
                                        credentials_for(call.request.headers, reference.domain())));
    TRY(repository->push_manifest(version_of(reference), type, bytes, call.stop()));
    return call.send({{"Digest", oci::Digest::of(bytes).to_string()}});
}

}  // namespace berth::daemon
