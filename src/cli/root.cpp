#include <algorithm>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/help.h"
#include "cli/manual.h"

namespace berth::cli {

namespace {

// The same verb under another name, for groups: "rmi" is "image rm".
Command named(Command command, std::string_view name, std::vector<std::string_view> aliases = {}) {
    command.name = name;
    command.aliases = std::move(aliases);
    return command;
}

Command container_group() {
    return {.name = "container",
            .summary = "Manage containers",
            .children = {attach_command(),
                         commit_command(),
                         cp_command(),
                         create_command(),
                         diff_command(),
                         exec_command(),
                         export_command(),
                         inspect_container_command(),
                         kill_command(),
                         logs_command(),
                         named(ps_command(), "ls", {"ps", "list"}),
                         pause_command(),
                         port_command(),
                         prune_containers_command(),
                         rename_command(),
                         restart_command(),
                         rm_command(),
                         run_command(),
                         start_command(),
                         stats_command(),
                         stop_command(),
                         top_command(),
                         unpause_command(),
                         update_command(),
                         wait_command(),
                         why_command()}};
}

Command image_group() {
    return {
        .name = "image",
        .summary = "Manage images",
        .children = {bootstrap_command(), build_command(), image_copy_command(), history_command(),
                     import_command(), image_diff_command(), image_layers_command(),
                     inspect_image_command(), load_command(),
                     named(images_command(), "ls", {"list"}), pin_command(), prune_images_command(),
                     pull_command(), push_command(), named(rmi_command(), "rm", {"remove"}),
                     save_command(), tag_command(), unpin_command()}};
}

Result<int> run_help(Context& context, const Flags& flags) {
    const Command* command = &root_command();
    std::string path = "berth";
    if (const std::string shell = flags.text("completion"); !shell.empty()) {
        const std::string script = completion_script(*command, shell);
        if (script.empty())
            return fail(ErrorCode::InvalidArgument, "no completion for \"", shell,
                        "\": bash, zsh and fish are known");
        TRY(context.print(script));
        return 0;
    }
    for (const auto& word : flags.arguments()) {
        const Command* child = command->find_child(word);
        if (child == nullptr)
            return fail(ErrorCode::InvalidArgument, "'", word, "' is not a command of ", path);
        command = child;
        path += concat(" ", child->name);
    }
    TRY(context.print(flags.is_set("man") ? man_page(*command, path) : help_text(*command, path)));
    return 0;
}

Command make_root() {
    return {.name = "berth",
            .summary = "Build, ship and run applications in containers",
            .flags = global_flags(),
            .children = {run_command(),
                         exec_command(),
                         ps_command(),
                         build_command(),
                         pull_command(),
                         push_command(),
                         images_command(),
                         login_command(),
                         logout_command(),
                         version_command(),
                         info_command(),
                         attach_command(),
                         commit_command(),
                         cp_command(),
                         create_command(),
                         diff_command(),
                         events_command(),
                         export_command(),
                         help_command(),
                         history_command(),
                         import_command(),
                         inspect_command(),
                         kill_command(),
                         load_command(),
                         logs_command(),
                         pause_command(),
                         port_command(),
                         rename_command(),
                         restart_command(),
                         named(rm_command(), "rm"),
                         named(rmi_command(), "rmi"),
                         save_command(),
                         search_command(),
                         start_command(),
                         stats_command(),
                         stop_command(),
                         tag_command(),
                         top_command(),
                         unpause_command(),
                         update_command(),
                         why_command(),
                         wait_command(),
                         builder_group(),
                         compose_group(),
                         container_group(),
                         image_group(),
                         manifest_group(),
                         network_group(),
                         system_group(),
                         volume_group()}};
}

}  // namespace

Command help_command() {
    return {.name = "help",
            .arguments = "[COMMAND...]",
            .summary = "Show help for a command",
            .example = "berth help network create",
            .flags = {{.name = "completion",
                       .kind = FlagKind::Text,
                       .help = "Print the completion script for bash, zsh or fish"},
                      {.name = "man", .help = "As a manual page"}},
            .least = 0,
            .most = any_number,
            .run = run_help};
}

const Command& root_command() {
    static const Command root = [] {
        Command made = make_root();
        // "berth ls" and "berth rm" as spellings of other verbs belong into the groups only.
        for (Command& child : made.children) {
            if (child.children.empty()) child.aliases.clear();
        }
        return made;
    }();
    return root;
}

}  // namespace berth::cli
