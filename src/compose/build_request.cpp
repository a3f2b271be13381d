#include "compose/build_request.h"

#include <fstream>
#include <sstream>

#include "compose/node_text_internal.h"
#include "compose/short_forms.h"

namespace berth::compose {

using codec::YamlNode;

namespace {

std::vector<std::string> list_of(const YamlNode& node, std::string_view key) {
    std::vector<std::string> out;
    const YamlNode* value = node.find(key);
    for (const auto& item : value ? value->items : std::vector<YamlNode>{})
        out.push_back(item.scalar);
    return out;
}

Result<std::string> read_secret(const Project& project, const std::string& name) {
    const YamlNode* definition = project.secrets.find(name);
    if (!definition)
        return fail(ErrorCode::InvalidArgument, "build secret \"", name, "\" is not defined");
    if (const YamlNode* variable = definition->find("environment")) {
        const auto found = project.environment.find(variable->scalar);
        if (found != project.environment.end()) return found->second;
        return fail(ErrorCode::InvalidArgument, "build secret \"", name, "\": variable ",
                    variable->scalar, " is not set");
    }
    std::ifstream in(text_of(*definition, "file"), std::ios::binary);
    if (!in)
        return fail(ErrorCode::InvalidArgument, "build secret \"", name, "\": open ",
                    text_of(*definition, "file"), ": no such file or directory");
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

}  // namespace

Result<BuildRequest> build_request(const Project& project, const Service& service) {
    const YamlNode& build = *service.definition.find("build");
    BuildRequest out;
    out.context = text_of(build, "context");
    auto& options = out.options;
    if (out.context.find("://") != std::string::npos) options.remote = out.context;
    out.inline_dockerfile = text_of(build, "dockerfile_inline");
    options.dockerfile = text_of(build, "dockerfile");
    options.tags.push_back(service.image(project.name));
    for (const auto& tag : list_of(build, "tags")) options.tags.push_back(tag);
    options.target = text_of(build, "target");
    options.network_mode = text_of(build, "network");
    options.cache_from = list_of(build, "cache_from");
    options.no_cache = text_of(build, "no_cache") == "true";
    options.pull = text_of(build, "pull") == "true";
    options.platform = text_of(service.definition, "platform");
    if (const YamlNode* args = build.find("args")) {
        for (const auto& member : args->members)
            options.build_args.emplace_back(member.key, member.value.scalar);
    }
    if (const YamlNode* labels = build.find("labels")) {
        for (const auto& member : labels->members) options.labels[member.key] = member.value.scalar;
    }
    if (const YamlNode* hosts = build.find("extra_hosts")) {
        for (const auto& member : list_to_mapping(*hosts).members)
            options.extra_hosts.push_back(concat(member.key, ":", member.value.scalar));
    }
    if (const YamlNode* secrets = build.find("secrets")) {
        for (const auto& secret : secrets->items) {
            const std::string name = text_of(secret, "source");
            const std::string id =
                text_of(secret, "target").empty() ? name : text_of(secret, "target");
            options.secrets[id] = TRY(read_secret(project, name).context("service ", service.name));
        }
    }
    const std::string shm = text_of(build, "shm_size");
    if (!shm.empty())
        options.shm_size =
            TRY(parse_byte_size(shm).context("service ", service.name, ": build.shm_size"));
    return out;
}

}  // namespace berth::compose
