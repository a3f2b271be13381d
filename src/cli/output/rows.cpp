#include "cli/output/rows.h"

#include <algorithm>
#include <tuple>

#include "base/clock.h"
#include "cli/output/table.h"
#include "cli/units.h"

namespace berth::cli {

using codec::get_int;
using codec::get_string;
using codec::Json;

std::vector<Flag> list_flags() {
    return {{.name = "filter",
             .letter = 'f',
             .kind = FlagKind::List,
             .help = "Only what fits (key=value)"},
            {.name = "format",
             .kind = FlagKind::Text,
             .help = "table, json, \"table TEMPLATE\" or a Go template"},
            {.name = "no-trunc", .help = "Shorten nothing"},
            {.name = "quiet", .letter = 'q', .help = "Only names or ids"}};
}

Result<api::Filters> filters_of(const Flags& flags) {
    api::Filters filters;
    for (const auto& text : flags.list("filter")) {
        const auto parts = split_once(text, '=');
        if (!parts || parts->first.empty()) {
            return fail(ErrorCode::InvalidArgument, "invalid filter \"", text, "\"")
                .with_hint("filters are key=value, such as name=web or label=tier");
        }
        filters.add(to_lower(trim(parts->first)), std::string(trim(parts->second)));
    }
    return filters;
}

std::string short_id(std::string_view id, bool full) {
    if (full) return std::string(id);
    if (id.starts_with("sha256:")) id.remove_prefix(7);
    return std::string(id.substr(0, 12));
}

std::chrono::sys_seconds now_seconds() {
    return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string shorten(const std::string& text, std::size_t characters) {
    if (display_width(text) <= characters) return text;
    std::string out;
    std::size_t count = 0;
    for (const char c : text) {
        if ((c & 0xC0) != 0x80 && ++count == characters) break;
        out += c;
    }
    return out + "…";
}

std::string ports_text(const Json& ports) {
    struct Port {
        std::string ip, type;
        std::int64_t inside = 0, outside = 0;
    };
    std::vector<Port> list;
    for (const auto& port : ports) {
        list.push_back({get_string(port, "IP"), get_string(port, "Type"),
                        get_int(port, "PrivatePort"), get_int(port, "PublicPort")});
    }
    std::sort(list.begin(), list.end(), [](const Port& a, const Port& b) {
        return std::tuple(a.outside == 0, a.type, a.ip, a.inside) <
               std::tuple(b.outside == 0, b.type, b.ip, b.inside);
    });
    std::vector<std::string> parts;
    for (std::size_t first = 0; first < list.size();) {
        std::size_t last = first;
        auto follows = [&](const Port& a, const Port& b) {
            return a.ip == b.ip && a.type == b.type && b.inside == a.inside + 1 &&
                   (a.outside == 0 ? b.outside == 0 : b.outside == a.outside + 1);
        };
        while (last + 1 < list.size() && follows(list[last], list[last + 1])) ++last;
        auto range = [](std::int64_t a, std::int64_t b) {
            return a == b ? concat(a) : concat(a, "-", b);
        };
        const Port& port = list[first];
        std::string text = concat(range(port.inside, list[last].inside), "/", port.type);
        if (port.outside != 0) {
            const std::string ip =
                port.ip.find(':') != std::string::npos ? concat("[", port.ip, "]") : port.ip;
            text = concat(ip, ip.empty() ? "" : ":", range(port.outside, list[last].outside), "->",
                          text);
        }
        parts.push_back(std::move(text));
        first = last + 1;
    }
    return join(parts, ", ");
}

Row container_row(const Json& container, bool full) {
    Row row;
    if (const auto* labels = codec::find_member(container, "Labels")) row.labels = *labels;
    std::vector<std::string> names, mounts, networks;
    for (const auto& name : codec::get_strings(container, "Names")) {
        const std::string plain = name.starts_with('/') ? name.substr(1) : name;
        if (plain.find('/') == std::string::npos || full) names.push_back(plain);
    }
    int local_volumes = 0;
    if (const auto* list = codec::find_member(container, "Mounts")) {
        for (const auto& mount : *list) {
            const std::string name = get_string(mount, "Name");
            const std::string shown = name.empty() ? get_string(mount, "Source") : name;
            mounts.push_back(full ? shown : shorten(shown, 15));
            if (get_string(mount, "Driver") == "local") ++local_volumes;
        }
    }
    if (const auto* settings = codec::find_member(container, "NetworkSettings")) {
        if (const auto* list = codec::find_member(*settings, "Networks")) {
            for (const auto& [name, value] : list->items()) networks.push_back(name);
        }
    }
    std::sort(networks.begin(), networks.end());
    const std::string command = get_string(container, "Command");
    const std::int64_t created = get_int(container, "Created");
    const std::string image = get_string(container, "Image");
    std::string size = human_size(static_cast<double>(get_int(container, "SizeRw")));
    if (const auto root = get_int(container, "SizeRootFs"); root > 0)
        size += concat(" (virtual ", human_size(static_cast<double>(root)), ")");
    Json& f = row.fields;
    f["Command"] = concat("\"", full ? command : shorten(command, 20), "\"");
    f["CreatedAt"] = replace_all(to_rfc3339(Timestamp(std::chrono::seconds(created))), "T", " ");
    f["CreatedAt"] = concat(f["CreatedAt"].get<std::string>().substr(0, 19), " +0000 UTC");
    f["ID"] = short_id(get_string(container, "Id"), full);
    f["Image"] = image.starts_with("sha256:") ? short_id(image, full)
                 : image.empty()              ? "<no image>"
                                              : image;
    f["Labels"] = join_labels(row.labels);
    f["LocalVolumes"] = concat(local_volumes);
    f["Mounts"] = join(mounts, ",");
    f["Names"] = join(names, ",");
    f["Networks"] = join(networks, ",");
    const auto* ports = codec::find_member(container, "Ports");
    f["Ports"] = ports != nullptr ? ports_text(*ports) : "";
    f["RunningFor"] = ago(created, now_seconds());
    f["Size"] = size;
    f["State"] = get_string(container, "State");
    f["Status"] = get_string(container, "Status");
    return row;
}

}  // namespace berth::cli
