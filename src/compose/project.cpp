#include "compose/project.h"

#include <algorithm>
#include <set>

namespace berth::compose {

using codec::YamlNode;

std::string_view to_string(Condition condition) {
    switch (condition) {
        case Condition::Started: return "service_started";
        case Condition::Healthy: return "service_healthy";
        case Condition::CompletedSuccessfully: return "service_completed_successfully";
    }
    return "service_started";
}

std::string Service::image(std::string_view project) const {
    const YamlNode* image = definition.find("image");
    return image ? image->scalar : concat(project, "-", name);
}

std::string Service::container_name() const {
    const YamlNode* fixed = definition.find("container_name");
    return fixed ? fixed->scalar : std::string();
}

const Service* Project::find_service(std::string_view wanted) const {
    for (const auto& service : services)
        if (service.name == wanted) return &service;
    return nullptr;
}

std::string normalize_project_name(std::string_view name) {
    std::string out;
    for (const char c : to_lower(name)) {
        const bool is_alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (is_alphanumeric || ((c == '-' || c == '_') && !out.empty())) out += c;
    }
    return out;
}

namespace {

YamlNode to_tree(const Project& project) {
    YamlNode root = YamlNode::mapping();
    root.set("name", YamlNode::of_string(project.name));
    YamlNode& services = root.set("services", YamlNode::mapping());
    std::vector<const Service*> sorted;
    for (const auto& service : project.services) sorted.push_back(&service);
    std::sort(sorted.begin(), sorted.end(),
              [](const Service* a, const Service* b) { return a->name < b->name; });
    for (const Service* service : sorted) {
        YamlNode definition = service->definition;
        std::sort(
            definition.members.begin(), definition.members.end(),
            [](const YamlNode::Member& a, const YamlNode::Member& b) { return a.key < b.key; });
        services.set(service->name, std::move(definition));
    }
    const std::pair<std::string_view, const YamlNode*> sections[] = {
        {"networks", &project.networks},
        {"volumes", &project.volumes},
        {"secrets", &project.secrets},
        {"configs", &project.configs}};
    for (const auto& [key, section] : sections)
        if (!section->members.empty()) root.set(key, *section);
    return root;
}

void add_with_dependencies(const Project& project, const Service& service,
                           std::set<std::string>& names) {
    if (!names.insert(service.name).second) return;
    for (const auto& dependency : service.depends_on) {
        if (const Service* next = project.find_service(dependency.service))
            add_with_dependencies(project, *next, names);
    }
}

void append_in_order(const Project& project, const Service& service, std::set<std::string>& done,
                     std::vector<const Service*>& out) {
    if (!done.insert(service.name).second) return;
    for (const auto& dependency : service.depends_on) {
        if (const Service* next = project.find_service(dependency.service))
            append_in_order(project, *next, done, out);
    }
    out.push_back(&service);
}

}  // namespace

std::string to_yaml(const Project& project) { return codec::dump_yaml(to_tree(project)); }
codec::Json to_json(const Project& project) { return codec::to_json(to_tree(project)); }

std::vector<const Service*> in_dependency_order(const Project& project) {
    std::set<std::string> done;
    std::vector<const Service*> out;
    for (const auto& service : project.services) append_in_order(project, service, done, out);
    return out;
}

Result<Project> select_services(const Project& project, const std::vector<std::string>& names,
                                bool with_dependencies) {
    if (names.empty()) return project;
    std::set<std::string> wanted;
    for (const auto& name : names) {
        const Service* service = project.find_service(name);
        if (!service) {
            std::vector<std::string> known;
            for (const auto& other : project.services) known.push_back(other.name);
            const auto near = nearest(name, known);
            return Error(ErrorCode::NotFound, concat("no such service: ", name))
                .with_hint(near ? concat("did you mean \"", *near, "\"?")
                                : concat("services are: ", join(known, ", ")));
        }
        if (with_dependencies) {
            add_with_dependencies(project, *service, wanted);
        } else {
            wanted.insert(name);
        }
    }
    Project out = project;
    std::erase_if(out.services,
                  [&](const Service& service) { return !wanted.contains(service.name); });
    for (auto& service : out.services) {
        std::erase_if(service.depends_on,
                      [&](const Dependency& d) { return !wanted.contains(d.service); });
    }
    return out;
}

}  // namespace berth::compose
