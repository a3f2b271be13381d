#include <algorithm>
#include <cerrno>
#include <csignal>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/help.h"
#include "cli/interrupt.h"

// From a command line to the verb that answers it.
namespace berth::cli {

namespace {

constexpr int usage_error = 125;

// How many words belong to the flags in front of the verb.
std::size_t count_flag_words(const std::vector<Flag>& flags,
                             const std::vector<std::string>& words) {
    std::size_t at = 0;
    while (at < words.size() && words[at].starts_with('-') && words[at].size() > 1) {
        const std::string& word = words[at++];
        if (word.find('=') != std::string::npos) continue;
        for (const Flag& flag : flags) {
            const bool matches =
                word == concat("--", flag.name) || (word.size() == 2 && word[1] == flag.letter);
            if (matches && flag.kind != FlagKind::Bool && at < words.size()) ++at;
        }
    }
    return at;
}

bool wants_help(const Command& command, const std::vector<std::string>& words) {
    const bool has_letter = std::any_of(command.flags.begin(), command.flags.end(),
                                        [](const Flag& f) { return f.letter == 'h'; });
    for (const auto& word : words) {
        if (word == "--help" || (word == "-h" && !has_letter)) return true;
        // What follows belongs to the container's own command.
        if (word == "--" || (command.stop_at_first && !word.starts_with('-'))) return false;
    }
    return false;
}

Error unknown_command(const Command& group, const std::string& word, const std::string& path) {
    std::vector<std::string> names;
    for (const Command& child : group.children) {
        if (!child.hidden) names.emplace_back(child.name);
    }
    auto error = fail(ErrorCode::InvalidArgument, "'", word, "' is not a command of ", path);
    const auto close = nearest(word, names);
    return std::move(error).with_hint(close ? concat("did you mean '", path, " ", *close, "'?")
                                            : concat("see '", path, " --help'"));
}

Result<> check_count(const Command& command, const std::string& path, const Flags& flags) {
    const std::size_t count = flags.argument_count();
    if (count >= command.least && count <= command.most) return {};
    const std::string wanted = command.most == any_number ? concat("at least ", command.least)
                               : command.least == command.most
                                   ? concat(command.least)
                                   : concat(command.least, " to ", command.most);
    if (command.most == 0)
        return fail(ErrorCode::InvalidArgument, "'", path, "' takes no arguments");
    return fail(ErrorCode::InvalidArgument, "'", path, "' takes ", wanted, " argument",
                wanted == "1" || wanted == "at least 1" ? "" : "s", ", not ", count);
}

int refuse(Context& context, Error error, const Command& command, const std::string& path,
           int code) {
    if (error.hint().empty()) error = std::move(error).with_hint(concat("see '", path, " --help'"));
    context.complain(error);
    if (command.children.empty()) context.note(concat("\n", usage_line(command, path), "\n"));
    return code;
}

int run_parsed(Context& context, const Command& command, const std::string& path,
               const std::vector<std::string>& words) {
    if (wants_help(command, words)) {
        context.print(help_text(command, path)).ignore("nobody reads it");
        return 0;
    }
    auto flags = parse_flags(command.flags, words, command.stop_at_first);
    if (!flags) return refuse(context, std::move(flags).error(), command, path, usage_error);
    if (auto counted = check_count(command, path, *flags); !counted) {
        return refuse(context, std::move(counted).error(), command, path, command.error_code);
    }
    auto code = command.run(context, *flags);
    if (code) return *code;
    if (code.error().is(ErrorCode::Cancelled)) return Interrupt::exit_code();
    // `berth logs | head`: whoever read us has seen enough.
    if (code.error().error_number() == EPIPE) return command.error_code;
    context.complain(code.error());
    return command.error_code;
}

// Takes a group's own flags off the front of `rest`; 0, or the exit code.
int enter_group(Context& context, const Command& group, const std::string& path,
                std::vector<std::string>& rest) {
    const auto count = count_flag_words(group.flags, rest);
    const std::vector<std::string> head(rest.begin(), rest.begin() + count);
    if (std::find(head.begin(), head.end(), "--help") != head.end()) {
        rest = {"--help"};
        return 0;
    }
    auto flags = parse_flags(group.flags, head, false);
    if (!flags) return refuse(context, std::move(flags).error(), group, path, usage_error);
    rest.erase(rest.begin(), rest.begin() + count);
    if (!group.enter) return 0;
    auto entered = group.enter(context, *flags);
    if (entered) return 0;
    context.complain(entered.error());
    return group.error_code;
}

Result<> apply_global(Context& context, const Flags& flags) {
    if (flags.has("host")) context.set_host(flags.list("host").back());
    if (flags.has("config")) context.set_config_folder(flags.text("config"));
    const std::string always = context.variable("BERTH_DOCKER_DEFAULTS");
    if (flags.is_set("docker-defaults") || always == "1" || always == "true")
        context.set_docker_defaults(true);
    const std::string name = flags.text("context");
    if (!name.empty() && name != "default") {
        return fail(ErrorCode::NotFound, "there is no context \"", name, "\"")
            .with_hint("use -H or BERTH_HOST to choose an engine");
    }
    return {};
}

}  // namespace

int run_command_line(std::vector<std::string> words, client::Environment environment) {
    // A reader that leaves (`berth logs | head`) is told by write's error, not by a signal.
    std::signal(SIGPIPE, SIG_IGN);
    Context context(std::move(environment));
    const std::size_t global_words = count_flag_words(global_flags(), words);
    const std::vector<std::string> head(words.begin(), words.begin() + global_words);
    std::vector<std::string> rest(words.begin() + global_words, words.end());
    auto global = parse_flags(global_flags(), head, false);
    const Command& root = root_command();
    if (!global) return refuse(context, std::move(global).error(), root, "berth", usage_error);
    if (auto applied = apply_global(context, *global); !applied) {
        context.complain(applied.error());
        return 1;
    }
    if (global->is_set("version")) {
        context.print("Berth version " BERTH_VERSION "\n").ignore("nobody reads it");
        return 0;
    }
    const Command* command = &root;
    std::string path = "berth";
    while (!command->children.empty()) {
        if (rest.empty() || global->is_set("help") || rest[0] == "--help" || rest[0] == "-h") {
            context.print(help_text(*command, path)).ignore("nobody reads it");
            return 0;
        }
        if (command != &root && (command->enter || rest[0].starts_with('-'))) {
            if (const int code = enter_group(context, *command, path, rest); code != 0) return code;
            if (rest.empty() || rest[0] == "--help" || rest[0] == "-h") continue;
        }
        const Command* child = command->find_child(rest[0]);
        if (child == nullptr) {
            return refuse(context, unknown_command(*command, rest[0], path), *command, path, 1);
        }
        path += concat(" ", child->name);
        command = child;
        rest.erase(rest.begin());
    }
    return run_parsed(context, *command, path, rest);
}

}  // namespace berth::cli
