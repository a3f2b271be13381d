#include <optional>

#include "cli/archive/input.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/interrupt.h"
#include "cli/output/file_output.h"
#include "cli/output/progress.h"
#include "cli/output/rows.h"
#include "cli/registry/credentials.h"
#include "codec/json.h"
#include "oci/reference.h"

// Images that come and go: push, save, load, import, bootstrap, search.
namespace berth::cli {

namespace {

Result<int> run_push(Context& context, const Flags& flags) {
    const bool all_tags = flags.is_set("all-tags");
    const auto named = TRY(oci::Reference::parse(flags.argument(0)));
    if (all_tags && (named.has_tag() || named.has_digest()))
        return fail(ErrorCode::InvalidArgument, "tag can't be used with --all-tags/-a");
    const auto reference = named.with_default_tag();
    const auto* engine = TRY(context.engine());
    const auto auth = TRY(credentials_for_image(context, flags.argument(0)));
    if (!flags.is_set("quiet"))
        TRY(context.print_line(concat("The push refers to repository [", reference.name(), "]")));
    ProgressPrinter printer(context, {.quiet = flags.is_set("quiet")});
    TRY(engine->push(all_tags ? named.familiar_name() : reference.familiar(),
                     flags.text("platform"), auth, TRY(all_logins(context)),
                     [&](const api::ProgressMessage& m) { return printer.show(m); }));
    if (flags.is_set("quiet"))
        TRY(context.print_line(all_tags ? named.name() : reference.to_string()));
    return 0;
}

Result<int> run_save(Context& context, const Flags& flags) {
    auto output = TRY(FileOutput::open(context, flags.text("output")));
    const auto* engine = TRY(context.engine());
    // Only a half written file needs tidying up. To standard output a signal just ends us, also
    // while the reader does not read.
    std::optional<Interrupt> interrupt;
    if (flags.has("output")) interrupt.emplace();
    TRY(engine->save_images(flags.arguments(), flags.text("platform"), TRY(all_logins(context)),
                            output.sink(), interrupt ? interrupt->token() : std::stop_token()));
    TRY(std::move(output).commit());
    return 0;
}

Result<int> run_load(Context& context, const Flags& flags) {
    const auto source = TRY(input_of(context, flags.text("input")));
    const auto* engine = TRY(context.engine());
    const bool quiet = flags.is_set("quiet") || !context.is_output_terminal();
    ProgressPrinter printer(context, {});
    TRY(engine->load_images(source, quiet, flags.text("platform"),
                            [&](const api::ProgressMessage& m) { return printer.show(m); }));
    return 0;
}

Result<int> run_import(Context& context, const Flags& flags) {
    client::ImportOptions options;
    options.message = flags.text("message");
    options.platform = flags.text("platform");
    options.changes = flags.list("change");
    if (flags.argument_count() > 1) {
        const auto reference = TRY(oci::Reference::parse(flags.argument(1)));
        options.repository = reference.familiar_name();
        options.tag = reference.tag();
    }
    const auto source = TRY(input_of(context, flags.argument(0)));
    const auto* engine = TRY(context.engine());
    ProgressPrinter printer(context, {});
    TRY(engine->import_image(source, options,
                             [&](const api::ProgressMessage& m) { return printer.show(m); }));
    return 0;
}

Result<int> run_bootstrap(Context& context, const Flags& flags) {
    std::string suite = flags.argument(0), reference = flags.text("tag");
    // "debian:bookworm" names suite and image at once.
    if (const auto colon = suite.rfind(':'); colon != std::string::npos) {
        if (reference.empty()) reference = suite;
        suite = suite.substr(colon + 1);
    }
    if (reference.empty()) reference = suite == "busybox" ? suite : "debian:" + suite;
    codec::Json body = codec::Json::object();
    body["suite"] = suite;
    body["reference"] = reference;
    if (!flags.list("package").empty()) body["packages"] = flags.list("package");
    if (flags.has("mirror")) body["mirror"] = flags.text("mirror");
    const auto* engine = TRY(context.engine());
    Interrupt interrupt;
    ProgressPrinter printer(context, {.quiet = flags.is_set("quiet"), .to_stderr = true});
    TRY(engine->bootstrap_image(
        codec::dump_json(body), [&](const api::ProgressMessage& m) { return printer.show(m); },
        interrupt.token()));
    TRY(context.print_line(reference));
    return 0;
}

Result<int> run_search(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const auto found = TRY(engine->search_images(
        flags.argument(0), static_cast<int>(flags.number("limit").value_or(25)),
        TRY(filters_of(flags))));
    std::vector<Row> rows;
    for (const auto& entry : found) {
        Row row;
        const std::string description =
            replace_all(codec::get_string(entry, "description"), "\n", " ");
        row.fields["Description"] =
            flags.is_set("no-trunc") ? description : shorten(description, 45);
        row.fields["IsOfficial"] = codec::get_bool(entry, "is_official") ? "[OK]" : "";
        row.fields["Name"] = codec::get_string(entry, "name");
        row.fields["StarCount"] = concat(codec::get_int(entry, "star_count"));
        rows.push_back(std::move(row));
    }
    const ListView view{
        .table = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}",
        .headings = {{"Name", "NAME"},
                     {"Description", "DESCRIPTION"},
                     {"StarCount", "STARS"},
                     {"IsOfficial", "OFFICIAL"}}};
    TRY(context.print(TRY(render_list(view, flags.text("format"), rows))));
    return 0;
}

}  // namespace

