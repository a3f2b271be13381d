#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/context.h"
#include "compose/observed.h"
#include "compose/project.h"

namespace berth::cli {

/// The flags between "compose" and the verb.
struct ComposeOptions {
    std::vector<std::string> files, profiles, env_files;
    std::string project_name, project_directory, progress;
    bool host_ca = false;
};
using SharedComposeOptions = std::shared_ptr<ComposeOptions>;

/// Reads the options that every compose verb shares.
Result<> enter_compose(ComposeOptions& options, const Flags& flags);

/// Finds and loads the project; warnings go to standard error, once each. `services` are those
/// named on the command line: their profiles count as active, and NotFound is returned for one that
/// does not exist.
Result<compose::Project> load_project(Context& context, const ComposeOptions& options,
                                      const std::vector<std::string>& services = {},
                                      bool interpolate = true);

/// load_project(), or, when no compose file is there but a project is named (-p,
/// COMPOSE_PROJECT_NAME), the project as the engine's labels tell it: enough for verbs that work on
/// what exists.
Result<compose::Project> load_or_find_project(Context& context, const ComposeOptions& options,
                                              const std::vector<std::string>& services = {});

/// Runs another command of ours with these words, as if they had been typed behind it.
Result<int> run_other(Context& context, const Command& command,
                      const std::vector<std::string>& words);

/// The containers of the named services, or of all of the project's.
Result<std::vector<compose::ObservedContainer>> containers_of(
    Context& context, const compose::Project& project, const std::vector<std::string>& services);

/// The `index`th running container of a service. NotFound with a hint when it does not run.
Result<compose::ObservedContainer> running_container(Context& context,
                                                     const compose::Project& project,
                                                     const std::string& service, int index);

/// Builds a service's image with the flags of `berth build` that its section stands for, and `more`
/// behind them.
Result<> build_service(Context& context, const compose::Project& project,
                       const compose::Service& service, const ComposeOptions& options,
                       const std::vector<std::string>& more);

/// What stands in front of a line of output: the container's name without the project's, all
/// equally wide.
class LogPrefix {
public:
    struct Options {
        bool is_shown = true, has_colour = false;
    };
    LogPrefix(const std::string& project, const std::vector<compose::ObservedContainer>& containers,
              Options options);
    std::string of(const std::string& container) const;

private:
    std::map<std::string, std::string> texts_;
};

// One group of verbs each; the functions stand in the files named so.
std::vector<Command> compose_up_commands(const SharedComposeOptions& options);
std::vector<Command> compose_verb_commands(const SharedComposeOptions& options);
std::vector<Command> compose_image_commands(const SharedComposeOptions& options);
std::vector<Command> compose_process_commands(const SharedComposeOptions& options);
std::vector<Command> compose_view_commands(const SharedComposeOptions& options);
std::vector<Command> compose_output_commands(const SharedComposeOptions& options);
std::vector<Command> compose_config_commands(const SharedComposeOptions& options);

}  // namespace berth::cli
