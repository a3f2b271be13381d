#include "compose/resources.h"

#include <set>

#include "codec/json.h"
#include "compose/labels.h"
#include "compose/node_text_internal.h"

namespace berth::compose {

using codec::YamlNode;

namespace {

bool is_true(const YamlNode& node, std::string_view key) { return text_of(node, key) == "true"; }

api::StringMap map_of(const YamlNode* node) {
    api::StringMap out;
    for (const auto& member : node ? node->members : std::vector<YamlNode::Member>{})
        out[member.key] = member.value.scalar;
    return out;
}

api::StringMap labels_for(const Project& project, const YamlNode& definition,
                          std::string_view label_key, const std::string& key) {
    api::StringMap labels = map_of(definition.find("labels"));
    labels[std::string(label::project)] = project.name;
    labels[std::string(label_key)] = key;
    labels[std::string(label::version)] = BERTH_VERSION;
    return labels;
}

std::set<std::string> used_networks(const Project& project) {
    std::set<std::string> out;
    for (const auto& service : project.services) {
        const YamlNode* networks = service.definition.find("networks");
        for (const auto& member : networks ? networks->members : std::vector<YamlNode::Member>{})
            out.insert(member.key);
    }
    return out;
}

std::set<std::string> used_volumes(const Project& project) {
    std::set<std::string> out;
    for (const auto& service : project.services) {
        const YamlNode* volumes = service.definition.find("volumes");
        for (const auto& volume : volumes ? volumes->items : std::vector<YamlNode>{})
            if (text_of(volume, "type") == "volume") out.insert(text_of(volume, "source"));
    }
    return out;
}

Error missing_external(std::string_view kind, const std::string& name) {
    return Error(ErrorCode::NotFound,
                 concat(kind, " ", name, " is declared as external, but was not found"))
        .with_hint(
            concat("create it with `berth ", kind, " create ", name, "`, or drop \"external\""));
}

api::NetworkCreateRequest network_request(const Project& project, const YamlNode::Member& member) {
    const YamlNode& definition = member.value;
    api::NetworkCreateRequest request;
    request.name = text_of(definition, "name");
    request.driver =
        text_of(definition, "driver").empty() ? "bridge" : text_of(definition, "driver");
    request.internal = is_true(definition, "internal");
    request.attachable = is_true(definition, "attachable");
    if (definition.find("enable_ipv6")) request.enable_ipv6 = is_true(definition, "enable_ipv6");
    request.options = map_of(definition.find("driver_opts"));
    request.labels = labels_for(project, definition, label::network, member.key);
    if (const YamlNode* ipam = definition.find("ipam")) {
        api::Ipam out;
        out.driver = text_of(*ipam, "driver");
        const YamlNode* pools = ipam->find("config");
        for (const auto& pool : pools ? pools->items : std::vector<YamlNode>{}) {
            out.config.push_back({text_of(pool, "subnet"), text_of(pool, "ip_range"),
                                  text_of(pool, "gateway"), map_of(pool.find("aux_addresses"))});
        }
        request.ipam = std::move(out);
    }
    return request;
}

Result<> create_network(const client::Client& client, const Project& project,
                        const YamlNode::Member& member, const ProgressSink& progress) {
    const std::string name = text_of(member.value, "name");
    auto existing = client.inspect_network(name);
    if (existing) return {};
    if (!existing.error().is(ErrorCode::NotFound)) return std::move(existing).error();
    if (is_true(member.value, "external")) return missing_external("network", name);
    progress({"Network", name, "Creating"});
    auto created = client.create_network(network_request(project, member));
    // Another command may have been faster.
    if (created.is_error() && !created.error().is(ErrorCode::Conflict))
        return std::move(created).error();
    progress({"Network", name, "Created", true});
    return {};
}

Result<> create_volume(const client::Client& client, const Project& project,
                       const YamlNode::Member& member, const ProgressSink& progress) {
    const std::string name = text_of(member.value, "name");
    auto existing = client.inspect_volume(name);
    if (existing) return {};
    if (!existing.error().is(ErrorCode::NotFound)) return std::move(existing).error();
    if (is_true(member.value, "external")) return missing_external("volume", name);
    progress({"Volume", name, "Creating"});
    api::VolumeCreateRequest request{
        .name = name,
        .driver = text_of(member.value, "driver"),
        .driver_opts = map_of(member.value.find("driver_opts")),
        .labels = labels_for(project, member.value, label::volume, member.key)};
    TRY(client.create_volume(request));
    progress({"Volume", name, "Created", true});
    return {};
}

}  // namespace

Result<> create_resources(const client::Client& client, const Project& project,
                          const ProgressSink& progress) {
    const auto networks = used_networks(project);
    for (const auto& member : project.networks.members)
        if (networks.contains(member.key)) TRY(create_network(client, project, member, progress));
    const auto volumes = used_volumes(project);
    for (const auto& member : project.volumes.members)
        if (volumes.contains(member.key)) TRY(create_volume(client, project, member, progress));
    return {};
}

Result<> remove_resources(const client::Client& client, const Project& project, bool with_volumes,
                          const ProgressSink& progress) {
    const auto remove = [&](const char* kind, const std::string& name, auto&& call) -> Result<> {
        auto removed = call(name);
        if (removed.is_error()) {
            if (removed.error().is(ErrorCode::NotFound)) return {};
            // A container of another project, or an orphan that stays, may use it: docker compose
            // leaves it, too.
            if (removed.error().is(ErrorCode::Conflict) ||
                removed.error().is(ErrorCode::PermissionDenied)) {
                progress({kind, name, "Resource is still in use", true});
                return {};
            }
            progress({kind, name, "Error", true, true});
            return std::move(removed).error();
        }
        progress({kind, name, "Removed", true});
        return {};
    };
    if (with_volumes) {
        for (const auto& member : project.volumes.members) {
            if (is_true(member.value, "external")) continue;
            TRY(remove("Volume", text_of(member.value, "name"),
                       [&](const std::string& name) { return client.remove_volume(name); }));
        }
    }
    for (const auto& member : project.networks.members) {
        if (is_true(member.value, "external")) continue;
        TRY(remove("Network", text_of(member.value, "name"),
                   [&](const std::string& name) { return client.remove_network(name); }));
    }
    return {};
}

}  // namespace berth::compose
