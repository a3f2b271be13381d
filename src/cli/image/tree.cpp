#include "cli/image/tree.h"

#include "cli/output/rows.h"
#include "cli/output/table.h"
#include "cli/units.h"

namespace berth::cli {

namespace {

using codec::get_int;
using codec::get_string;
using codec::Json;

std::string bytes_text(std::int64_t bytes) { return human_size(static_cast<double>(bytes)); }

std::string platform_text(const Json& manifest) {
    const auto* data = codec::find_member(manifest, "ImageData");
    const auto* platform = data ? codec::find_member(*data, "Platform") : nullptr;
    if (!platform) return get_string(manifest, "Kind", "unknown");
    const std::string variant = get_string(*platform, "variant");
    return concat(get_string(*platform, "os"), "/", get_string(*platform, "architecture"),
                  variant.empty() ? "" : "/", variant);
}

std::pair<std::int64_t, std::int64_t> sizes_of(const Json& manifest) {
    const auto* size = codec::find_member(manifest, "Size");
    return size ? std::pair{get_int(*size, "Total"), get_int(*size, "Content")}
                : std::pair<std::int64_t, std::int64_t>();
}

std::string line(const std::vector<std::string>& cells) { return join(cells, "\t") + "\n"; }

std::string name_of(const Json& image) {
    const auto tags = codec::get_strings(image, "RepoTags");
    return tags.empty() || tags.front() == "<none>:<none>" ? "<untagged>" : join(tags, ", ");
}

}  // namespace

std::string image_tree(const Json& images, bool full_ids) {
    std::string rows = line({"IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "EXTRA"});
    for (const auto& image : images) {
        const auto* list = codec::find_member(image, "Manifests");
        std::vector<const Json*> variants;
        std::int64_t content = 0;
        static const Json none = Json::array();
        for (const auto& manifest : list ? *list : none) {
            content += sizes_of(manifest).second;
            // What is said about a variant belongs to it.
            if (get_string(manifest, "Kind") != "attestation") variants.push_back(&manifest);
        }
        rows += line({name_of(image), short_id(get_string(image, "Id"), full_ids),
                      bytes_text(get_int(image, "Size")), bytes_text(content),
                      get_int(image, "Containers") > 0 ? "U" : ""});
        for (const Json* variant : variants) {
            const auto [total, kept] = sizes_of(*variant);
            rows +=
                line({concat(variant == variants.back() ? "└─ " : "├─ ", platform_text(*variant)),
                      short_id(get_string(*variant, "ID"), full_ids), bytes_text(total),
                      bytes_text(kept), ""});
        }
    }
    return align_columns(rows);
}

}  // namespace berth::cli
