#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/rows.h"
#include "cli/units.h"

// Images file by file: image layers, image diff.
namespace berth::cli {

namespace {

using codec::get_int;
using codec::get_string;

std::string size_text(std::int64_t bytes) { return human_size(static_cast<double>(bytes)); }

Result<int> run_layers(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const auto layers = TRY(engine->image_layers(flags.argument(0), flags.text("platform")));
    const bool full = flags.is_set("no-trunc");
    std::vector<Row> rows;
    std::int64_t number = 0, content = 0, wasted = 0;
    for (const auto& layer : layers) {
        Row row;
        const std::string by = replace_all(get_string(layer, "CreatedBy"), "\t", " ");
        std::vector<std::string> largest;
        if (const auto* files = codec::find_member(layer, "Largest"))
            for (const auto& file : *files)
                largest.push_back(
                    concat(get_string(file, "Path"), " (", size_text(get_int(file, "Bytes")), ")"));
        row.fields["Number"] = concat(number++);
        row.fields["ID"] = short_id(get_string(layer, "DiffID"), full);
        row.fields["Size"] = size_text(get_int(layer, "AddedBytes"));
        row.fields["Disk"] = size_text(get_int(layer, "DiskBytes"));
        row.fields["Blob"] = size_text(get_int(layer, "BlobBytes"));
        row.fields["Files"] = concat("+", get_int(layer, "Added"), " ~", get_int(layer, "Changed"),
                                     " -", get_int(layer, "Removed"));
        row.fields["Wasted"] = size_text(get_int(layer, "WastedBytes"));
        row.fields["Largest"] = join(largest, ", ");
        row.fields["CreatedBy"] = full ? by : shorten(by, 60);
        content += get_int(layer, "AddedBytes");
        wasted += get_int(layer, "WastedBytes");
        rows.push_back(std::move(row));
    }
    const ListView list{
        .table =
            "table "
            "{{.Number}}\t{{.ID}}\t{{.Size}}\t{{.Disk}}\t{{.Files}}\t{{.Wasted}}\t{{.CreatedBy}}",
        .headings = {{"Number", "LAYER"},
                     {"ID", "DIFF ID"},
                     {"Size", "FILES"},
                     {"Disk", "ON DISK"},
                     {"Blob", "BLOB"},
                     {"Files", "ENTRIES"},
                     {"Wasted", "WASTED"},
                     {"Largest", "LARGEST"},
                     {"CreatedBy", "CREATED BY"}}};
    TRY(context.print(TRY(render_list(list, flags.text("format"), rows))));
    if (flags.text("format").empty())
        TRY(context.print_line(concat("Wasted: ", size_text(wasted), " of ", size_text(content),
                                      " that the layers bring")));
    return 0;
}

Result<int> run_diff(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const auto differences = TRY(engine->image_diff(flags.argument(0), flags.argument(1)));
    std::vector<Row> rows;
    for (const auto& one : differences) {
        Row row;
        const std::string kind = get_string(one, "Kind");
        const std::int64_t before = get_int(one, "BytesBefore"), after = get_int(one, "BytesAfter");
        const auto layer_text = [](std::int64_t layer) {
            return layer < 0 ? std::string("-") : concat(layer);
        };
        row.fields["Kind"] = kind;
        row.fields["Path"] = get_string(one, "Path");
        row.fields["Before"] = kind == "A" ? "-" : size_text(before);
        row.fields["After"] = kind == "D" ? "-" : size_text(after);
        row.fields["Growth"] = concat(after - before);
        row.fields["Layers"] = concat(layer_text(get_int(one, "LayerBefore")), " ",
                                      layer_text(get_int(one, "LayerAfter")));
        rows.push_back(std::move(row));
    }
    const ListView list{.table = "table {{.Kind}}\t{{.Before}}\t{{.After}}\t{{.Layers}}\t{{.Path}}",
                        .headings = {{"Kind", "KIND"},
                                     {"Before", "BEFORE"},
                                     {"After", "AFTER"},
                                     {"Growth", "GROWTH"},
                                     {"Layers", "LAYERS"},
                                     {"Path", "PATH"}}};
    TRY(context.print(TRY(render_list(list, flags.text("format"), rows))));
    return 0;
}

}  // namespace

Command image_layers_command() {
    return {
        .name = "layers",
        .arguments = "IMAGE",
        .summary = "Show what each layer of an image brings, and what it hides of those below",
        .example =
            "berth image layers app:dev\nberth image layers --format '{{.Number}} {{.Largest}}' "
            "app:dev",
        .flags =
            {{.name = "format", .kind = FlagKind::Text, .help = "table, json or a Go template"},
             {.name = "no-trunc", .help = "Shorten nothing"},
             {.name = "platform", .kind = FlagKind::Text, .help = "The variant for this platform"}},
        .least = 1,
        .most = 1,
        .run = run_layers};
}

Command image_diff_command() {
    return {.name = "diff",
            .arguments = "IMAGE IMAGE",
            .summary = "Show which files differ between two images: A added, C changed, D deleted",
            .example = "berth image diff app:1 app:2",
            .flags = {{.name = "format",
                       .kind = FlagKind::Text,
                       .help = "table, json or a Go template"}},
            .least = 2,
            .most = 2,
            .run = run_diff};
}

}  // namespace berth::cli
