#include "cli/manifest/list_file.h"

#include <algorithm>

#include "codec/json.h"
#include "oci/media_type.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::cli {

namespace {
constexpr std::size_t max_list_bytes = 4 << 20;
}

ManifestList::Entry* ManifestList::find(const oci::Reference& manifest) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
        return entry.from == manifest.to_string();
    });
    return found == entries.end() ? nullptr : &*found;
}

std::string ManifestList::to_index_json() const {
    oci::Index index;
    const bool is_docker = std::all_of(entries.begin(), entries.end(), [](const Entry& entry) {
        return entry.descriptor.media_type == oci::media_type::docker_manifest;
    });
    index.media_type =
        std::string(is_docker ? oci::media_type::docker_list : oci::media_type::oci_index);
    for (const auto& entry : entries) index.manifests.push_back(entry.descriptor);
    return index.to_json();
}

std::string ManifestLists::path_of(const oci::Reference& name) const {
    // Signs that no name has: with others a/b and a_b would be one file.
    return concat(folder_, "/", replace_all(replace_all(name.to_string(), "/", "="), ":", "+"),
                  ".json");
}

Result<std::optional<ManifestList>> ManifestLists::find(const oci::Reference& name) const {
    const std::string path = path_of(name);
    const auto text = sys::read_file(path, max_list_bytes);
    if (text.is_error() && text.error().is(ErrorCode::NotFound))
        return std::optional<ManifestList>();
    if (text.is_error()) return text.error().clone();
    const auto json = TRY(codec::parse_json(*text).context(path));
    ManifestList list{.name = name, .entries = {}};
    if (const auto* entries = codec::find_member(json, "manifests")) {
        for (const auto& item : *entries) {
            ManifestList::Entry entry{.from = codec::get_string(item, "from"), .descriptor = {}};
            const auto* descriptor = codec::find_member(item, "descriptor");
            entry.descriptor = TRY(
                oci::Descriptor::parse(codec::dump_json(descriptor ? *descriptor : codec::Json()))
                    .context(path));
            list.entries.push_back(std::move(entry));
        }
    }
    return std::optional(std::move(list));
}

Result<> ManifestLists::save(const ManifestList& list) const {
    codec::Json json{
        {"version", 1}, {"name", list.name.to_string()}, {"manifests", codec::Json::array()}};
    for (const auto& entry : list.entries) {
        const auto descriptor = TRY(codec::parse_json(entry.descriptor.to_json()));
        json["manifests"].push_back({{"from", entry.from}, {"descriptor", descriptor}});
    }
    TRY(sys::mkdir_all(folder_, 0700));
    return sys::write_file_atomic(path_of(list.name), codec::dump_json_pretty(json), 0600);
}

Result<bool> ManifestLists::remove(const oci::Reference& name) const {
    const std::string path = path_of(name);
    if (!sys::exists(path)) return false;
    TRY(sys::unlink_at(AT_FDCWD, path));
    return true;
}

}  // namespace berth::cli
