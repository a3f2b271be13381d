#include "cli/commands.h"
#include "cli/container/exit_code.h"
#include "cli/container/relay.h"
#include "codec/json.h"

// start and attach: both show a container that exists already.
namespace berth::cli {

namespace {

struct Shape {
    bool tty = false, open_stdin = false, running = false, auto_remove = false;
};

Result<Shape> shape_of(const client::Client& engine, const std::string& name) {
    const auto json = TRY(engine.inspect_container(name));
    Shape shape;
    if (const auto* config = codec::find_member(json, "Config")) {
        shape.tty = codec::get_bool(*config, "Tty");
        shape.open_stdin = codec::get_bool(*config, "OpenStdin");
    }
    if (const auto* state = codec::find_member(json, "State"))
        shape.running = codec::get_bool(*state, "Running");
    if (const auto* host = codec::find_member(json, "HostConfig"))
        shape.auto_remove = codec::get_bool(*host, "AutoRemove");
    return shape;
}

RelayOptions relay_options(const client::Client& engine, const std::string& name,
                           const Flags& flags, const Shape& shape) {
    RelayOptions options{.tty = shape.tty};
    options.detach_keys = flags.text("detach-keys");
    options.forward_signals = flags.is_set("sig-proxy");
    options.resize = [&engine, name](sys::WindowSize size) {
        engine.resize_container(name, size.rows, size.columns).ignore("it may have ended");
    };
    options.signal = [&engine, name](const std::string& signal) {
        engine.kill_container(name, signal).ignore("it may have ended");
    };
    return options;
}

void resize_now(const RelayOptions& options) {
    const auto size = terminal_size();
    if (options.tty && size) options.resize(*size);
}

Result<int> start_attached(Context& context, const Flags& flags, const std::string& name) {
    const auto* engine = TRY(context.engine());
    const Shape shape = TRY(shape_of(*engine, name));
    auto options = relay_options(*engine, name, flags, shape);
    options.stdin_wanted = flags.is_set("interactive") && shape.open_stdin;
    auto relay = TRY(Relay::prepare(options));
    auto session = TRY(engine->attach(
        name, {.stdin_wanted = options.stdin_wanted, .detach_keys = options.detach_keys}));
    auto wait = TRY(engine->begin_wait(name, shape.auto_remove ? "removed" : "next-exit"));
    if (auto started = engine->start_container(name); !started) {
        context.complain(started.error());
        return exit_code_of_start(started.error().message());
    }
    resize_now(options);
    if (const RelayEnd end = TRY(relay.run(session)); end != RelayEnd::Ended)
        return leave(context, end);
    return TRY(std::move(wait).finish()).status;
}

Result<int> run_start(Context& context, const Flags& flags) {
    if (flags.is_set("attach") || flags.is_set("interactive")) {
        if (flags.argument_count() > 1)
            return fail(ErrorCode::InvalidArgument, "only one container can be attached to");
        return start_attached(context, flags, flags.argument(0));
    }
    const auto* engine = TRY(context.engine());
    return for_each_name(context, flags.arguments(),
                         [&](const std::string& name) -> Result<std::string> {
                             TRY(engine->start_container(name));
                             return name;
                         });
}

Result<int> run_attach(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const std::string& name = flags.argument(0);
    const Shape shape = TRY(shape_of(*engine, name));
    if (!shape.running) {
        return fail(ErrorCode::Conflict, "container ", name, " is not running")
            .with_hint(concat("start it with: berth start -a ", name));
    }
    auto options = relay_options(*engine, name, flags, shape);
    options.stdin_wanted = !flags.is_set("no-stdin") && shape.open_stdin;
    auto relay = TRY(Relay::prepare(options));
    auto wait = TRY(engine->begin_wait(name));
    auto session = TRY(engine->attach(
        name, {.stdin_wanted = options.stdin_wanted, .detach_keys = options.detach_keys}));
    resize_now(options);
    if (const RelayEnd end = TRY(relay.run(session)); end != RelayEnd::Ended)
        return leave(context, end);
    return TRY(std::move(wait).finish()).status;
}

}  // namespace

Command start_command() {
    return {
        .name = "start",
        .arguments = "CONTAINER [CONTAINER...]",
        .summary = "Start containers that exist",
        .example = "berth start web\nberth start -ai shell",
        .flags = {{.name = "attach", .letter = 'a', .help = "Show the output and pass signals on"},
                  {.name = "detach-keys", .kind = FlagKind::Text, .help = "Keys that detach"},
                  {.name = "interactive", .letter = 'i', .help = "Pass our standard input on"},
                  {.name = "sig-proxy", .help = "Pass signals on", .fallback = "true"}},
        .least = 1,
        .most = any_number,
        .run = run_start};
}

Command attach_command() {
    return {.name = "attach",
            .arguments = "CONTAINER",
            .summary = "Connect this terminal with a running container",
            .example = "berth attach shell",
            .flags = {{.name = "detach-keys", .kind = FlagKind::Text, .help = "Keys that detach"},
                      {.name = "no-stdin", .help = "Only show the output"},
                      {.name = "sig-proxy", .help = "Pass signals on", .fallback = "true"}},
            .least = 1,
            .most = 1,
            .run = run_attach};
}

}  // namespace berth::cli
