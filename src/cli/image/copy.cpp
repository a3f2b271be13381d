#include <map>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/interrupt.h"
#include "cli/output/progress.h"
#include "cli/registry/credentials.h"
#include "codec/json.h"
#include "oci/reference.h"

namespace berth::cli {

namespace {

constexpr std::string_view registry_scheme = "docker://";

Result<int> run_copy(Context& context, const Flags& flags) {
    std::string from = flags.argument(0), to = flags.argument(1);
    if (!to.starts_with(registry_scheme))
        return fail(ErrorCode::InvalidArgument,
                    "the target of a copy is in a registry: docker://HOST/NAME[:TAG]")
            .with_hint("`berth pull` brings an image here, `berth save` writes an archive");
    to.erase(0, registry_scheme.size());
    const bool is_local = !from.starts_with(registry_scheme);
    if (!is_local) from.erase(0, registry_scheme.size());
    std::map<std::string, api::AuthConfig> auths;
    std::vector<std::string> remote_names{to};
    if (!is_local) remote_names.push_back(from);
    for (const auto& name : remote_names) {
        const auto reference = TRY(oci::Reference::parse(name));
        auths[reference.domain()] = TRY(credentials_for_image(context, name));
    }
    const codec::Json body{
        {"from", from}, {"to", to}, {"local", is_local}, {"platform", flags.text("platform")}};
    const auto* engine = TRY(context.engine());
    Interrupt interrupt;
    ProgressPrinter printer(context, {.quiet = flags.is_set("quiet")});
    TRY(engine->copy_image(
        codec::dump_json(body), auths,
        [&](const api::ProgressMessage& m) { return printer.show(m); }, interrupt.token()));
    return 0;
}

}  // namespace

Command image_copy_command() {
    return {.name = "copy",
            .arguments = "IMAGE|docker://SOURCE docker://TARGET",
            .summary = "Send an image from one registry, or from here, to another, as it is",
            .example =
                "berth image copy docker://debian:bookworm docker://reg.local:5000/debian:bookworm",
            .flags = {{.name = "platform",
                       .kind = FlagKind::Text,
                       .help = "Only the variant for this platform"},
                      {.name = "quiet", .letter = 'q', .help = "Print nothing"}},
            .least = 2,
            .most = 2,
            .run = run_copy};
}

}  // namespace berth::cli
