#pragma once
#include "api/version.h"
#include "codec/json.h"
#include "engine/engine.h"
#include "image/image.h"

namespace berth::daemon {

/// One entry of `GET /images/json`.
codec::Json list_entry_of(const image::Summary& summary, api::ApiVersion version,
                          bool with_manifests);
/// The answer of `GET /images/{name}/json`. `image` is the platform that is looked at.
codec::Json inspect_of(const image::Summary& summary, const image::Image& image,
                       api::ApiVersion version, bool with_manifests);

/// Parameter "platform" is JSON of an OCI platform, or "os/arch[/variant]" for older callers; empty
/// for none.
Result<oci::Platform> platform_of(const std::string& text);

/// For `info`.
Result<std::size_t> count_images(const engine::Engine& engine);
std::string storage_driver_name(const engine::Engine& engine);

}  // namespace berth::daemon
