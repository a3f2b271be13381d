#include "cli/commands.h"
#include "cli/compose/session.h"
#include "cli/interrupt.h"
#include "compose/build_request.h"

namespace berth::cli {

// A service's build is `berth build` with the flags that its section stands for, so that both show and do the same.
Result<> build_service(Context& context, const compose::Project& project, const compose::Service& service,
                       const ComposeOptions& options, const std::vector<std::string>& more) {
    const auto request = TRY(compose::build_request(project, service));
    const auto& build = request.options;
    std::vector<std::string> words;
    const auto add = [&](std::string flag, const std::string& value) {
        if (value.empty()) return;
        words.push_back(std::move(flag));
        words.push_back(value);
    };
    for (const auto& tag : build.tags) add("--tag", tag);
    const bool is_absolute = build.dockerfile.starts_with('/');
    if (!build.dockerfile.empty() && request.inline_dockerfile.empty()) {
        add("--file", is_absolute ? build.dockerfile : concat(request.context, "/", build.dockerfile));
    }
    add("--target", build.target);
    add("--platform", build.platform);
    add("--network", build.network_mode);
    for (const auto& [name, value] : build.build_args) add("--build-arg", value ? concat(name, "=", *value) : name);
    for (const auto& [name, value] : build.labels) add("--label", concat(name, "=", value));
    for (const auto& host : build.extra_hosts) add("--add-host", host);
    for (const auto& from : build.cache_from) add("--cache-from", from);
    if (build.no_cache) words.push_back("--no-cache");
    if (build.pull) words.push_back("--pull");
    if (options.host_ca) words.push_back("--host-ca");
    if (options.progress == "plain" || options.progress == "quiet") add("--progress", options.progress);
    words.insert(words.end(), more.begin(), more.end());
    if (!request.inline_dockerfile.empty()) {
        return fail(ErrorCode::Unsupported, "service \"", service.name, "\": dockerfile_inline is not supported; write it to a file");
    }
    if (!build.secrets.empty()) {
        // Files are passed by name; what comes from a variable is passed by the variable's name.
        const codec::YamlNode* secrets = service.definition.find("build")->find("secrets");
        for (const auto& secret : secrets->items) {
            const std::string name = secret.find("source")->scalar;
            const std::string id = secret.find("target") ? secret.find("target")->scalar : name;
            const codec::YamlNode& definition = *project.secrets.find(name);
            const codec::YamlNode* variable = definition.find("environment");
            add("--secret", variable ? concat("id=", id, ",env=", variable->scalar) : concat("id=", id, ",src=", definition.find("file")->scalar));
        }
    }
    words.push_back(request.context);
    const int code = TRY(run_other(context, build_command(), words).context("build ", service.name));
    if (code != 0) return fail(ErrorCode::Internal, "building ", service.name, " ended with status ", code);
    return {};
}

namespace {

Result<compose::Project> selected(Context& context, const ComposeOptions& options, const Flags& flags) {
    const compose::Project whole = TRY(load_project(context, options, flags.arguments()));
    return compose::select_services(whole, flags.arguments(), false);
}

Result<int> run_build(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(selected(context, *options, flags));
    std::vector<std::string> more;
    for (const auto& argument : flags.list("build-arg")) more.insert(more.end(), {"--build-arg", argument});
    for (const std::string name : {"no-cache", "pull", "quiet"})
        if (flags.is_set(name)) more.push_back("--" + name);
    int built = 0;
    for (const auto& service : project.services) {
        if (!service.has_build()) continue;
        TRY(build_service(context, project, service, *options, more));
        ++built;
    }
    if (built == 0) context.note("No services to build\n");
    return 0;
}

Result<int> run_pull(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(selected(context, *options, flags));
    int worst = 0;
    for (const auto& service : project.services) {
        if (service.has_build() && (flags.is_set("ignore-buildable") || !service.definition.find("image"))) continue;
        std::vector<std::string> words;
        if (flags.is_set("quiet")) words.push_back("-q");
        words.push_back(service.image(project.name));
        auto code = run_other(context, pull_command(), words);
        if (code.is_error() && !flags.is_set("ignore-pull-failures")) return std::move(code).context("service ", service.name);
        if (code && *code != 0) worst = *code;
    }
    return flags.is_set("ignore-pull-failures") ? 0 : worst;
}

Result<int> run_push(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(selected(context, *options, flags));
    int worst = 0;
    for (const auto& service : project.services) {
        if (!service.has_build() || !service.definition.find("image")) continue;
        std::vector<std::string> words;
        if (flags.is_set("quiet")) words.push_back("-q");
        words.push_back(service.image(project.name));
        const int code = TRY(run_other(context, push_command(), words).context("service ", service.name));
        if (code != 0) worst = code;
    }
    return worst;
}

}  // namespace

std::vector<Command> compose_image_commands(const SharedComposeOptions& options) {
    const Flag quiet{"quiet", 'q', FlagKind::Bool, "Show the result only"};
    return {Command{.name = "build", .arguments = "[SERVICE...]", .summary = "Build or rebuild images", .example = "berth compose build api",
                    .flags = {{"build-arg", 0, FlagKind::List, "Set a build argument"}, {"no-cache", 0, FlagKind::Bool, "Run every step anew"},
                              {"pull", 0, FlagKind::Bool, "Look for newer base images"}, quiet},
                    .most = any_number,
                    .run = [options](Context& context, const Flags& flags) { return run_build(context, flags, options); }},
            Command{.name = "pull", .arguments = "[SERVICE...]", .summary = "Pull the services' images", .example = "berth compose pull",
                    .flags = {quiet, {"ignore-pull-failures", 0, FlagKind::Bool, "Pull what can be had"},
                              {"ignore-buildable", 0, FlagKind::Bool, "Leave out images that can be built"}},
                    .most = any_number,
                    .run = [options](Context& context, const Flags& flags) { return run_pull(context, flags, options); }},
            Command{.name = "push", .arguments = "[SERVICE...]", .summary = "Push the services' images", .example = "berth compose push api",
                    .flags = {quiet}, .most = any_number,
                    .run = [options](Context& context, const Flags& flags) { return run_push(context, flags, options); }}};
}

}  // namespace berth::cli
