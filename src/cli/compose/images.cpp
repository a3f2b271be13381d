#include <set>

#include "cli/commands.h"
#include "cli/compose/session.h"
#include "cli/interrupt.h"
#include "compose/build_request.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::cli {

// A service's build is `berth build` with the flags that its section stands for, so that both show
// and do the same.
Result<> build_service(Context& context, const compose::Project& project,
                       const compose::Service& service, const ComposeOptions& options,
                       const std::vector<std::string>& more) {
    const auto request = TRY(compose::build_request(project, service));
    const auto& build = request.options;
    std::vector<std::string> words;
    const auto add = [&](std::string flag, const std::string& value) {
        if (value.empty()) return;
        words.push_back(std::move(flag));
        words.push_back(value);
    };
    for (const auto& tag : build.tags) add("--tag", tag);
    // A Dockerfile inside of the compose file lies beside the context for as long as the build
    // takes.
    std::optional<sys::TempDir> scratch;
    if (!request.inline_dockerfile.empty()) {
        if (!build.remote.empty()) {
            return fail(ErrorCode::Unsupported, "service \"", service.name,
                        "\": dockerfile_inline with a context that is a URL is not supported")
                .with_hint("clone it, and name the folder as the context");
        }
        scratch = TRY(sys::TempDir::create());
        const std::string path = scratch->path() + "/Dockerfile";
        TRY(sys::write_file_atomic(path, request.inline_dockerfile)
                .context("dockerfile_inline of ", service.name));
        add("--file", path);
    } else if (!build.dockerfile.empty()) {
        const bool is_absolute = build.dockerfile.starts_with('/');
        add("--file", is_absolute || !build.remote.empty()
                          ? build.dockerfile
                          : concat(request.context, "/", build.dockerfile));
    }
    add("--target", build.target);
    add("--platform", build.platform);
    add("--network", build.network_mode);
    for (const auto& [name, value] : build.build_args)
        add("--build-arg", value ? concat(name, "=", *value) : name);
    for (const auto& [name, value] : build.labels) add("--label", concat(name, "=", value));
    for (const auto& host : build.extra_hosts) add("--add-host", host);
    for (const auto& from : build.cache_from) add("--cache-from", from);
    if (build.shm_size > 0) add("--shm-size", std::to_string(build.shm_size));
    if (build.no_cache) words.push_back("--no-cache");
    if (build.pull) words.push_back("--pull");
    if (options.host_ca) words.push_back("--host-ca");
    if (options.progress == "plain" || options.progress == "quiet")
        add("--progress", options.progress);
    words.insert(words.end(), more.begin(), more.end());
    if (!build.secrets.empty()) {
        // Files are passed by name; what comes from a variable is passed by the variable's name.
        const codec::YamlNode* secrets = service.definition.find("build")->find("secrets");
        for (const auto& secret : secrets->items) {
            const std::string name = secret.find("source")->scalar;
            const std::string id = secret.find("target") ? secret.find("target")->scalar : name;
            const codec::YamlNode& definition = *project.secrets.find(name);
            const codec::YamlNode* variable = definition.find("environment");
            add("--secret", variable ? concat("id=", id, ",env=", variable->scalar)
                                     : concat("id=", id, ",src=", definition.find("file")->scalar));
        }
    }
    words.push_back(request.context);
    const int code =
        TRY(run_other(context, build_command(), words).context("build ", service.name));
    if (code != 0)
        return fail(ErrorCode::Internal, "building ", service.name, " ended with status ", code);
    return {};
}

