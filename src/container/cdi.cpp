#include "container/cdi.h"

#include <algorithm>

#include "base/text.h"
#include "codec/yaml.h"
#include "sys/file.h"

namespace berth::container {
namespace {

using codec::find_member;
using codec::get_string;
using codec::Json;

constexpr std::size_t max_file_bytes = 4 << 20;
constexpr std::size_t max_files = 256;

template <typename T>
std::optional<T> member_number(const Json& object, const char* key) {
    const Json* member = find_member(object, key);
    if (member == nullptr || !member->is_number_integer()) return std::nullopt;
    return member->get<T>();
}

const Json& list_of(const Json& object, const char* key) {
    static const Json none = Json::array();
    const Json* member = find_member(object, key);
    return member != nullptr && member->is_array() ? *member : none;
}

void add_hook(const Json& json, oci::RuntimeHooks& hooks) {
    oci::RuntimeHook hook{.path = get_string(json, "path"),
                          .args = codec::get_strings(json, "args"),
                          .env = codec::get_strings(json, "env"),
                          .timeout = member_number<int>(json, "timeout")};
    const std::string name = get_string(json, "hookName");
    if (name == "prestart")
        hooks.prestart.push_back(std::move(hook));
    else if (name == "createRuntime")
        hooks.create_runtime.push_back(std::move(hook));
    else if (name == "createContainer")
        hooks.create_container.push_back(std::move(hook));
    else if (name == "startContainer")
        hooks.start_container.push_back(std::move(hook));
    else if (name == "poststart")
        hooks.poststart.push_back(std::move(hook));
    else if (name == "poststop")
        hooks.poststop.push_back(std::move(hook));
}

void add_edits(const Json& holder, CdiEdits& out) {
    const Json* edits = find_member(holder, "containerEdits");
    if (edits == nullptr || !edits->is_object()) return;
    for (std::string& line : codec::get_strings(*edits, "env")) out.env.push_back(std::move(line));
    for (const Json& node : list_of(*edits, "deviceNodes")) {
        CdiEdits::Node made{.path = get_string(node, "path"),
                            .host_path = get_string(node, "hostPath"),
                            .type = get_string(node, "type"),
                            .permissions = get_string(node, "permissions", "rwm"),
                            .major = member_number<std::int64_t>(node, "major"),
                            .minor = member_number<std::int64_t>(node, "minor"),
                            .file_mode = member_number<std::uint32_t>(node, "fileMode"),
                            .uid = member_number<std::uint32_t>(node, "uid"),
                            .gid = member_number<std::uint32_t>(node, "gid")};
        if (made.host_path.empty()) made.host_path = made.path;
        if (made.path.starts_with('/')) out.nodes.push_back(std::move(made));
    }
    for (const Json& mount : list_of(*edits, "mounts")) {
        oci::RuntimeMount made{.destination = get_string(mount, "containerPath"),
                               .type = get_string(mount, "type", "bind"),
                               .source = get_string(mount, "hostPath"),
                               .options = codec::get_strings(mount, "options"),
                               .uid_mappings = {},
                               .gid_mappings = {}};
        if (made.type == "bind" && std::ranges::find(made.options, "bind") == made.options.end() &&
            std::ranges::find(made.options, "rbind") == made.options.end()) {
            made.options.emplace_back("rbind");
        }
        if (made.destination.starts_with('/')) out.mounts.push_back(std::move(made));
    }
    for (const Json& hook : list_of(*edits, "hooks")) add_hook(hook, out.hooks);
    for (const Json& gid : list_of(*edits, "additionalGids")) {
        if (gid.is_number_unsigned() && gid.get<std::uint64_t>() != 0)
            out.additional_gids.push_back(gid.get<std::uint32_t>());
    }
}

struct Parsed {
    std::string path, kind;
    Json document;
};

struct ParsedFiles {
    std::vector<Parsed> good;
    std::vector<std::string> problems;
};

ParsedFiles parse_files(const std::vector<CdiFile>& files) {
    ParsedFiles out;
    for (const CdiFile& file : files) {
        // YAML includes JSON.
        const auto node = codec::parse_yaml(file.text, file.path);
        Json document = node ? codec::to_json(*node) : Json();
        const std::string kind = document.is_object() ? get_string(document, "kind") : "";
        if (!node)
            out.problems.push_back(node.error().message());
        else if (kind.empty())
            out.problems.push_back(concat(file.path, ": no kind"));
        else
            out.good.push_back({file.path, kind, std::move(document)});
    }
    return out;
}

const Json* find_device(const Json& document, std::string_view name) {
    for (const Json& device : list_of(document, "devices")) {
        const Json* known = find_member(device, "name");
        if (known == nullptr) continue;
        // YAML reads the name 0 as a number.
        const std::string text =
            known->is_string() ? known->get<std::string>() : codec::dump_json(*known);
        if (text == name) return &device;
    }
    return nullptr;
}

}  // namespace

Result<CdiEdits> resolve_cdi(const std::vector<CdiFile>& files,
                             const std::vector<std::string>& names) {
    const ParsedFiles parsed = parse_files(files);
    CdiEdits out;
    std::vector<std::string> missing;
    std::vector<const Parsed*> used;
    for (const std::string& name : names) {
        const auto parts = split_once(name, '=');
        const Json* device = nullptr;
        const Parsed* holder = nullptr;
        for (const Parsed& file : parsed.good) {
            if (!parts || file.kind != parts->first) continue;
            if (const Json* found = find_device(file.document, parts->second)) {
                device = found;
                holder = &file;
            }
        }
        if (device == nullptr) {
            missing.push_back(name);
            continue;
        }
        if (std::ranges::find(used, holder) == used.end()) {
            used.push_back(holder);
            add_edits(holder->document, out);
        }
        add_edits(*device, out);
    }
    if (missing.empty()) return out;
    return fail(ErrorCode::InvalidArgument,
                "CDI device injection failed: unresolvable CDI devices ", join(missing, ", "))
        .with_hint(parsed.problems.empty()
                       ? std::string("devices are described in /etc/cdi and /var/run/cdi")
                       : join(parsed.problems, "; "));
}

std::vector<std::string> list_cdi_devices(const std::vector<CdiFile>& files,
                                          std::string_view kind) {
    std::vector<std::string> out;
    for (const Parsed& file : parse_files(files).good) {
        if (file.kind != kind) continue;
        for (const Json& device : list_of(file.document, "devices")) {
            const Json* name = find_member(device, "name");
            if (name == nullptr) continue;
            const std::string text =
                name->is_string() ? name->get<std::string>() : codec::dump_json(*name);
            if (std::ranges::find(out, text) == out.end()) out.push_back(text);
        }
    }
    return out;
}

std::vector<CdiFile> read_cdi_files(const std::vector<std::string>& directories) {
    std::vector<CdiFile> out;
    for (const std::string& directory : directories) {
        auto entries = sys::list_dir(directory);
        if (!entries) continue;
        std::ranges::sort(*entries, {}, &sys::DirEntry::name);
        for (const sys::DirEntry& entry : *entries) {
            const bool is_spec = entry.name.ends_with(".json") || entry.name.ends_with(".yaml") ||
                                 entry.name.ends_with(".yml");
            if (!is_spec || out.size() >= max_files) continue;
            const std::string path = concat(directory, "/", entry.name);
            if (auto text = sys::read_file(path, max_file_bytes))
                out.push_back({path, std::move(*text)});
        }
    }
    return out;
}

}  // namespace berth::container
