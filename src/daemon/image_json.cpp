#include "daemon/image_json.h"

#include <array>

#include "api/container.h"
#include "api/json_values.h"
#include "image/store.h"
#include "oci/image_config.h"
#include "snapshot/driver.h"

namespace berth::daemon {

using codec::Json;

namespace {
Json parsed(const std::string& text) {
    auto json = codec::parse_json(text);
    return json ? std::move(*json) : Json::object();
}

Json platform_json(const oci::Platform& platform) {
    Json out{{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) out["variant"] = platform.variant;
    if (!platform.os_version.empty()) out["os.version"] = platform.os_version;
    return out;
}

Json manifests_json(const image::Summary& summary) {
    Json list = Json::array();
    for (const auto& manifest : summary.manifests) {
        Json entry{{"ID", manifest.descriptor.digest.to_string()},
                   {"Descriptor", parsed(manifest.descriptor.to_json())},
                   {"Available", manifest.available},
                   {"Size",
                    {{"Content", manifest.content_bytes},
                     {"Total", manifest.content_bytes + manifest.unpacked_bytes}}},
                   {"Kind", manifest.is_attestation ? "attestation" : "image"}};
        if (!manifest.is_attestation) {
            entry["ImageData"] = {{"Platform", platform_json(manifest.platform)},
                                  {"Containers", Json::array()},
                                  {"Size", {{"Unpacked", manifest.unpacked_bytes}}}};
        }
        list.push_back(std::move(entry));
    }
    return list;
}

/// Members of an image's configuration: there in 1.50 and 1.51 whether set or not, from 1.52 on
/// only when set.
constexpr std::array<std::string_view, 8> config_members{
    "Cmd", "Entrypoint", "Env", "Labels", "OnBuild", "User", "Volumes", "WorkingDir"};

Json config_with_members(Json config, bool always) {
    for (const auto name : config_members) {
        const std::string member(name);
        const bool is_set =
            config.contains(member) && !config[member].empty() && config[member] != "";
        if (!is_set && !always) config.erase(member);
        if (always && !config.contains(member))
            config[member] = name == "User" || name == "WorkingDir" ? Json("") : Json(nullptr);
    }
    return config;
}

/// Config as Docker shows it: up to 1.49 with every member of a container's configuration, whether
/// set or not.
Json config_json(const image::Image& image, api::ApiVersion version) {
    const Json document = parsed(*image.config_json);
    const Json* config = codec::find_member(document, "config");
    if (version >= api::ApiVersion{1, 50})
        return config_with_members(config ? *config : Json::object(),
                                   version < api::ApiVersion{1, 52});
    api::ContainerConfig full;
    if (config) {
        if (auto converted = api::parse_container_config(codec::dump_json(*config)))
            full = std::move(*converted);
    }
    return api::json_of(full);
}
}  // namespace

Json list_entry_of(const image::Summary& summary, api::ApiVersion version, bool with_manifests) {
    Json labels = Json::object();
    for (const auto& [key, value] : summary.labels) labels[key] = value;
    Json tags = summary.repo_tags;
    Json digests = summary.repo_digests;
    if (version < api::ApiVersion{1, 43}) {
        if (tags.empty()) tags.push_back("<none>:<none>");
        if (digests.empty()) digests.push_back("<none>@<none>");
    }
    Json out{{"Containers", version >= api::ApiVersion{1, 51} ? summary.containers : -1},
             {"Created", unix_seconds(summary.created)},
             {"Id", summary.id.to_string()},
             {"Labels", std::move(labels)},
             {"ParentId", summary.parent},
             {"RepoDigests", std::move(digests)},
             {"RepoTags", std::move(tags)},
             {"SharedSize", summary.shared_bytes},
             {"Size", summary.size}};
    if (version < api::ApiVersion{1, 44}) out["VirtualSize"] = summary.size;
    if (version >= api::ApiVersion{1, 48}) out["Descriptor"] = parsed(summary.target.to_json());
    if (with_manifests) out["Manifests"] = manifests_json(summary);
    return out;
}

Json inspect_of(const image::Summary& summary, const image::Image& image, api::ApiVersion version,
                bool with_manifests) {
    const Json document = parsed(*image.config_json);
    Json layers = Json::array();
    for (const auto& layer : image.layers) layers.push_back(layer.diff_id.to_string());
    std::string comment;
    if (!image.config->history.empty()) comment = image.config->history.back().comment;
    Json out{{"Id", summary.id.to_string()},
             {"RepoTags", summary.repo_tags},
             {"RepoDigests", summary.repo_digests},
             {"Parent", summary.parent},
             {"Comment", comment},
             {"Created", summary.created == Timestamp{} ? "0001-01-01T00:00:00Z"
                                                        : to_rfc3339(summary.created)},
             {"DockerVersion", codec::get_string(document, "docker_version")},
             {"Author", image.config->author}};
    if (version >= api::ApiVersion{1, 52}) {
        for (const char* member : {"Parent", "Comment", "DockerVersion", "Author"})
            if (out[member] == "") out.erase(member);
    }
    if (version < api::ApiVersion{1, 45}) {
        out["Container"] = "";
        out["ContainerConfig"] = api::json_of(api::ContainerConfig{});
    }
    out["Config"] = config_json(image, version);
    out["Architecture"] = image.platform.architecture;
    if (!image.platform.variant.empty()) out["Variant"] = image.platform.variant;
    out["Os"] = image.platform.os;
    if (!image.platform.os_version.empty()) out["OsVersion"] = image.platform.os_version;
    out["Size"] = summary.size;
    if (version < api::ApiVersion{1, 44}) out["VirtualSize"] = summary.size;
    out["GraphDriver"] = {{"Data", nullptr}, {"Name", "berth"}};
    out["RootFS"] = {{"Type", "layers"}, {"Layers", std::move(layers)}};
    out["Metadata"] = {{"LastTagTime", summary.tagged == Timestamp{} ? "0001-01-01T00:00:00Z"
                                                                     : to_rfc3339(summary.tagged)}};
    if (version >= api::ApiVersion{1, 48}) out["Descriptor"] = parsed(summary.target.to_json());
    if (with_manifests) out["Manifests"] = manifests_json(summary);
    return out;
}

Result<std::size_t> count_images(const engine::Engine& engine) {
    const auto images = TRY(engine.images.list({}));
    return images.size();
}

std::string storage_driver_name(const engine::Engine& engine) {
    return std::string(engine.snapshots.name());
}

}  // namespace berth::daemon
