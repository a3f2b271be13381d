#include <array>

#include "compose/normalize_internal.h"
#include "compose/short_forms.h"

namespace berth::compose {

using codec::YamlNode;

namespace {

bool is_external(const YamlNode& definition) {
    const YamlNode* external = definition.find("external");
    return external && (external->is_mapping() || external->as_bool().value_or(false));
}

void name_resource(YamlNode::Member& member, std::string_view project) {
    YamlNode& definition = member.value;
    if (definition.is_null()) definition = YamlNode::mapping(member.at);
    const YamlNode* external = definition.find("external");
    if (external && external->is_mapping()) {
        const YamlNode* name = external->find("name");
        const YamlNode name_node = name ? *name : YamlNode::of_string(member.key, member.at);
        definition.set("name", name_node);
        definition.set("external", YamlNode::of_plain("true", member.at));
    }
    if (definition.find("name")) return;
    const std::string name =
        is_external(definition) ? member.key : concat(project, "_", member.key);
    definition.set("name", YamlNode::of_string(name, member.at));
}

Result<> normalize_files(YamlNode& section, std::string_view kind,
                         const NormalizeContext& context) {
    constexpr std::array<std::string_view, 4> sources{"file", "environment", "content", "external"};
    for (auto& member : section.members) {
        if (member.value.is_null()) member.value = YamlNode::mapping(member.at);
        if (YamlNode* file = member.value.find("file"))
            file->scalar = absolute_path(file->scalar, context);
        int count = 0;
        for (const auto source : sources) count += member.value.find(source) ? 1 : 0;
        if (count != 1) {
            return context.sources.refuse(
                member.at,
                concat(kind, " \"", member.key, "\" needs exactly one of file, environment",
                       kind == "config" ? ", content" : "", " or external"));
        }
    }
    return {};
}

}  // namespace

Result<> normalize_resources(Project& project, const NormalizeContext& context) {
    bool uses_default = false;
    for (const auto& service : project.services) {
        const YamlNode* networks = service.definition.find("networks");
        uses_default = uses_default || (networks && networks->find("default"));
    }
    if (uses_default && !project.networks.find("default"))
        project.networks.set("default", YamlNode{});
    for (auto& member : project.networks.members) name_resource(member, context.project);
    for (auto& member : project.volumes.members) name_resource(member, context.project);
    for (YamlNode* section : {&project.networks, &project.volumes}) {
        for (auto& member : section->members) {
            if (YamlNode* labels = member.value.find("labels")) *labels = list_to_mapping(*labels);
        }
    }
    TRY(normalize_files(project.secrets, "secret", context));
    return normalize_files(project.configs, "config", context);
}

}  // namespace berth::compose