Command push_command() {
    return {.name = "push",
            .arguments = "NAME[:TAG]",
            .summary = "Send an image to a registry",
            .example = "berth push localhost:5000/app:1",
            .flags = {{.name = "all-tags", .letter = 'a', .help = "Send every tag"},
                      {.name = "disable-content-trust", .help = "", .hidden = true},
                      {.name = "platform",
                       .kind = FlagKind::Text,
                       .help = "Only the variant for this platform"},
                      {.name = "quiet", .letter = 'q', .help = "Print only the image's name"}},
            .least = 1,
            .most = 1,
            .run = run_push};
}

Command save_command() {
    return {.name = "save",
            .arguments = "IMAGE [IMAGE...]",
            .summary = "Write images as a tar archive",
            .example = "berth save -o app.tar app:1",
            .flags = {{.name = "output",
                       .letter = 'o',
                       .kind = FlagKind::Text,
                       .help = "File instead of standard output"},
                      {.name = "platform",
                       .kind = FlagKind::Text,
                       .help = "Only the variant for this platform"}},
            .least = 1,
            .most = any_number,
            .run = run_save};
}

Command load_command() {
    return {.name = "load",
            .summary = "Read images from a tar archive",
            .example = "berth load -i app.tar",
            .flags = {{.name = "input",
                       .letter = 'i',
                       .kind = FlagKind::Text,
                       .help = "File instead of standard input"},
                      {.name = "platform",
                       .kind = FlagKind::Text,
                       .help = "Only the variant for this platform"},
                      {.name = "quiet", .letter = 'q', .help = "Only say what was loaded"}},
            .run = run_load};
}

Command import_command() {
    return {
        .name = "import",
        .arguments = "FILE|- [REPOSITORY[:TAG]]",
        .summary = "Make an image of a tar archive of files",
        .example = "berth import rootfs.tar base:1",
        .flags = {{.name = "change",
                   .letter = 'c',
                   .kind = FlagKind::List,
                   .help = "Dockerfile instruction to apply"},
                  {.name = "message", .letter = 'm', .kind = FlagKind::Text, .help = "Comment"},
                  {.name = "platform", .kind = FlagKind::Text, .help = "Platform of the files"}},
        .least = 1,
        .most = 2,
        .run = run_import};
}

Command bootstrap_command() {
    return {.name = "bootstrap",
            .arguments = "SUITE",
            .summary = "Make a base image from a distribution's package archive",
            .example = "berth image bootstrap debian:bookworm",
            .flags = {{.name = "mirror", .kind = FlagKind::Text, .help = "Package archive to use"},
                      {.name = "package",
                       .kind = FlagKind::List,
                       .help = "Further package to install",
                       .alias = "include"},
                      {.name = "quiet", .letter = 'q', .help = "Print only the image's name"},
                      {.name = "tag",
                       .letter = 't',
                       .kind = FlagKind::Text,
                       .help = "Name of the image (debian:SUITE when not given)"}},
            .least = 1,
            .most = 1,
            .run = run_bootstrap};
}

Command search_command() {
    return {.name = "search",
            .arguments = "TERM",
            .summary = "Search the public registry for images",
            .example = "berth search postgres",
            .flags = {{.name = "filter",
                       .letter = 'f',
                       .kind = FlagKind::List,
                       .help = "Only what fits (is-official=true, stars=3)"},
                      {.name = "format",
                       .kind = FlagKind::Text,
                       .help = "table, json or a Go template"},
                      {.name = "limit",
                       .kind = FlagKind::Number,
                       .help = "At most so many",
                       .fallback = "25"},
                      {.name = "no-trunc", .help = "Shorten nothing"}},
            .least = 1,
            .most = 1,
            .run = run_search};
}

}  // namespace berth::cli
