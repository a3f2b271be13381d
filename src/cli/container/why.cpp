#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/format.h"
#include "codec/json.h"

namespace berth::cli {

namespace {

// What a container wrote last says more than any code, when it failed by itself.
Result<std::string> last_words(const client::Client& engine, const std::string& name) {
    std::string out;
    client::LogOptions options;
    options.tail = "5";
    TRY(engine.logs(name, options, [&](api::Stream, std::string_view bytes) {
        out.append(bytes);
        return Result<>();
    }));
    return out;
}

bool failed_by_itself(std::string_view cause) {
    return cause == "exited" || cause == "crash-loop" || cause == "signal" ||
           cause == "out-of-memory";
}

Result<int> run_why(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const std::string& name = flags.argument(0);
    const auto why = TRY(engine->get(concat("/berth/v1/containers/", name, "/why")));
    if (const std::string format = flags.text("format"); !format.empty()) {
        TRY(context.print(TRY(render_document(format, why))));
        return 0;
    }
    std::string text =
        concat(codec::get_string(why, "Name"), " (", codec::get_string(why, "Status"),
               "): ", codec::get_string(why, "Summary"), "\n");
    if (const std::string hint = codec::get_string(why, "Hint"); !hint.empty())
        text += concat("hint: ", hint, "\n");
    if (failed_by_itself(codec::get_string(why, "Cause"))) {
        const auto words = last_words(*engine, name);
        if (words && !words->empty()) text += concat("its last words:\n", *words);
    }
    TRY(context.print(text));
    return 0;
}

}  // namespace

Command why_command() {
    return {.name = "why",
            .arguments = "CONTAINER",
            .summary = "Say why a container ended, or does not start, or is as it is",
            .example = "berth why web\nberth why --format '{{.Cause}}' web",
            .flags = {{.name = "format",
                       .letter = 'f',
                       .kind = FlagKind::Text,
                       .help = "json or a Go template"}},
            .least = 1,
            .most = 1,
            .run = run_why};
}

}  // namespace berth::cli
