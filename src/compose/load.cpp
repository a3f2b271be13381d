// Loading a project. The order matters and is the specification's: every file is parsed,
// interpolated, checked and its `include`s and `extends` resolved on its own; then files are
// merged; then the whole is normalised and its references checked. Only then are profiles applied,
// so that a mistake in a disabled service is found, too.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "compose/env_file.h"
#include "compose/merge.h"
#include "compose/normalize_internal.h"
#include "compose/project.h"
#include "compose/schema.h"
#include "compose/short_forms.h"

namespace berth::compose {

using codec::YamlNode;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view usual_names[] = {"compose.yaml", "compose.yml", "docker-compose.yaml",
                                            "docker-compose.yml"};
constexpr std::string_view override_names[] = {"compose.override.yaml", "compose.override.yml",
                                               "docker-compose.override.yaml",
                                               "docker-compose.override.yml"};
constexpr std::size_t max_file_bytes = 8 << 20;

bool is_file(const std::string& path) {
    std::error_code error;
    return fs::is_regular_file(path, error);
}

Result<std::string> read_file(const std::string& path) {
    std::ostringstream text;
    if (path == "-") {
        text << std::cin.rdbuf();
    } else {
        std::ifstream in(path, std::ios::binary);
        if (!in) return fail(ErrorCode::NotFound, "open ", path, ": no such file or directory");
        text << in.rdbuf();
    }
    std::string out = std::move(text).str();
    if (out.size() > max_file_bytes)
        return fail(ErrorCode::InvalidArgument, path, ": larger than ", max_file_bytes, " bytes");
    return out;
}

std::string absolute_in(std::string_view path, const std::string& directory) {
    std::string text = (fs::path(directory) / path).lexically_normal().string();
    if (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
}

class Loader {
public:
    explicit Loader(const LoadOptions& options) : options_(options) {}

    bool has_files() {
        environment_ = options_.environment;
        return static_cast<bool>(find_files());
    }

    Result<Project> load() {
        environment_ = options_.environment;
        TRY(find_files());
        TRY(read_env_files());
        YamlNode merged;
        for (const auto& file : project_.files) {
            YamlNode tree = TRY(load_file(file, project_.working_dir, 0));
            merged = merge_files(std::move(merged), tree);
        }
        drop_resets(merged);
        TRY(name_project(merged));
        TRY(take_sections(merged));
        const NormalizeContext context{project_.name, project_.working_dir, environment_, sources_,
                                       project_.warnings};
        for (auto& service : project_.services) TRY(normalize_service(service, context));
        TRY(normalize_resources(project_, context));
        TRY(check_references());
        TRY(check_cycles());
        TRY(apply_profiles());
        project_.environment = environment_;
        std::sort(project_.warnings.begin(), project_.warnings.end());
        project_.warnings.erase(std::unique(project_.warnings.begin(), project_.warnings.end()),
                                project_.warnings.end());
        return std::move(project_);
    }

private:
    Result<> find_files() {
        std::vector<std::string> files = options_.files;
        if (files.empty()) {
            const auto named = environment_.find("COMPOSE_FILE");
            if (named != environment_.end() && !named->second.empty()) {
                const auto separator = environment_.find("COMPOSE_PATH_SEPARATOR");
                files = split(named->second,
                              separator == environment_.end() ? ':' : separator->second.front());
            }
        }
        if (files.empty()) {
            TRY(search_upwards());
        } else {
            for (const auto& file : files)
                project_.files.push_back(file == "-" ? file
                                                     : absolute_in(file, options_.working_dir));
        }
        project_.working_dir = project_.files.front() == "-"
                                   ? options_.working_dir
                                   : fs::path(project_.files.front()).parent_path().string();
        if (!options_.project_directory.empty())
            project_.working_dir = absolute_in(options_.project_directory, options_.working_dir);
        return {};
    }

    Result<> search_upwards() {
        const std::string start =
            options_.project_directory.empty()
                ? options_.working_dir
                : absolute_in(options_.project_directory, options_.working_dir);
        for (fs::path directory = start;; directory = directory.parent_path()) {
            for (const auto name : usual_names) {
                const std::string file = (directory / name).string();
                if (!is_file(file)) continue;
                project_.files.push_back(file);
                for (const auto extra : override_names) {
                    if (is_file((directory / extra).string())) {
                        project_.files.push_back((directory / extra).string());
                        break;
                    }
                }
                return {};
            }
            if (directory == directory.root_path()) break;
        }
        return Error(ErrorCode::NotFound, concat("no compose file in ", start, " or above"))
            .with_hint("write a compose.yaml there, or name one with -f");
    }

    Result<> read_env_files() {
        std::vector<std::string> files = options_.env_files;
        const bool is_explicit = !files.empty();
        if (files.empty()) files.push_back(absolute_in(".env", project_.working_dir));
        Environment from_files;
        for (const auto& file : files) {
            const std::string path = absolute_in(file, options_.working_dir);
            if (!is_explicit && !is_file(path)) continue;
            const std::string text = TRY(read_file(path).context("env file"));
            for (auto& [name, value] : TRY(parse_env_file(text, path, environment_)))
                if (value) from_files[name] = *value;
        }
        for (auto& [name, value] : from_files) environment_.try_emplace(name, value);
        return {};
    }

    Result<YamlNode> load_file(const std::string& file, const std::string& directory, int depth) {
        if (depth > 16)
            return fail(ErrorCode::InvalidArgument, file,
                        ": included or extended through more than 16 files");
        std::string text = TRY(read_file(file));
        const std::string shown = file == "-" ? "stdin" : display_name(file);
        YamlNode tree = TRY(codec::parse_yaml(text, shown));
        sources_.add(shown, std::move(text));
        if (options_.interpolate)
            TRY(interpolate_tree(tree, environment_, sources_, project_.warnings));
        TRY(check_schema(tree, shown, sources_));
        TRY(resolve_extends(tree, file, directory, depth));
        return resolve_includes(std::move(tree), directory, depth);
    }

    // Relative to where the user stands when that is shorter to read.
    std::string display_name(const std::string& file) const {
        const std::string relative =
            fs::path(file).lexically_relative(options_.working_dir).string();
        return relative.empty() || relative.starts_with("..") ? file : relative;
    }

    Result<YamlNode> resolve_includes(YamlNode tree, const std::string& directory, int depth) {
        const YamlNode* includes = tree.find("include");
        if (!includes) return tree;
        YamlNode combined;
        for (const auto& include : includes->items) {
            const YamlNode* paths = include.is_mapping() ? include.find("path") : &include;
            if (!paths) return sources_.refuse(include.at, "an include needs a path");
            YamlNode part;
            for (const auto& path : to_sequence(*paths).items) {
                const std::string file = absolute_in(path.scalar, directory);
                if (!is_file(file))
                    return sources_.refuse(path.at, concat("included file ", file, " not found"));
                const YamlNode* own_directory = include.find("project_directory");
                const std::string base = own_directory
                                             ? absolute_in(own_directory->scalar, directory)
                                             : fs::path(file).parent_path().string();
                YamlNode included = TRY(load_file(file, base, depth + 1));
                rebase_paths(included, base);
                part = merge_files(std::move(part), included);
            }
            TRY(refuse_conflicts(combined, part));
            combined = merge_files(std::move(combined), part);
        }
        tree.erase("include");
        TRY(refuse_conflicts(combined, tree));
        return merge_files(std::move(combined), tree);
    }

    Result<> refuse_conflicts(const YamlNode& left, const YamlNode& right) {
        const YamlNode* first = left.find("services");
        const YamlNode* second = right.find("services");
        if (!first || !second) return {};
        for (const auto& member : second->members) {
            if (first->find(member.key)) {
                return sources_.refuse(member.at, concat("service \"", member.key,
                                                         "\" is defined by an included file, too"));
            }
        }
        return {};
    }

    // Paths of an included or extended file are relative to that file.
    void rebase_paths(YamlNode& tree, const std::string& directory) {
        if (YamlNode* services = tree.find("services")) {
            for (auto& service : services->members) rebase_service(service.value, directory);
        }
        for (const std::string_view section : {"secrets", "configs"}) {
            YamlNode* definitions = tree.find(section);
            if (!definitions) continue;
            for (auto& definition : definitions->members) {
                if (YamlNode* file = definition.value.find("file"))
                    file->scalar = absolute_in(file->scalar, directory);
            }
        }
    }

    void rebase_service(YamlNode& service, const std::string& directory) {
        const auto rebase = [&](YamlNode& path) {
            if (!path.scalar.starts_with('/') && !path.scalar.starts_with('~') &&
                path.scalar.find("://") == std::string::npos) {
                path.scalar = absolute_in(path.scalar, directory);
            }
        };
        if (YamlNode* build = service.find("build")) {
            *build = build_to_mapping(*build);
            if (YamlNode* where = build->find("context")) rebase(*where);
        }
        if (YamlNode* files = service.find("env_file")) {
            *files = to_sequence(*files);
            for (auto& file : files->items) {
                YamlNode* path = file.is_mapping() ? file.find("path") : &file;
                if (path) rebase(*path);
            }
        }
        if (YamlNode* volumes = service.find("volumes")) {
            for (auto& volume : volumes->items) {
                if (volume.is_scalar() && volume.scalar.starts_with('.')) {
                    volume.scalar =
                        absolute_in(volume.scalar.substr(0, volume.scalar.find(':')), directory) +
                        volume.scalar.substr(
                            std::min(volume.scalar.find(':'), volume.scalar.size()));
                } else if (YamlNode* source = volume.find("source");
                           source && source->scalar.starts_with('.')) {
                    rebase(*source);
                }
            }
        }
    }

    Result<> resolve_extends(YamlNode& tree, const std::string& file, const std::string& directory,
                             int depth) {
        YamlNode* services = tree.find("services");
        if (!services) return {};
        for (auto& service : services->members) {
            std::set<std::string> seen;
            service.value =
                TRY(extended(service.value, service.key, *services, file, directory, seen, depth));
        }
        return {};
    }

    Result<YamlNode> extended(const YamlNode& service, const std::string& name,
                              const YamlNode& siblings, const std::string& file,
                              const std::string& directory, std::set<std::string>& seen,
                              int depth) {
        const YamlNode* extends = service.find("extends");
        if (!extends) return service;
        if (!seen.insert(concat(file, "#", name)).second)
            return sources_.refuse(extends->at, "services extend each other in a circle");
        const YamlNode* base_name = extends->is_mapping() ? extends->find("service") : extends;
        const YamlNode* base_file = extends->find("file");
        if (!base_name) return sources_.refuse(extends->at, "extends needs a service");
        YamlNode base;
        if (base_file) {
            const std::string path = absolute_in(base_file->scalar, directory);
            if (!is_file(path))
                return sources_.refuse(base_file->at, concat("extended file ", path, " not found"));
            const std::string base_directory = fs::path(path).parent_path().string();
            YamlNode other = TRY(load_file(path, base_directory, depth + 1));
            rebase_paths(other, base_directory);
            const YamlNode* others = other.find("services");
            const YamlNode* found = others ? others->find(base_name->scalar) : nullptr;
            if (!found)
                return sources_.refuse(base_name->at,
                                       concat("no service \"", base_name->scalar, "\" in ", path));
            base = *found;
        } else {
            const YamlNode* found = siblings.find(base_name->scalar);
            if (!found)
                return sources_.refuse(base_name->at,
                                       concat("no service \"", base_name->scalar, "\" to extend"));
            base = TRY(extended(*found, base_name->scalar, siblings, file, directory, seen, depth));
        }
        YamlNode own = service;
        own.erase("extends");
        return merge_services(std::move(base), own);
    }

    Result<> name_project(const YamlNode& merged) {
        const YamlNode* in_file = merged.find("name");
        const auto from_shell = environment_.find("COMPOSE_PROJECT_NAME");
        if (!options_.project_name.empty()) {
            project_.name = options_.project_name;
        } else if (from_shell != environment_.end() && !from_shell->second.empty()) {
            project_.name = from_shell->second;
        } else if (in_file && !in_file->scalar.empty()) {
            project_.name = in_file->scalar;
        } else {
            project_.name =
                normalize_project_name(fs::path(project_.working_dir).filename().string());
        }
        if (project_.name.empty() || normalize_project_name(project_.name) != project_.name) {
            return Error(ErrorCode::InvalidArgument,
                         concat("invalid project name \"", project_.name, "\""))
                .with_hint(
                    "use lower case letters, digits, dashes and underscores, starting with a "
                    "letter or digit (-p NAME)");
        }
        return {};
    }

    Result<> take_sections(YamlNode& merged) {
        const std::pair<std::string_view, YamlNode*> sections[] = {{"networks", &project_.networks},
                                                                   {"volumes", &project_.volumes},
                                                                   {"secrets", &project_.secrets},
                                                                   {"configs", &project_.configs}};
        for (const auto& [key, into] : sections) {
            *into = YamlNode::mapping();
            if (YamlNode* section = merged.find(key); section && section->is_mapping())
                *into = std::move(*section);
            std::erase_if(into->members, [](const YamlNode::Member& member) {
                return member.key.starts_with("x-");
            });
        }
        YamlNode* services = merged.find("services");
        if (!services || services->members.empty())
            return fail(ErrorCode::InvalidArgument, display_name(project_.files.front()),
                        ": no service is defined");
        for (auto& member : services->members) {
            if (member.key.starts_with("x-")) continue;
            Service service;
            service.name = member.key;
            service.definition = std::move(member.value);
            service.definition.at = member.at;
            if (!service.definition.find("image") && !service.definition.find("build") &&
                !service.definition.find("provider")) {
                return sources_.refuse(member.at, concat("service \"", member.key,
                                                         "\" has neither an image nor a build"));
            }
            project_.services.push_back(std::move(service));
        }
        return {};
    }

    Result<> check_names(const YamlNode* used, const YamlNode& defined, std::string_view kind,
                         const Service& service) {
        if (!used) return {};
        std::vector<std::string> known;
        for (const auto& member : defined.members) known.push_back(member.key);
        const auto check = [&](const std::string& name, const codec::TextPosition& at) -> Result<> {
            if (defined.find(name)) return {};
            const auto near = nearest(name, known);
            return sources_.refuse(
                at, concat("service \"", service.name, "\" refers to ", kind, " \"", name,
                           "\", which is not defined",
                           near ? concat("; did you mean \"", *near, "\"?") : ""));
        };
        for (const auto& member : used->members) TRY(check(member.key, member.at));
        for (const auto& item : used->items) {
            const YamlNode* source = item.find("source");
            if (!source) continue;
            const YamlNode* type = item.find("type");
            if (type && type->scalar != "volume") continue;
            TRY(check(source->scalar, source->at));
        }
        return {};
    }

    Result<> check_references() {
        for (const auto& service : project_.services) {
            TRY(check_names(service.definition.find("networks"), project_.networks, "network",
                            service));
            TRY(check_names(service.definition.find("volumes"), project_.volumes, "volume",
                            service));
            TRY(check_names(service.definition.find("secrets"), project_.secrets, "secret",
                            service));
            TRY(check_names(service.definition.find("configs"), project_.configs, "config",
                            service));
            for (const auto& dependency : service.depends_on) {
                if (project_.find_service(dependency.service)) continue;
                const YamlNode* dependencies = service.definition.find("depends_on");
                codec::TextPosition at = service.definition.at;
                for (const auto& member :
                     dependencies ? dependencies->members : std::vector<YamlNode::Member>{})
                    if (member.key == dependency.service) at = member.at;
                return sources_.refuse(at, concat("service \"", service.name, "\" depends on \"",
                                                  dependency.service, "\", which is not defined"));
            }
        }
        return {};
    }

    Result<> check_cycles() {
        std::set<std::string> done;
        std::vector<std::string> path;
        for (const auto& service : project_.services) TRY(visit(service, done, path));
        return {};
    }

    Result<> visit(const Service& service, std::set<std::string>& done,
                   std::vector<std::string>& path) {
        if (done.contains(service.name)) return {};
        const auto again = std::find(path.begin(), path.end(), service.name);
        if (again != path.end()) {
            std::vector<std::string> circle(again, path.end());
            circle.push_back(service.name);
            return sources_.refuse(
                service.definition.at,
                concat("services depend on each other in a circle: ", join(circle, " -> ")));
        }
        path.push_back(service.name);
        for (const auto& dependency : service.depends_on) {
            if (const Service* next = project_.find_service(dependency.service))
                TRY(visit(*next, done, path));
        }
        path.pop_back();
        done.insert(service.name);
        return {};
    }

    Result<> apply_profiles() {
        std::set<std::string> active(options_.profiles.begin(), options_.profiles.end());
        const auto from_shell = environment_.find("COMPOSE_PROFILES");
        if (options_.profiles.empty() && from_shell != environment_.end()) {
            for (const auto& profile : split(from_shell->second, ','))
                active.insert(std::string(trim(profile)));
        }
        for (const auto& name : options_.services) {
            const Service* service = project_.find_service(name);
            if (service) active.insert(service->profiles.begin(), service->profiles.end());
        }
        std::vector<Service> enabled;
        for (auto& service : project_.services) {
            const bool is_enabled = service.profiles.empty() || active.contains("*") ||
                                    std::any_of(service.profiles.begin(), service.profiles.end(),
                                                [&](const auto& p) { return active.contains(p); });
            (is_enabled ? enabled : project_.disabled).push_back(std::move(service));
        }
        project_.services = std::move(enabled);
        for (auto& service : project_.services) {
            for (const auto& dependency : service.depends_on) {
                if (project_.find_service(dependency.service) || !dependency.required) continue;
                return sources_.refuse(
                    service.definition.at,
                    concat("service \"", service.name, "\" depends on \"", dependency.service,
                           "\", which no active profile enables"));
            }
            std::erase_if(service.depends_on,
                          [&](const Dependency& d) { return !project_.find_service(d.service); });
        }
        return {};
    }

    const LoadOptions& options_;
    Environment environment_;
    Sources sources_;
    Project project_;
};

}  // namespace

Result<Project> load_project(const LoadOptions& options) { return Loader(options).load(); }
bool has_compose_file(const LoadOptions& options) { return Loader(options).has_files(); }

}  // namespace berth::compose
