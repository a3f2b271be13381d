#include "cli/commands.h"
#include "cli/container/exit_code.h"
#include "cli/container/relay.h"
#include "cli/parse/environment.h"
#include "codec/json.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

Result<api::ExecCreateRequest> exec_request(const Context& context, const Flags& flags) {
    api::ExecCreateRequest request;
    request.cmd.assign(flags.arguments().begin() + 1, flags.arguments().end());
    request.user = flags.text("user");
    request.working_dir = flags.text("workdir");
    request.privileged = flags.is_set("privileged");
    request.tty = flags.is_set("tty");
    request.detach_keys = flags.text("detach-keys");
    if (!flags.is_set("detach")) {
        request.attach_stdout = request.attach_stderr = true;
        request.attach_stdin = flags.is_set("interactive");
    }
    for (const auto& path : flags.list("env-file")) {
        const std::string text = TRY(sys::read_file(path).context("--env-file ", path));
        auto variables = TRY(parse_variable_file(text, context.environment()).context(path));
        request.env.insert(request.env.end(), variables.begin(), variables.end());
    }
    for (const auto& text : flags.list("env"))
        TRY(add_variable(request.env, text, context.environment()));
    if (request.tty) {
        if (const auto size = terminal_size()) request.console_size = {size->rows, size->columns};
    }
    return request;
}

Result<int> run_exec(Context& context, const Flags& flags) {
    const auto request = TRY(exec_request(context, flags));
    const auto* engine = TRY(context.engine());
    RelayOptions options{.tty = request.tty,
                         .stdin_wanted = request.attach_stdin,
                         .detach_keys = request.detach_keys};
    std::string id;
    options.resize = [&](sys::WindowSize size) {
        engine->resize_exec(id, size.rows, size.columns).ignore("it may have ended");
    };
    std::optional<Relay> relay;
    if (!flags.is_set("detach")) relay.emplace(TRY(Relay::prepare(std::move(options))));
    id = TRY(engine->create_exec(flags.argument(0), request));
    if (!relay) {
        TRY(engine->start_exec_detached(id));
        return 0;
    }
    auto session =
        engine->start_exec(id, {.tty = request.tty, .console_size = request.console_size});
    if (!session) {
        context.complain(session.error());
        const int code = exit_code_of_start(session.error().message());
        return code == 125 ? 1 : code;
    }
    if (const RelayEnd end = TRY(relay->run(*session)); end != RelayEnd::Ended)
        return leave(context, end);
    const auto state = TRY(engine->inspect_exec(id));
    return static_cast<int>(codec::get_int(state, "ExitCode"));
}

}  // namespace

Command exec_command() {
    return {.name = "exec",
            .arguments = "CONTAINER COMMAND [ARG...]",
            .summary = "Run a further command in a running container",
            .example = "berth exec -it web sh",
            .flags =
                {{.name = "detach", .letter = 'd', .help = "Do not wait for it"},
                 {.name = "detach-keys", .kind = FlagKind::Text, .help = "Keys that detach"},
                 {.name = "env", .letter = 'e', .kind = FlagKind::List, .help = "Set a variable"},
                 {.name = "env-file", .kind = FlagKind::List, .help = "Read variables from a file"},
                 {.name = "interactive", .letter = 'i', .help = "Keep standard input open"},
                 {.name = "privileged", .help = "Give all capabilities"},
                 {.name = "tty", .letter = 't', .help = "Give a terminal"},
                 {.name = "user",
                  .letter = 'u',
                  .kind = FlagKind::Text,
                  .help = "User (name|uid[:group|gid])"},
                 {.name = "workdir",
                  .letter = 'w',
                  .kind = FlagKind::Text,
                  .help = "Working directory"}},
            .least = 2,
            .most = any_number,
            .stop_at_first = true,
            .run = run_exec};
}

}  // namespace berth::cli
