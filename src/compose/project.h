#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/yaml.h"
#include "compose/interpolate.h"
#include "compose/sources.h"

namespace berth::compose {

/// What a service waits for before it starts.
enum class Condition : std::uint8_t { Started, Healthy, CompletedSuccessfully };
std::string_view to_string(Condition condition);

struct Dependency {
    std::string service;
    Condition condition = Condition::Started;
    /// Restart the dependent when the dependency is recreated or restarted by compose.
    bool restart = false;
    /// When false, a missing dependency is only a warning.
    bool required = true;
};

/// One service. `definition` is canonical: every short form is expanded, every path absolute, env
/// files are read.
struct Service {
    std::string name;
    codec::YamlNode definition;
    std::vector<Dependency> depends_on;
    std::vector<std::string> profiles;
    int replicas = 1;

    bool has_build() const { return definition.find("build") != nullptr; }
    /// The image to run: `image`, or PROJECT-SERVICE for one that is only built.
    std::string image(std::string_view project) const;
    /// The container's name without its number, when the file fixes it.
    std::string container_name() const;
};

/// A loaded, checked project. Mappings `networks`, `volumes`, `secrets`, `configs` are canonical:
/// every definition has its full `name`, or a `file`.
struct Project {
    std::string name;
    std::string working_dir;
    std::vector<std::string> files;
    std::vector<Service> services;
    /// Services left out because none of their profiles is active.
    std::vector<Service> disabled;
    codec::YamlNode networks;
    codec::YamlNode volumes;
    codec::YamlNode secrets;
    codec::YamlNode configs;
    Environment environment;
    Warnings warnings;
    /// {uid, gid} whose files the containers make in bind mounts; nullopt leaves the numbers as
    /// they are.
    std::optional<std::array<int, 2>> files_owner;
    /// What services leave open is as for Berth's own verbs.
    bool berth_defaults = false;

    const Service* find_service(std::string_view name) const;
};

struct LoadOptions {
    /// Compose files in order; "-" is standard input. Empty: COMPOSE_FILE, or the usual names in
    /// `working_dir` and above.
    std::vector<std::string> files;
    std::string project_directory;
    std::string project_name;
    std::vector<std::string> profiles;
    std::vector<std::string> env_files;
    /// The shell's environment.
    Environment environment;
    /// The directory the command runs in.
    std::string working_dir;
    bool interpolate = true;
    /// Services named on the command line; their profiles count as active.
    std::vector<std::string> services;
};

/// Reads, interpolates, merges, checks and normalises a project. Every mistake in a file is
/// reported with file, line, column and a caret. NotFound when there is no compose file.
Result<Project> load_project(const LoadOptions& options);
/// Whether load_project() has a file to read: one was named, or one of the usual names is there.
bool has_compose_file(const LoadOptions& options);

/// Canonical YAML as `compose config` prints it.
std::string to_yaml(const Project& project);
codec::Json to_json(const Project& project);

/// Services in an order in which every one stands behind its dependencies. The loader has refused
/// cycles.
std::vector<const Service*> in_dependency_order(const Project& project);

/// The project restricted to `names` and, unless `with_dependencies` is false, everything they
/// depend on. NotFound for a service that the project does not have.
Result<Project> select_services(const Project& project, const std::vector<std::string>& names,
                                bool with_dependencies);

/// Lower case, and only letters, digits, dashes and underscores, as Docker wants project names.
std::string normalize_project_name(std::string_view name);

}  // namespace berth::compose
