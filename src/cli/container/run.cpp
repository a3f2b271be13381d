#include <fcntl.h>

#include "cli/commands.h"
#include "cli/container/api_socket.h"
#include "cli/container/create_request.h"
#include "cli/container/exit_code.h"
#include "cli/container/relay.h"
#include "cli/image/pull.h"
#include "oci/reference.h"
#include "sys/file.h"

// create -> attach -> wait -> start: whatever the container prints or however fast it ends, nothing
// is missed.
namespace berth::cli {

namespace {

bool is_missing_image(const Error& error) {
    return error.is(ErrorCode::NotFound) &&
           error.message().find("No such image") != std::string::npos;
}

Result<> check_cid_file(const std::string& path) {
    if (path.empty() || !sys::exists(path)) return {};
    return fail(ErrorCode::AlreadyExists, "the file for the container's id exists already: ", path)
        .with_hint("remove it, or give another --cidfile");
}

Result<std::string> create(Context& context, const Flags& flags,
                           const api::ContainerCreateRequest& request) {
    const auto* engine = TRY(context.engine());
    const std::string policy = flags.text("pull"), platform = flags.text("platform");
    if (policy != "always" && policy != "missing" && policy != "never") {
        return fail(ErrorCode::InvalidArgument, "--pull takes always, missing or never, not \"",
                    policy, "\"");
    }
    TRY(check_cid_file(request.host_config.container_id_file));
    const PullOptions pull{.platform = platform, .quiet = flags.is_set("quiet"), .to_stderr = true};
    if (policy == "always") TRY(pull_image(context, request.config.image, pull));
    auto created = engine->create_container(request, flags.text("name"), platform);
    if (!created && policy == "missing" && is_missing_image(created.error())) {
        const auto name = TRY(oci::Reference::parse(request.config.image)).with_default_tag();
        if (!pull.quiet)
            context.note(concat("Unable to find image '", name.familiar(), "' locally\n"));
        TRY(pull_image(context, request.config.image, pull));
        created = engine->create_container(request, flags.text("name"), platform);
    }
    const auto answer = TRY(std::move(created));
    if (flags.is_set("use-api-socket")) {
        auto copied = copy_logins(context, answer.id);
        if (copied.is_error()) {
            engine->remove_container(answer.id, {.force = true, .volumes = true})
                .ignore("what went wrong first is said");
            return std::move(copied).error();
        }
    }
    for (const auto& warning : answer.warnings) context.warn(warning);
    if (const auto& path = request.host_config.container_id_file; !path.empty()) {
        const auto file =
            TRY(sys::open(path, O_WRONLY | O_CREAT | O_EXCL, 0644).context("--cidfile ", path));
        TRY(sys::write_all(file, answer.id));
    }
    return answer.id;
}

Result<api::ContainerCreateRequest> read_request(Context& context, const Flags& flags) {
    auto request = TRY(container_request(context, flags));
    if (flags.is_set("use-api-socket")) TRY(add_api_socket(context, request));
    return request;
}

Result<int> run_create(Context& context, const Flags& flags) {
    const auto request = TRY(read_request(context, flags));
    TRY(context.print_line(TRY(create(context, flags, request))));
    return 0;
}

// A start that failed leaves no container behind when --rm was asked for. The value is the exit
// code.
int start_failed(Context& context, const client::Client& engine, const std::string& id, bool remove,
                 const Error& error) {
    if (remove)
        engine.remove_container(id, {.force = true, .volumes = true})
            .ignore("the engine may have removed it already");
    context.complain(error);
    return exit_code_of_start(error.message());
}

Result<int> run_detached(Context& context, const Flags& flags,
                         const api::ContainerCreateRequest& request) {
    if (request.config.attach_stdin || flags.has("attach")) {
        return fail(ErrorCode::InvalidArgument, "--detach conflicts with --attach");
    }
    const std::string id = TRY(create(context, flags, request));
    const auto* engine = TRY(context.engine());
    auto started = engine->start_container(id);
    if (!started)
        return start_failed(context, *engine, id, request.host_config.auto_remove, started.error());
    TRY(context.print_line(id));
    return 0;
}

Result<int> run_attached(Context& context, const Flags& flags,
                         api::ContainerCreateRequest request) {
    const auto& config = request.config;
    if (config.tty) {
        if (const auto size = terminal_size())
            request.host_config.console_size = {size->rows, size->columns};
    }
    const auto* engine = TRY(context.engine());
    std::string id;
    RelayOptions options{.tty = config.tty, .stdin_wanted = config.attach_stdin};
    options.forward_signals = flags.is_set("sig-proxy");
    options.detach_keys = flags.has("detach-keys") ? flags.text("detach-keys")
                                                   : TRY(context.config())->text("detachKeys");
    options.resize = [&](sys::WindowSize size) {
        engine->resize_container(id, size.rows, size.columns).ignore("it may have ended");
    };
    options.signal = [&](const std::string& signal) {
        engine->kill_container(id, signal).ignore("it may have ended");
    };
    // The image may have to be pulled, and Ctrl-C must end that: signals are ours only from here
    // on.
    id = TRY(create(context, flags, request));
    auto relay = TRY(Relay::prepare(std::move(options)));
    auto session = TRY(engine->attach(id, {.stdin_wanted = config.attach_stdin,
                                           .stdout_wanted = config.attach_stdout,
                                           .stderr_wanted = config.attach_stderr,
                                           .detach_keys = flags.text("detach-keys")}));
    auto wait =
        TRY(engine->begin_wait(id, request.host_config.auto_remove ? "removed" : "next-exit"));
    auto started = engine->start_container(id);
    if (!started)
        return start_failed(context, *engine, id, request.host_config.auto_remove, started.error());
    if (const RelayEnd end = TRY(relay.run(session)); end != RelayEnd::Ended)
        return leave(context, end);
    const auto exit = TRY(std::move(wait).finish());
    if (!exit.error.empty()) return fail(ErrorCode::Internal, exit.error);
    return exit.status;
}

Result<int> run_run(Context& context, const Flags& flags) {
    auto request = TRY(read_request(context, flags));
    if (flags.is_set("tty") && flags.is_set("interactive") && !flags.is_set("detach") &&
        !context.is_input_terminal()) {
        return fail(ErrorCode::InvalidArgument, "the input device is not a TTY")
            .with_hint("leave -t out when input comes from a file or a pipe");
    }
    if (flags.is_set("detach")) return run_detached(context, flags, request);
    return run_attached(context, flags, std::move(request));
}

}  // namespace

Command create_command() {
    return {.name = "create",
            .arguments = "IMAGE [COMMAND] [ARG...]",
            .summary = "Create a container without starting it",
            .example = "berth create --name web -p 8080:80 nginx",
            .flags = container_flags(),
            .least = 1,
            .most = any_number,
            .stop_at_first = true,
            .run = run_create};
}

Command run_command() {
    auto flags = container_flags();
    flags.push_back(
        {.name = "detach", .letter = 'd', .help = "Run in the background and print the id"});
    flags.push_back({.name = "detach-keys",
                     .kind = FlagKind::Text,
                     .help = "Keys that detach, such as ctrl-p,ctrl-q"});
    flags.push_back(
        {.name = "sig-proxy", .help = "Pass signals on to the container", .fallback = "true"});
    return {.name = "run",
            .arguments = "IMAGE [COMMAND] [ARG...]",
            .summary = "Create and run a container",
            .example =
                "berth run --rm -it debian:bookworm bash\nberth run -d --name web -p 8080:80 -v "
                "./site:/srv:ro nginx",
            .flags = std::move(flags),
            .least = 1,
            .most = any_number,
            .stop_at_first = true,
            .run = run_run,
            .error_code = 125};
}

}  // namespace berth::cli
