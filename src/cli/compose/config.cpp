#include <set>

#include "cli/commands.h"
#include "cli/compose/session.h"
#include "codec/json.h"
#include "compose/container_request.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

std::string lines_of(const std::set<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += name + "\n";
    return out;
}

std::set<std::string> keys_of(const codec::YamlNode& section) {
    std::set<std::string> out;
    for (const auto& member : section.members) out.insert(member.key);
    return out;
}

std::set<std::string> profiles_of(const compose::Project& project) {
    std::set<std::string> out;
    for (const auto* list : {&project.services, &project.disabled})
        for (const auto& service : *list)
            out.insert(service.profiles.begin(), service.profiles.end());
    return out;
}

Result<std::string> hashes_of(const compose::Project& project, const std::string& wanted) {
    std::string out;
    const auto names = split(wanted, ',');
    for (const auto& name : names)
        if (name != "*") TRY(compose::select_services(project, {name}, false));
    for (const auto& service : project.services) {
        const bool is_wanted =
            wanted == "*" || std::find(names.begin(), names.end(), service.name) != names.end();
        if (is_wanted) out += concat(service.name, " ", compose::config_hash(service), "\n");
    }
    return out;
}

// What is printed can be read again, so a dollar sign that is meant is written twice. Without
// interpolation they all stand as written.
std::string readable_again(const std::string& text, const Flags& flags) {
    return flags.is_set("no-interpolate") ? text : replace_all(text, "$", "$$");
}

// What the flags ask for: one list, or the whole project.
Result<std::string> config_text(const compose::Project& project, const Flags& flags) {
    std::set<std::string> names;
    if (flags.is_set("services")) {
        for (const auto& service : project.services) names.insert(service.name);
        return lines_of(names);
    }
    if (flags.is_set("images")) {
        for (const auto& service : project.services) names.insert(service.image(project.name));
        return lines_of(names);
    }
    if (flags.is_set("environment")) {
        for (const auto& [name, value] : project.environment)
            names.insert(concat(name, "=", value));
        return lines_of(names);
    }
    if (flags.is_set("volumes")) return lines_of(keys_of(project.volumes));
    if (flags.is_set("networks")) return lines_of(keys_of(project.networks));
    if (flags.is_set("profiles")) return lines_of(profiles_of(project));
    if (const std::string wanted = flags.text("hash"); !wanted.empty())
        return hashes_of(project, wanted);
    const std::string format = flags.text("format");
    if (format == "json")
        return readable_again(codec::dump_json_pretty(compose::to_json(project), 2) + "\n", flags);
    if (format == "yaml") return readable_again(compose::to_yaml(project), flags);
    return fail(ErrorCode::InvalidArgument, "--format ", format, ": want yaml or json");
}

Result<int> run_config(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project whole =
        TRY(load_project(context, *options, flags.arguments(), !flags.is_set("no-interpolate")));
    const compose::Project project = TRY(compose::select_services(whole, flags.arguments(), true));
    if (flags.is_set("quiet")) return 0;
    const std::string text = TRY(config_text(project, flags));
    if (const std::string path = flags.text("output"); !path.empty()) {
        TRY(sys::write_file_atomic(path, text).context("write ", path));
    } else {
        TRY(context.print(text));
    }
    return 0;
}

}  // namespace

std::vector<Command> compose_config_commands(const SharedComposeOptions& options) {
    return {Command{
        .name = "config",
        .arguments = "[SERVICE...]",
        .summary = "Check the project and print it in canonical form",
        .example = "berth compose config --services",
        .flags = {{"quiet", 'q', FlagKind::Bool, "Check only"},
                  {"services", 0, FlagKind::Bool, "Names of services"},
                  {"volumes", 0, FlagKind::Bool, "Names of volumes"},
                  {"networks", 0, FlagKind::Bool, "Names of networks"},
                  {"images", 0, FlagKind::Bool, "Names of images"},
                  {"profiles", 0, FlagKind::Bool, "Names of profiles"},
                  {"environment", 0, FlagKind::Bool, "Variables that interpolation sees"},
                  {"hash", 0, FlagKind::Text, "Hash of services, separated by commas (* for all)"},
                  {"format", 0, FlagKind::Text, "yaml or json", "yaml"},
                  {"output", 'o', FlagKind::Text, "Write to this file"},
                  {"no-interpolate", 0, FlagKind::Bool, "Leave variables as they are"}},
        .most = any_number,
        .run = [options](Context& context,
                         const Flags& flags) { return run_config(context, flags, options); },
        .aliases = {"convert"}}};
}

}  // namespace berth::cli
