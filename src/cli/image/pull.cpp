#include "cli/image/pull.h"

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/output/progress.h"
#include "cli/registry/credentials.h"
#include "oci/reference.h"

namespace berth::cli {

Result<> pull_image(Context& context, const std::string& reference, const PullOptions& options) {
    const auto* engine = TRY(context.engine());
    const auto auth = TRY(credentials_for_image(context, reference));
    const auto parsed = TRY(oci::Reference::parse(reference));
    // A name without a tag asks the engine for all of them.
    const auto name =
        options.all_tags ? parsed.familiar_name() : parsed.with_default_tag().familiar();
    // A caller may have taken the signals already (compose up): then the default would not end
    // this.
    const Interrupt interrupt;
    ProgressPrinter printer(context, {.quiet = options.quiet, .to_stderr = options.to_stderr});
    return engine->pull(
        name, options.platform, auth,
        [&](const api::ProgressMessage& m) { return printer.show(m); }, interrupt.token());
}

namespace {

Result<int> run(Context& context, const Flags& flags) {
    const std::string& name = flags.argument(0);
    const auto reference = TRY(oci::Reference::parse(name));
    if (!flags.is_set("all-tags") && !reference.has_tag() && !reference.has_digest() &&
        !flags.is_set("quiet")) {
        TRY(context.print_line("Using default tag: latest"));
    }
    const bool all_tags = flags.is_set("all-tags");
    if (all_tags && (reference.has_tag() || reference.has_digest()))
        return fail(ErrorCode::InvalidArgument, "tag can't be used with --all-tags/-a");
    TRY(pull_image(context, name,
                   {.platform = flags.text("platform"),
                    .quiet = flags.is_set("quiet"),
                    .all_tags = all_tags}));
    TRY(context.print_line(all_tags ? reference.name() : reference.with_default_tag().to_string()));
    return 0;
}

}  // namespace

Command pull_command() {
    return {.name = "pull",
            .arguments = "NAME[:TAG|@DIGEST]",
            .summary = "Fetch an image from a registry",
            .example = "berth pull debian:bookworm",
            .flags = {{.name = "all-tags", .letter = 'a', .help = "Fetch every tag"},
                      {.name = "platform",
                       .kind = FlagKind::Text,
                       .help = "Platform, such as linux/arm64"},
                      {.name = "disable-content-trust", .help = "", .hidden = true},
                      {.name = "quiet", .letter = 'q', .help = "Print only the image's name"}},
            .least = 1,
            .most = 1,
            .run = run};
}

}  // namespace berth::cli
