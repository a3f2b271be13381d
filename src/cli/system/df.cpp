#include <algorithm>
#include <optional>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/rows.h"
#include "cli/output/table.h"
#include "cli/units.h"

namespace berth::cli {

namespace {

using codec::find_member;
using codec::get_int;
using codec::get_string;
using codec::Json;

struct Usage {
    std::string_view type;
    int total = 0, active = 0;
    std::int64_t size = 0, reclaimable = 0;
};

const Json& list_of(const Json& usage, std::string_view name) {
    static const Json empty = Json::array();
    const auto* list = find_member(usage, name);
    return list != nullptr ? *list : empty;
}

/// `prunable`: what `image prune -a` would give back, from an engine that says so. From others it
/// is what Docker's client makes of their sizes: everything that is not of a used image alone.
Usage images_usage(const Json& usage, std::optional<std::int64_t> prunable) {
    Usage out{"Images"};
    out.size = get_int(usage, "LayersSize");
    std::int64_t active_size = 0;
    for (const auto& image : list_of(usage, "Images")) {
        ++out.total;
        if (get_int(image, "Containers") <= 0) continue;
        ++out.active;
        active_size +=
            get_int(image, "Size") - std::max<std::int64_t>(get_int(image, "SharedSize"), 0);
    }
    out.reclaimable = std::max<std::int64_t>(out.size - active_size, 0);
    if (out.active == out.total) out.reclaimable = 0;
    if (prunable) out.reclaimable = std::min(*prunable, out.size);
    return out;
}

Usage containers_usage(const Json& usage) {
    Usage out{"Containers"};
    for (const auto& container : list_of(usage, "Containers")) {
        ++out.total;
        const std::string state = get_string(container, "State");
        const bool active = state == "running" || state == "paused" || state == "restarting";
        out.size += get_int(container, "SizeRw");
        if (active)
            ++out.active;
        else
            out.reclaimable += get_int(container, "SizeRw");
    }
    return out;
}

Usage volumes_usage(const Json& usage) {
    Usage out{"Local Volumes"};
    for (const auto& volume : list_of(usage, "Volumes")) {
        ++out.total;
        const auto* data = find_member(volume, "UsageData");
        const std::int64_t size =
            data != nullptr ? std::max<std::int64_t>(get_int(*data, "Size"), 0) : 0;
        out.size += size;
        if (data != nullptr && get_int(*data, "RefCount") > 0)
            ++out.active;
        else
            out.reclaimable += size;
    }
    return out;
}

Usage cache_usage(const Json& usage) {
    Usage out{"Build Cache"};
    for (const auto& entry : list_of(usage, "BuildCache")) {
        ++out.total;
        const std::int64_t size = get_int(entry, "Size");
        if (!codec::get_bool(entry, "Shared")) out.size += size;
        if (codec::get_bool(entry, "InUse"))
            ++out.active;
        else if (!codec::get_bool(entry, "Shared"))
            out.reclaimable += size;
    }
    return out;
}

Row usage_row(const Usage& usage) {
    std::string reclaimable = human_size(static_cast<double>(usage.reclaimable), 4);
    if (usage.size > 0) reclaimable += concat(" (", usage.reclaimable * 100 / usage.size, "%)");
    Row row;
    row.fields["Active"] = concat(usage.active);
    row.fields["Reclaimable"] = reclaimable;
    row.fields["Size"] = human_size(static_cast<double>(usage.size), 4);
    row.fields["TotalCount"] = concat(usage.total);
    row.fields["Type"] = std::string(usage.type);
    return row;
}

std::string size_text(std::int64_t bytes) { return human_size(static_cast<double>(bytes)); }

/// What du(1) says of the data root, largest part first.
std::string root_text(const Json& root) {
    std::vector<const Json*> parts;
    for (const auto& part : list_of(root, "Parts")) parts.push_back(&part);
    std::stable_sort(parts.begin(), parts.end(), [](const Json* a, const Json* b) {
        return get_int(*a, "Size") > get_int(*b, "Size");
    });
    std::string text = "HOLDS\tON DISK\n";
    for (const Json* part : parts)
        text += concat(get_string(*part, "Holds"), "\t", size_text(get_int(*part, "Size")), "\n");
    text += concat("total\t", size_text(get_int(root, "Total")), "\n");
    return concat("\nData root ", get_string(root, "Root"), ":\n\n", align_columns(text));
}

/// What Berth says of one object of the data root, by id or, for volumes, by name; nothing of an
/// engine that is another.
const Json* object_of(const Json& usage, std::string_view type, const std::string& key) {
    const auto* root = find_member(usage, "DataRoot");
    if (root == nullptr) return nullptr;
    for (const auto& object : list_of(*root, "Objects")) {
        if (get_string(object, "Type") != type) continue;
        const bool is_it = type == "volume"
                               ? codec::get_strings(object, "Names") == std::vector{key}
                               : get_string(object, "ID") == key;
        if (is_it) return &object;
    }
    return nullptr;
}

std::string verbose_text(const Json& usage) {
    std::string images =
        "REPOSITORY\tTAG\tIMAGE ID\tCREATED\tSIZE\tSHARED SIZE\tUNIQUE SIZE\tCONTAINERS\n";
    for (const auto& image : list_of(usage, "Images")) {
        auto tags = codec::get_strings(image, "RepoTags");
        if (tags.empty()) tags.emplace_back("<none>:<none>");
        auto size = get_int(image, "Size");
        auto shared = std::max<std::int64_t>(get_int(image, "SharedSize"), 0);
        // With what the build cache has, too, and in blocks of the file system.
        if (const Json* object = object_of(usage, "image", get_string(image, "Id"))) {
            size = get_int(*object, "Size");
            shared = size - get_int(*object, "Unique");
        }
        for (const auto& tag : tags) {
            const auto colon = tag.rfind(':');
            images += concat(tag.substr(0, colon), "\t", tag.substr(colon + 1), "\t",
                             short_id(get_string(image, "Id")), "\t",
                             ago(get_int(image, "Created"), now_seconds()), "\t", size_text(size),
                             "\t", size_text(shared), "\t", size_text(size - shared), "\t",
                             get_int(image, "Containers"), "\n");
        }
    }
    std::string containers = "CONTAINER ID\tIMAGE\tSIZE\tON DISK\tSTATUS\tNAMES\n";
    for (const auto& container : list_of(usage, "Containers")) {
        const Row row = container_row(container, false);
        const Json* object = object_of(usage, "container", get_string(container, "Id"));
        containers +=
            concat(get_string(row.fields, "ID"), "\t", get_string(row.fields, "Image"), "\t",
                   get_string(row.fields, "Size"), "\t",
                   object != nullptr ? size_text(get_int(*object, "Unique")) : "N/A", "\t",
                   get_string(row.fields, "Status"), "\t", get_string(row.fields, "Names"), "\n");
    }
    std::string volumes = "VOLUME NAME\tLINKS\tSIZE\n";
    for (const auto& volume : list_of(usage, "Volumes")) {
        const auto* data = find_member(volume, "UsageData");
        const Json* object = object_of(usage, "volume", get_string(volume, "Name"));
        const auto size = object != nullptr ? get_int(*object, "Size")
                          : data != nullptr ? get_int(*data, "Size")
                                            : 0;
        volumes +=
            concat(get_string(volume, "Name"), "\t",
                   data != nullptr ? get_int(*data, "RefCount") : 0, "\t", size_text(size), "\n");
    }
    std::string cache =
        "CACHE ID\tCACHE TYPE\tSIZE\tUNIQUE SIZE\tCREATED\tLAST USED\tUSAGE\tSHARED\n";
    for (const auto& entry : list_of(usage, "BuildCache")) {
        const Json* object = object_of(usage, "build-cache", get_string(entry, "ID"));
        cache += concat(get_string(entry, "ID").substr(0, 12), "\t", get_string(entry, "Type"),
                        "\t", human_size(static_cast<double>(get_int(entry, "Size"))), "\t",
                        object != nullptr ? size_text(get_int(*object, "Unique")) : "N/A", "\t",
                        ago(get_string(entry, "CreatedAt"), now_seconds()), "\t",
                        ago(get_string(entry, "LastUsedAt"), now_seconds()), "\t",
                        get_int(entry, "UsageCount"), "\t", codec::get_bool(entry, "Shared"), "\n");
    }
    return concat("Images space usage:\n\n", align_columns(images), "\nContainers space usage:\n\n",
                  align_columns(containers), "\nLocal Volumes space usage:\n\n",
                  align_columns(volumes), "\nBuild cache usage:\n\n", align_columns(cache));
}

Result<int> run_df(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    auto usage = TRY(engine->disk_usage());
    if (flags.is_set("verbose")) {
        const std::string format = flags.text("format");
        // Another engine than Berth has no such answer.
        auto root = engine->data_root_usage();
        if (root) usage["DataRoot"] = *root;
        if (!format.empty()) {
            TRY(context.print(TRY(render_document(format, usage))));
            return 0;
        }
        TRY(context.print(concat(verbose_text(usage), root ? root_text(*root) : std::string())));
        return 0;
    }
    const auto plan = engine->prune_plan({.types = {"image"}, .all_images = true});
    const auto prunable = plan ? std::optional(get_int(*plan, "Total")) : std::nullopt;
    const std::vector<Row> rows = {usage_row(images_usage(usage, prunable)),
                                   usage_row(containers_usage(usage)),
                                   usage_row(volumes_usage(usage)), usage_row(cache_usage(usage))};
    const ListView view{
        .table = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
        .headings = {{"Type", "TYPE"},
                     {"TotalCount", "TOTAL"},
                     {"Active", "ACTIVE"},
                     {"Size", "SIZE"},
                     {"Reclaimable", "RECLAIMABLE"}}};
    TRY(context.print(TRY(render_list(view, flags.text("format"), rows))));
    return 0;
}

}  // namespace

Command df_command() {
    return {.name = "df",
            .summary = "Show what uses how much disk",
            .example = "berth system df -v",
            .flags =
                {{.name = "format", .kind = FlagKind::Text, .help = "table, json or a Go template"},
                 {.name = "verbose", .letter = 'v', .help = "Each image, container and volume"}},
            .run = run_df};
}

}  // namespace berth::cli