namespace {

/// The services named, with --include-deps also what they depend on.
Result<compose::Project> selected(Context& context, const ComposeOptions& options,
                                  const Flags& flags) {
    const compose::Project whole = TRY(load_project(context, options, flags.arguments()));
    return compose::select_services(whole, flags.arguments(), flags.is_set("include-deps"));
}

Result<int> run_build(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project whole = TRY(load_project(context, *options, flags.arguments()));
    const compose::Project project =
        TRY(compose::select_services(whole, flags.arguments(), flags.is_set("with-dependencies")));
    std::vector<std::string> more;
    for (const auto& argument : flags.list("build-arg"))
        more.insert(more.end(), {"--build-arg", argument});
    for (const std::string name : {"no-cache", "pull", "quiet"})
        if (flags.is_set(name)) more.push_back("--" + name);
    if (flags.has("progress")) more.insert(more.end(), {"--progress", flags.text("progress")});
    if (flags.has("memory")) more.insert(more.end(), {"--memory", flags.text("memory")});
    int built = 0;
    for (const auto& service : project.services) {
        if (!service.has_build()) continue;
        TRY(build_service(context, project, service, *options, more));
        if (flags.is_set("push") && service.definition.find("image")) {
            const int code = TRY(run_other(context, push_command(), {service.image(project.name)})
                                     .context("service ", service.name));
            if (code != 0) return code;
        }
        ++built;
    }
    if (built == 0) context.note("No services to build\n");
    return 0;
}

Result<int> run_pull(Context& context, const Flags& flags, const SharedComposeOptions& options) {
    const compose::Project project = TRY(selected(context, *options, flags));
    int worst = 0;
    const std::string policy = flags.text("policy");
    if (!policy.empty() && policy != "missing" && policy != "always") {
        return fail(ErrorCode::InvalidArgument, "--policy ", policy, ": want missing or always");
    }
    const client::Client* engine = TRY(context.engine());
    std::set<std::string> done;
    for (const auto& service : project.services) {
        if (service.has_build() &&
            (flags.is_set("ignore-buildable") || !service.definition.find("image")))
            continue;
        if (!done.insert(service.image(project.name)).second) continue;
        if (policy == "missing" && engine->inspect_image(service.image(project.name))) continue;
        std::vector<std::string> words;
        if (flags.is_set("quiet")) words.push_back("-q");
        words.push_back(service.image(project.name));
        auto code = run_other(context, pull_command(), words);
        const bool is_cancelled = code.is_error() && code.error().is(ErrorCode::Cancelled);
        if (code.is_error() && (is_cancelled || !flags.is_set("ignore-pull-failures")))
            return std::move(code).context("service ", service.name);
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
        auto code = run_other(context, push_command(), words);
        if (code.is_error() && !flags.is_set("ignore-push-failures"))
            return std::move(code).context("service ", service.name);
        if (code && *code != 0 && !flags.is_set("ignore-push-failures")) worst = *code;
    }
    return worst;
}

}  // namespace

std::vector<Command> compose_image_commands(const SharedComposeOptions& options) {
    const Flag quiet{"quiet", 'q', FlagKind::Bool, "Show the result only"};
    const Flag include_deps{"include-deps", 0, FlagKind::Bool, "What the services depend on, too"};
    return {
        Command{
            .name = "build",
            .arguments = "[SERVICE...]",
            .summary = "Build or rebuild images",
            .example = "berth compose build api",
            .flags =
                {{"build-arg", 0, FlagKind::List, "Set a build argument"},
                 {"no-cache", 0, FlagKind::Bool, "Run every step anew"},
                 {"pull", 0, FlagKind::Bool, "Look for newer base images"},
                 quiet,
                 {"push", 0, FlagKind::Bool, "Push what was built"},
                 {"with-dependencies", 0, FlagKind::Bool, "Build what the services depend on, too"},
                 {"progress", 0, FlagKind::Text, "auto, plain, tty, quiet or rawjson"},
                 {"memory", 'm', FlagKind::Text, "Memory limit of a step"},
                 {"builder", 0, FlagKind::Text, "Accepted for docker compose's sake", {}, true},
                 {"force-rm", 0, FlagKind::Bool, "Accepted for docker compose's sake", {}, true},
                 {"parallel", 0, FlagKind::Bool, "Accepted for docker compose's sake", {}, true}},
            .most = any_number,
            .run = [options](Context& context,
                             const Flags& flags) { return run_build(context, flags, options); }},
        Command{
            .name = "pull",
            .arguments = "[SERVICE...]",
            .summary = "Pull the services' images",
            .example = "berth compose pull",
            .flags = {quiet,
                      {"ignore-pull-failures", 0, FlagKind::Bool, "Pull what can be had"},
                      {"ignore-buildable", 0, FlagKind::Bool, "Leave out images that can be built"},
                      {"policy", 0, FlagKind::Text, "missing: only what is not there; always"},
                      include_deps},
            .most = any_number,
            .run = [options](Context& context,
                             const Flags& flags) { return run_pull(context, flags, options); }},
        Command{.name = "push",
                .arguments = "[SERVICE...]",
                .summary = "Push the services' images",
                .example = "berth compose push api",
                .flags = {quiet,
                          include_deps,
                          {"ignore-push-failures", 0, FlagKind::Bool, "Push what can be pushed"}},
                .most = any_number,
                .run = [options](Context& context, const Flags& flags) {
                    return run_push(context, flags, options);
                }}};
}

}  // namespace berth::cli
