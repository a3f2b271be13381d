#include "cli/commands.h"
#include "cli/context.h"
#include "cli/interrupt.h"
#include "cli/manifest/list_file.h"
#include "cli/registry/credentials.h"
#include "codec/json.h"

// Manifest lists: one name for the images of several platforms.
namespace berth::cli {

namespace {

Result<ManifestLists> lists_of(Context& context) {
    const ConfigFile* config = TRY(context.config());
    const std::string& path = config->path();
    return ManifestLists(path.substr(0, path.rfind('/')) + "/manifests");
}

Result<oci::Reference> complete(const std::string& text) {
    const auto reference = TRY(oci::Reference::parse(text));
    return reference.with_default_tag();
}

/// What the registry has under the name, with the platform that its configuration names.
Result<ManifestList::Entry> describe_manifest(Context& context, const oci::Reference& name) {
    const auto* engine = TRY(context.engine());
    const auto auth = TRY(credentials_for_image(context, name.to_string()));
    const auto found =
        TRY(engine->inspect_distribution(name.to_string(), auth).context(name.familiar()));
    const auto* descriptor = codec::find_member(found, "Descriptor");
    const auto* platforms = codec::find_member(found, "Platforms");
    ManifestList::Entry entry{.from = name.with_default_tag().to_string(), .descriptor = {}};
    entry.descriptor =
        TRY(oci::Descriptor::parse(codec::dump_json(descriptor ? *descriptor : codec::Json())));
    const bool is_manifest = entry.descriptor.media_type.find("manifest.v") != std::string::npos;
    if (!is_manifest)
        return fail(ErrorCode::InvalidArgument, name.familiar(),
                    " is a manifest list, not a manifest");
    if (platforms && !platforms->empty()) {
        const auto& platform = platforms->front();
        entry.descriptor.platform =
            oci::Platform{.os = codec::get_string(platform, "os"),
                          .architecture = codec::get_string(platform, "architecture"),
                          .variant = codec::get_string(platform, "variant"),
                          .os_version = {},
                          .os_features = {}};
    }
    return entry;
}

Result<int> run_create(Context& context, const Flags& flags) {
    const auto lists = TRY(lists_of(context));
    const auto name = TRY(complete(flags.argument(0)));
    auto existing = TRY(lists.find(name));
    if (existing && !flags.is_set("amend"))
        return fail(ErrorCode::Conflict,
                    "refusing to amend an existing manifest list with no --amend flag");
    ManifestList list = existing ? std::move(*existing) : ManifestList{.name = name, .entries = {}};
    for (std::size_t i = 1; i < flags.argument_count(); ++i) {
        auto entry = TRY(describe_manifest(context, TRY(complete(flags.argument(i)))));
        if (auto* known = list.find(TRY(oci::Reference::parse(entry.from)))) {
            *known = std::move(entry);
        } else {
            list.entries.push_back(std::move(entry));
        }
    }
    TRY(lists.save(list));
    TRY(context.print_line(concat("Created manifest list ", name.to_string())));
    return 0;
}

Result<ManifestList> existing_list(const ManifestLists& lists, const std::string& text) {
    auto list = TRY(lists.find(TRY(complete(text))));
    if (!list)
        return fail(ErrorCode::NotFound, "No such manifest: ", text)
            .with_hint("make it with `berth manifest create`");
    return std::move(*list);
}

Result<int> run_annotate(Context& context, const Flags& flags) {
    const auto lists = TRY(lists_of(context));
    auto list = TRY(existing_list(lists, flags.argument(0)));
    auto* entry = list.find(TRY(complete(flags.argument(1))));
    if (!entry)
        return fail(ErrorCode::NotFound, "manifest for image ", flags.argument(1),
                    " does not exist in ", flags.argument(0));
    oci::Platform platform = entry->descriptor.platform.value_or(oci::Platform{});
    if (flags.has("os")) platform.os = flags.text("os");
    if (flags.has("arch")) platform.architecture = flags.text("arch");
    if (flags.has("variant")) platform.variant = flags.text("variant");
    if (flags.has("os-version")) platform.os_version = flags.text("os-version");
    if (flags.has("os-features")) platform.os_features = flags.list("os-features");
    if (platform.os.empty() || platform.architecture.empty())
        return fail(ErrorCode::InvalidArgument, "the entry needs --os and --arch");
    entry->descriptor.platform = std::move(platform);
    TRY(lists.save(list));
    return 0;
}

Result<int> run_inspect(Context& context, const Flags& flags) {
    const auto lists = TRY(lists_of(context));
    if (flags.argument_count() == 2) {
        auto list = TRY(existing_list(lists, flags.argument(0)));
        const auto* entry = list.find(TRY(complete(flags.argument(1))));
        if (!entry)
            return fail(ErrorCode::NotFound, "manifest for image ", flags.argument(1),
                        " does not exist in ", flags.argument(0));
        TRY(context.print_line(
            codec::dump_json_pretty(TRY(codec::parse_json(entry->descriptor.to_json())))));
        return 0;
    }
    const auto name = TRY(complete(flags.argument(0)));
    if (const auto list = TRY(lists.find(name))) {
        TRY(context.print_line(
            codec::dump_json_pretty(TRY(codec::parse_json(list->to_index_json())))));
        return 0;
    }
    const auto* engine = TRY(context.engine());
    const auto auth = TRY(credentials_for_image(context, name.to_string()));
    const auto found = TRY(engine->registry_manifest(name.to_string(), auth));
    const auto document = TRY(codec::parse_json(codec::get_string(found, "Raw")));
    if (!flags.is_set("verbose")) {
        TRY(context.print_line(codec::dump_json_pretty(document)));
        return 0;
    }
    codec::Json verbose{{"Ref", name.to_string()}};
    if (const auto* descriptor = codec::find_member(found, "Descriptor"))
        verbose["Descriptor"] = *descriptor;
    verbose["Raw"] = document;
    TRY(context.print_line(codec::dump_json_pretty(verbose)));
    return 0;
}

// The repository of the list must hold what the list names: each manifest is copied there first.
Result<int> run_push(Context& context, const Flags& flags) {
    const auto lists = TRY(lists_of(context));
    const auto list = TRY(existing_list(lists, flags.argument(0)));
    const auto* engine = TRY(context.engine());
    Interrupt interrupt;
    for (const auto& entry : list.entries) {
        const auto from = TRY(oci::Reference::parse(entry.from))
                              .without_version()
                              .with_digest(entry.descriptor.digest);
        const auto to = list.name.without_version().with_digest(entry.descriptor.digest);
        std::map<std::string, api::AuthConfig> auths;
        for (const auto& name : {from, to})
            auths[name.domain()] = TRY(credentials_for_image(context, name.to_string()));
        const codec::Json body{{"from", from.to_string()}, {"to", to.to_string()}};
        TRY(engine->copy_image(
            codec::dump_json(body), auths, [](const api::ProgressMessage&) { return Result<>(); },
            interrupt.token()));
        TRY(context.print_line(concat("Pushed ref ", to.to_string())));
    }
    const auto auth = TRY(credentials_for_image(context, list.name.to_string()));
    const auto put = TRY(engine->put_manifest(list.name.to_string(), list.to_index_json(), auth));
    TRY(context.print_line(codec::get_string(put, "Digest")));
    if (flags.is_set("purge")) TRY(lists.remove(list.name));
    return 0;
}

Result<int> run_remove(Context& context, const Flags& flags) {
    const auto lists = TRY(lists_of(context));
    return for_each_name(context, flags.arguments(),
                         [&](const std::string& text) -> Result<std::string> {
                             if (!TRY(lists.remove(TRY(complete(text)))))
                                 return fail(ErrorCode::NotFound, "No such manifest: ", text);
                             return text;
                         });
}

}  // namespace

Command manifest_group() {
    using enum FlagKind;
    const Flag insecure{.name = "insecure", .help = "", .hidden = true};
    return {
        .name = "manifest",
        .summary = "Put the images of several platforms under one name",
        .children = {
            {.name = "annotate",
             .arguments = "LIST MANIFEST",
             .summary = "Say which platform a manifest of a list is for",
             .example = "berth manifest annotate --arch arm --variant v7 reg:5000/app:1 "
                        "reg:5000/app:1-armv7",
             .flags =
                 {{.name = "arch", .kind = Text, .help = "Processor, such as arm64"},
                  {.name = "os", .kind = Text, .help = "Operating system"},
                  {.name = "os-features", .kind = List, .help = "Features of the operating system"},
                  {.name = "os-version", .kind = Text, .help = "Version of the operating system"},
                  {.name = "variant",
                   .kind = Text,
                   .help = "Variant of the processor, such as v7"}},
             .least = 2,
             .most = 2,
             .run = run_annotate},
            {.name = "create",
             .arguments = "LIST MANIFEST [MANIFEST...]",
             .summary = "Begin a list, of manifests that are in a registry",
             .example =
                 "berth manifest create reg:5000/app:1 reg:5000/app:1-amd64 reg:5000/app:1-arm64",
             .flags = {{.name = "amend", .letter = 'a', .help = "Add to a list that is there"},
                       insecure},
             .least = 2,
             .most = any_number,
             .run = run_create},
            {.name = "inspect",
             .arguments = "[LIST] MANIFEST",
             .summary = "Show a manifest or a list",
             .example = "berth manifest inspect debian:bookworm",
             .flags = {insecure,
                       {.name = "verbose", .letter = 'v', .help = "With name and descriptor"}},
             .least = 1,
             .most = 2,
             .run = run_inspect},
            {.name = "push",
             .arguments = "LIST",
             .summary = "Send a list to its registry, with the manifests it names",
             .example = "berth manifest push --purge reg:5000/app:1",
             .flags =
                 {insecure,
                  {.name = "purge", .letter = 'p', .help = "Forget the local list afterwards"}},
             .least = 1,
             .most = 1,
             .run = run_push},
            {.name = "rm",
             .arguments = "LIST [LIST...]",
             .summary = "Forget lists that were not pushed",
             .example = "berth manifest rm reg:5000/app:1",
             .least = 1,
             .most = any_number,
             .run = run_remove}}};
}

}  // namespace berth::cli
