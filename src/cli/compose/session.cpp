#include "cli/compose/session.h"

#include <filesystem>

#include "cli/files_owner.h"
#include "compose/running_project.h"

namespace berth::cli {

Result<> enter_compose(ComposeOptions& options, const Flags& flags) {
    options.files = flags.list("file");
    options.profiles = flags.list("profile");
    options.env_files = flags.list("env-file");
    options.project_name = flags.text("project-name");
    options.project_directory = flags.text("project-directory");
    options.progress = flags.text("progress");
    options.host_ca = flags.is_set("host-ca");
    return {};
}

namespace {

Result<compose::LoadOptions> load_options(const Context& context, const ComposeOptions& options,
                                          const std::vector<std::string>& services) {
    compose::LoadOptions load;
    load.files = options.files;
    load.profiles = options.profiles;
    load.env_files = options.env_files;
    load.project_name = options.project_name;
    load.project_directory = options.project_directory;
    std::error_code error;
    load.working_dir = std::filesystem::current_path(error).string();
    if (error) return fail(ErrorCode::NotFound, "the working directory is gone");
    for (const auto& [name, value] : context.environment()) load.environment[name] = value;
    load.services = services;
    return load;
}

}  // namespace

Result<compose::Project> load_project(Context& context, const ComposeOptions& options,
                                      const std::vector<std::string>& services, bool interpolate) {
    auto load = TRY(load_options(context, options, services));
    load.interpolate = interpolate;
    compose::Project project = TRY(compose::load_project(load));
    project.files_owner = files_owner(context);
    project.berth_defaults = !context.docker_defaults();
    for (const auto& warning : project.warnings) context.warn(warning);
    if (!services.empty()) TRY(compose::select_services(project, services, true));
    return project;
}

Result<compose::Project> load_or_find_project(Context& context, const ComposeOptions& options,
                                              const std::vector<std::string>& services) {
    const std::string name = options.project_name.empty() ? context.variable("COMPOSE_PROJECT_NAME")
                                                          : options.project_name;
    const auto load = TRY(load_options(context, options, services));
    if (name.empty() || compose::has_compose_file(load))
        return load_project(context, options, services);
    const client::Client* engine = TRY(context.engine());
    compose::Project project = TRY(compose::running_project(*engine, name));
    if (!services.empty()) TRY(compose::select_services(project, services, false));
    return project;
}

Result<int> run_other(Context& context, const Command& command,
                      const std::vector<std::string>& words) {
    const Flags flags = TRY(parse_flags(command.flags, words, command.stop_at_first));
    return command.run(context, flags);
}

Result<std::vector<compose::ObservedContainer>> containers_of(
    Context& context, const compose::Project& project, const std::vector<std::string>& services) {
    const client::Client* engine = TRY(context.engine());
    auto containers = TRY(compose::observe_containers(*engine, project.name));
    if (!services.empty()) {
        std::erase_if(containers, [&](const compose::ObservedContainer& container) {
            return std::find(services.begin(), services.end(), container.service) == services.end();
        });
    }
    return containers;
}

Result<compose::ObservedContainer> running_container(Context& context,
                                                     const compose::Project& project,
                                                     const std::string& service, int index) {
    TRY(compose::select_services(project, {service}, false));
    for (auto& container : TRY(containers_of(context, project, {service}))) {
        if (container.is_running() && (index == 0 || container.number == index))
            return std::move(container);
    }
    return Error(ErrorCode::NotFound, concat("service \"", service, "\" is not running"))
        .with_hint(concat("start it with `berth compose up -d ", service, "`"));
}

}  // namespace berth::cli
