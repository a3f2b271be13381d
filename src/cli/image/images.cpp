#include <map>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/image/tree.h"
#include "cli/output/rows.h"
#include "cli/output/table.h"
#include "cli/system/inspect.h"
#include "cli/system/prune.h"
#include "cli/units.h"

// What this machine has: images, history, inspect, tag, rmi, prune.
namespace berth::cli {

namespace {

using codec::get_int;
using codec::get_string;
using codec::Json;

struct NameParts {
    std::string repository = "<none>", tag = "<none>", digest = "<none>";
};

Row image_row(const Json& image, const NameParts& name, bool full) {
    Row row;
    if (const auto* labels = codec::find_member(image, "Labels")) row.labels = *labels;
    const std::int64_t created = get_int(image, "Created");
    const std::int64_t containers = get_int(image, "Containers", -1);
    const std::string size = human_size(static_cast<double>(get_int(image, "Size")));
    Json& f = row.fields;
    f["Containers"] = containers < 0 ? "N/A" : concat(containers);
    f["CreatedAt"] = concat(
        replace_all(to_rfc3339(Timestamp(std::chrono::seconds(created))).substr(0, 19), "T", " "),
        " +0000 UTC");
    f["CreatedSince"] = created > 0 ? ago(created, now_seconds()) : "N/A";
    f["Digest"] = name.digest;
    f["ID"] = short_id(get_string(image, "Id"), full);
    f["Repository"] = name.repository;
    f["SharedSize"] = "N/A";
    f["Size"] = size;
    f["Tag"] = name.tag;
    f["UniqueSize"] = "N/A";
    return row;
}

// One line for each name that an image has; with digests, the digest of the same repository stands
// beside it.
std::vector<Row> image_rows(const Json& image, bool full) {
    std::map<std::string, std::string> digests;
    for (const auto& text : codec::get_strings(image, "RepoDigests")) {
        const auto at = text.find('@');
        if (at != std::string::npos) digests[text.substr(0, at)] = text.substr(at + 1);
    }
    std::vector<Row> rows;
    for (const auto& text : codec::get_strings(image, "RepoTags")) {
        const auto colon = text.rfind(':');
        if (colon == std::string::npos || text == "<none>:<none>") continue;
        NameParts name{text.substr(0, colon), text.substr(colon + 1), "<none>"};
        if (const auto found = digests.find(name.repository); found != digests.end())
            name.digest = found->second;
        rows.push_back(image_row(image, name, full));
    }
    if (!rows.empty()) return rows;
    for (const auto& [repository, digest] : digests) {
        if (repository != "<none>")
            rows.push_back(image_row(image, {repository, "<none>", digest}, full));
    }
    if (rows.empty()) rows.push_back(image_row(image, {}, full));
    return rows;
}

ListView view(bool digests) {
    return {
        .table =
            digests
                ? "table "
                  "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
                : "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
        .headings = {{"Repository", "REPOSITORY"},
                     {"Tag", "TAG"},
                     {"Digest", "DIGEST"},
                     {"ID", "IMAGE ID"},
                     {"CreatedSince", "CREATED"},
                     {"CreatedAt", "CREATED AT"},
                     {"Size", "SIZE"},
                     {"Containers", "CONTAINERS"},
                     {"SharedSize", "SHARED SIZE"},
                     {"UniqueSize", "UNIQUE SIZE"}}};
}

Result<int> run_images(Context& context, const Flags& flags) {
    std::string format = flags.text("format");
    if (format.empty()) format = TRY(context.config())->text("imagesFormat");
    client::ListImagesOptions options{.all = flags.is_set("all"),
                                      .digests = flags.is_set("digests")};
    options.filters = TRY(filters_of(flags));
    if (flags.argument_count() > 0) options.filters.add("reference", flags.argument(0));
    const bool is_tree = flags.is_set("tree");
    if (is_tree && (flags.is_set("quiet") || flags.has("format")))
        return fail(ErrorCode::InvalidArgument,
                    "--tree cannot be combined with --quiet or --format");
    options.manifests = is_tree;
    const auto* engine = TRY(context.engine());
    const auto images = TRY(engine->list_images(options));
    if (is_tree) {
        TRY(context.print(image_tree(images, flags.is_set("no-trunc"))));
        return 0;
    }
    std::vector<Row> rows;
    std::vector<std::string> ids;
    for (const auto& image : images) {
        for (auto& row : image_rows(image, flags.is_set("no-trunc")))
            rows.push_back(std::move(row));
    }
    if (flags.is_set("quiet")) format = "{{.ID}}";
    TRY(context.print(TRY(render_list(view(flags.is_set("digests")), format, rows))));
    return 0;
}

Result<int> run_history(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const auto history = TRY(engine->image_history(flags.argument(0), flags.text("platform")));
    const bool full = flags.is_set("no-trunc"), human = flags.is_set("human");
    std::vector<Row> rows;
    for (const auto& entry : history) {
        const std::int64_t created = get_int(entry, "Created"), size = get_int(entry, "Size");
        const std::string by = replace_all(get_string(entry, "CreatedBy"), "\t", " ");
        const std::string id = get_string(entry, "Id");
        Row row;
        row.fields["Comment"] = get_string(entry, "Comment");
        row.fields["CreatedAt"] = to_rfc3339(Timestamp(std::chrono::seconds(created)));
        row.fields["CreatedBy"] = full ? by : shorten(by, 45);
        row.fields["CreatedSince"] = human ? ago(created, now_seconds())
                                           : to_rfc3339(Timestamp(std::chrono::seconds(created)));
        row.fields["ID"] = short_id(id, full);
        row.fields["Size"] = human ? human_size(static_cast<double>(size)) : concat(size);
        rows.push_back(std::move(row));
    }
    const ListView list{
        .table = "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
        .headings = {{"ID", "IMAGE"},
                     {"CreatedSince", "CREATED"},
                     {"CreatedAt", "CREATED AT"},
                     {"CreatedBy", "CREATED BY"},
                     {"Size", "SIZE"},
                     {"Comment", "COMMENT"}}};
    TRY(context.print(
        TRY(render_list(list, flags.is_set("quiet") ? "{{.ID}}" : flags.text("format"), rows))));
    return 0;
}

Result<int> run_inspect(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    return inspect_each(context, flags, [&](const std::string& name) {
        return engine->inspect_image(name, flags.text("platform"));
    });
}

Result<int> run_tag(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    TRY(engine->tag_image(flags.argument(0), flags.argument(1)));
    return 0;
}

Result<int> run_rmi(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const bool force = flags.is_set("force");
    return for_each_name(
        context, flags.arguments(), [&](const std::string& name) -> Result<std::string> {
            const auto removed =
                TRY(engine->remove_image(name, {.force = force,
                                                .no_prune = flags.is_set("no-prune"),
                                                .platforms = flags.list("platform")}));
            std::vector<std::string> lines;
            for (const auto& entry : removed) {
                for (const char* kind : {"Untagged", "Deleted"}) {
                    if (const std::string what = get_string(entry, kind); !what.empty())
                        lines.push_back(concat(kind, ": ", what));
                }
            }
            return join(lines, "\n");
        });
}

Result<int> run_pin(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    if (flags.argument_count() > 0)
        return for_each_name(context, flags.arguments(),
                             [&](const std::string& name) -> Result<std::string> {
                                 TRY(engine->pin_image(name, true));
                                 return name;
                             });
    for (const auto& image : TRY(engine->list_pins())) {
        const auto tags = codec::get_strings(image, "RepoTags");
        TRY(context.print_line(concat(short_id(get_string(image, "Id")), " ",
                                      tags.empty() ? "<none>" : join(tags, ", "))));
    }
    return 0;
}

Result<int> run_unpin(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    return for_each_name(context, flags.arguments(),
                         [&](const std::string& name) -> Result<std::string> {
                             TRY(engine->pin_image(name, false));
                             return name;
                         });
}

Result<int> run_prune(Context& context, const Flags& flags) {
    const bool all = flags.is_set("all");
    return prune(
        context, flags,
        {.warning =
             all ? "This will remove all images without at least one container associated to them."
                 : "This will remove all dangling images.",
         .plan = {.types = {"image"}, .all_images = all},
         .otherwise = {prune_images_step(all)}});
}

}  // namespace

Command images_command() {
    auto flags = list_flags();
    flags.push_back({.name = "all", .letter = 'a', .help = "Intermediate ones too"});
    flags.push_back({.name = "digests", .help = "Show digests"});
    flags.push_back({.name = "tree", .help = "Show the variants of each image, by platform"});
    return {.name = "images",
            .arguments = "[REPOSITORY[:TAG]]",
            .summary = "List images",
            .example = "berth images --filter dangling=true\nberth images --tree",
            .flags = std::move(flags),
            .least = 0,
            .most = 1,
            .run = run_images,
            .aliases = {"ls", "list"}};
}

Command history_command() {
    return {
        .name = "history",
        .arguments = "IMAGE",
        .summary = "Show how an image was made",
        .example = "berth history --no-trunc app:dev",
        .flags =
            {{.name = "format", .kind = FlagKind::Text, .help = "table, json or a Go template"},
             {.name = "human",
              .letter = 'H',
              .help = "Sizes and times for people",
              .fallback = "true"},
             {.name = "no-trunc", .help = "Shorten nothing"},
             {.name = "platform", .kind = FlagKind::Text, .help = "The variant for this platform"},
             {.name = "quiet", .letter = 'q', .help = "Only ids"}},
        .least = 1,
        .most = 1,
        .run = run_history};
}

Command inspect_image_command() {
    auto flags = inspect_flags();
    flags.push_back(
        {.name = "platform", .kind = FlagKind::Text, .help = "The variant for this platform"});
    return {.name = "inspect",
            .arguments = "IMAGE [IMAGE...]",
            .summary = "Show everything about images",
            .example = "berth image inspect -f '{{.Config.Cmd}}' app:dev",
            .flags = std::move(flags),
            .least = 1,
            .most = any_number,
            .run = run_inspect};
}

Command tag_command() {
    return {.name = "tag",
            .arguments = "IMAGE NAME[:TAG]",
            .summary = "Give an image a further name",
            .example = "berth tag app:dev localhost:5000/app:1",
            .least = 2,
            .most = 2,
            .run = run_tag};
}

Command rmi_command() {
    return {.name = "rmi",
            .arguments = "IMAGE [IMAGE...]",
            .summary = "Remove images",
            .example = "berth rmi app:old\nberth rmi --platform linux/arm64 app:dev",
            .flags = {{.name = "force",
                       .letter = 'f',
                       .help = "Even if it has several names or stopped containers"},
                      {.name = "no-prune", .help = "Keep untagged parents"},
                      {.name = "platform",
                       .kind = FlagKind::List,
                       .help = "Only the variant for this platform"}},
            .least = 1,
            .most = any_number,
            .run = run_rmi,
            .aliases = {"rm", "remove"}};
}

Command pin_command() {
    return {
        .name = "pin",
        .arguments = "[IMAGE...]",
        .summary = "Keep images from being pruned, or evicted to make room; without one, list them",
        .example = "berth image pin debian:bookworm",
        .least = 0,
        .most = any_number,
        .run = run_pin};
}

Command unpin_command() {
    return {.name = "unpin",
            .arguments = "IMAGE [IMAGE...]",
            .summary = "Let images be pruned and evicted again",
            .example = "berth image unpin debian:bookworm",
            .least = 1,
            .most = any_number,
            .run = run_unpin};
}

Command prune_images_command() {
    auto flags = prune_flags();
    flags.push_back({.name = "all",
                     .letter = 'a',
                     .help = "All that no container uses, not only untagged ones"});
    return {.name = "prune",
            .summary = "Remove images that nothing uses",
            .example = "berth image prune -a -f --filter until=240h",
            .flags = std::move(flags),
            .run = run_prune};
}

}  // namespace berth::cli
