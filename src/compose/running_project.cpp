#include "compose/running_project.h"

#include <algorithm>

#include "codec/json.h"
#include "compose/labels.h"

namespace berth::compose {

using codec::Json;
using codec::YamlNode;

namespace {

Service& service_named(Project& project, const std::string& name) {
    for (auto& service : project.services)
        if (service.name == name) return service;
    Service added;
    added.name = name;
    added.definition = YamlNode::mapping();
    added.replicas = 0;
    project.services.push_back(std::move(added));
    return project.services.back();
}

void add_container(Project& project, const Json& container) {
    const Json* labels = codec::find_member(container, "Labels");
    if (!labels) return;
    const std::string name = codec::get_string(*labels, label::service);
    if (name.empty()) return;
    Service& service = service_named(project, name);
    service.definition.set("image", YamlNode::of_string(codec::get_string(container, "Image")));
    if (codec::get_string(*labels, label::oneoff) != "True") ++service.replicas;
    if (service.depends_on.empty())
        service.depends_on = parse_dependency_label(codec::get_string(*labels, label::depends_on));
    project.working_dir = codec::get_string(*labels, label::working_dir);
    const std::string files = codec::get_string(*labels, label::config_files);
    if (!files.empty()) project.files = split(files, ',');
}

void add_resource(YamlNode& section, const Json& resource, std::string_view key_label) {
    const Json* labels = codec::find_member(resource, "Labels");
    const std::string key = labels ? codec::get_string(*labels, key_label) : std::string();
    const std::string name = codec::get_string(resource, "Name");
    YamlNode definition = YamlNode::mapping();
    definition.set("name", YamlNode::of_string(name));
    section.set(key.empty() ? name : key, std::move(definition));
}

}  // namespace

std::vector<Dependency> parse_dependency_label(std::string_view label) {
    std::vector<Dependency> out;
    for (const auto& entry : split(label, ',')) {
        const auto parts = split(entry, ':');
        if (parts.size() < 2 || parts[0].empty()) continue;
        Dependency dependency{.service = parts[0]};
        for (const Condition condition :
             {Condition::Started, Condition::Healthy, Condition::CompletedSuccessfully})
            if (parts[1] == to_string(condition)) dependency.condition = condition;
        dependency.restart = parts.size() > 2 && (parts[2] == "true" || parts[2] == "1");
        out.push_back(std::move(dependency));
    }
    return out;
}

Result<Project> running_project(const client::Client& client, const std::string& name) {
    Project project;
    project.name = name;
    project.networks = project.volumes = project.secrets = project.configs = YamlNode::mapping();
    const std::string wanted = concat(label::project, "=", name);
    client::ListContainersOptions options;
    options.all = true;
    options.filters.add("label", wanted);
    const Json containers = TRY(client.list_containers(options));
    for (const auto& container : containers) add_container(project, container);
    std::sort(project.services.begin(), project.services.end(),
              [](const Service& left, const Service& right) { return left.name < right.name; });
    for (auto& service : project.services)
        std::erase_if(service.depends_on,
                      [&](const Dependency& d) { return !project.find_service(d.service); });

    api::Filters filters;
    filters.add("label", wanted);
    const Json networks = TRY(client.list_networks(filters));
    for (const auto& network : networks) add_resource(project.networks, network, label::network);
    const Json answer = TRY(client.list_volumes(filters));
    const Json* volumes = codec::find_member(answer, "Volumes");
    if (volumes && volumes->is_array())
        for (const auto& volume : *volumes) add_resource(project.volumes, volume, label::volume);
    return project;
}

}  // namespace berth::compose
