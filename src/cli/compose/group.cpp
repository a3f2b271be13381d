#include "cli/commands.h"
#include "cli/compose/session.h"

namespace berth::cli {

Command compose_group() {
    const auto options = std::make_shared<ComposeOptions>();
    Command group{
        .name = "compose",
        .arguments = "COMMAND",
        .summary = "Define and run applications of several services",
        .example = "berth compose up -d --wait",
        .flags = {
            {"file", 'f', FlagKind::List, "Compose file; several are merged"},
            {"project-name", 'p', FlagKind::Text, "Name of the project"},
            {"project-directory", 0, FlagKind::Text, "Working directory of the project"},
            {"profile", 0, FlagKind::List, "Enable a profile (* for all)"},
            {"env-file", 0, FlagKind::List, "Variables for interpolation, instead of .env"},
            {"progress", 0, FlagKind::Text, "How progress is shown (auto, tty, plain, quiet)",
             "auto"},
            {"host-ca", 0, FlagKind::Bool, "Trust the host's CA certificates in builds"},
            {"ansi", 0, FlagKind::Text, "Accepted for docker compose's sake", {}, true},
            {"compatibility", 0, FlagKind::Bool, "Accepted for docker compose's sake", {}, true},
            {"parallel", 0, FlagKind::Number, "Accepted for docker compose's sake", {}, true}}};
    group.enter = [options](Context&, const Flags& flags) {
        return enter_compose(*options, flags);
    };
    for (auto* part : {&compose_up_commands, &compose_verb_commands, &compose_image_commands,
                       &compose_process_commands, &compose_view_commands, &compose_output_commands,
                       &compose_config_commands}) {
        for (auto& command : (*part)(options)) group.children.push_back(std::move(command));
    }
    return group;
}

}  // namespace berth::cli
