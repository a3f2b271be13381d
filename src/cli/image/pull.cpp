#include "cli/image/pull.h"

#include "cli/commands.h"
#include "cli/output/progress.h"
#include "cli/registry/credentials.h"
#include "oci/reference.h"

namespace berth::cli {

Result<> pull_image(Context& context, const std::string& reference, const PullOptions& options) {
    const auto* engine = TRY(context.engine());
    const auto auth = TRY(credentials_for_image(context, reference));
    const auto name = TRY(oci::Reference::parse(reference)).with_default_tag().familiar();
    ProgressPrinter printer(context, {.quiet = options.quiet, .to_stderr = options.to_stderr});
    return engine->pull(name, options.platform, auth,
                        [&](const api::ProgressMessage& m) { return printer.show(m); });
}

namespace {

Result<int> run(Context& context, const Flags& flags) {
    const std::string& name = flags.argument(0);
    const auto reference = TRY(oci::Reference::parse(name));
    if (!flags.is_set("all-tags") && !reference.has_tag() && !reference.has_digest() &&
        !flags.is_set("quiet")) {
        TRY(context.print_line("Using default tag: latest"));
    }
    if (flags.is_set("all-tags")) {
        return fail(ErrorCode::Unsupported, "--all-tags is not supported")
            .with_hint("pull the tags that you need by name");
    }
    TRY(pull_image(context, name, {.platform = flags.text("platform"), .quiet = flags.is_set("quiet")}));
    TRY(context.print_line(reference.with_default_tag().to_string()));
    return 0;
}

}  // namespace

Command pull_command() {
    return {.name = "pull",
            .arguments = "NAME[:TAG|@DIGEST]",
            .summary = "Fetch an image from a registry",
            .example = "berth pull debian:bookworm",
            .flags = {{.name = "all-tags", .letter = 'a', .help = "Fetch every tag"},
                      {.name = "platform", .kind = FlagKind::Text, .help = "Platform, such as linux/arm64"},
                      {.name = "disable-content-trust", .help = "", .hidden = true},
                      {.name = "quiet", .letter = 'q', .help = "Print only the image's name"}},
            .least = 1,
            .most = 1,
            .run = run};
}

}  // namespace berth::cli
