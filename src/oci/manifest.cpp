#include "oci/manifest.h"

#include "oci/descriptor_json_internal.h"
#include "oci/media_type.h"

namespace berth::oci {

using codec::Json;

namespace {

Result<std::vector<Descriptor>> read_descriptors(const Json& object, std::string_view key) {
    const Json* list = codec::find_member(object, key);
    std::vector<Descriptor> out;
    if (!list) return out;
    if (!list->is_array()) return fail(ErrorCode::InvalidArgument, "\"", key, "\" is not a list");
    for (std::size_t i = 0; i < list->size(); ++i)
        out.push_back(TRY(read_descriptor((*list)[i], concat(key, "[", i, "]"))));
    return out;
}

Result<std::optional<Descriptor>> read_subject(const Json& object) {
    const Json* subject = codec::find_member(object, "subject");
    if (!subject) return std::optional<Descriptor>();
    return std::optional<Descriptor>(TRY(read_descriptor(*subject, "subject")));
}

Result<Manifest> read_manifest(const Json& document, std::string media_type) {
    Manifest out;
    out.media_type = std::move(media_type);
    const Json* config = codec::find_member(document, "config");
    if (!config) return fail(ErrorCode::InvalidArgument, "the manifest has no config");
    out.config = TRY(read_descriptor(*config, "config"));
    out.layers = TRY(read_descriptors(document, "layers"));
    out.subject = TRY(read_subject(document));
    out.artifact_type = codec::get_string(document, "artifactType");
    out.annotations = read_annotations(document);
    return out;
}

Result<Index> read_index(const Json& document, std::string media_type) {
    Index out;
    out.media_type = std::move(media_type);
    out.manifests = TRY(read_descriptors(document, "manifests"));
    out.subject = TRY(read_subject(document));
    out.artifact_type = codec::get_string(document, "artifactType");
    out.annotations = read_annotations(document);
    return out;
}

/// "application/x; charset=utf-8" without parameters.
std::string_view essence(std::string_view type) { return trim(type.substr(0, type.find(';'))); }

/// The type that the document has by its own word, by who sent it, or by its members.
Result<std::string> type_of(const Json& document, std::string_view declared) {
    declared = essence(declared);
    if (declared == "application/json" || declared == "application/octet-stream" ||
        declared == "text/plain")
        declared = {};
    const std::string own = codec::get_string(document, "mediaType");
    if (!own.empty() && !declared.empty() && own != declared)
        return fail(ErrorCode::InvalidArgument, "the manifest says it is ", own,
                    " but was sent as ", declared);
    const auto version = codec::get_int(document, "schemaVersion");
    if (version == 1 || document.contains("fsLayers"))
        return fail(ErrorCode::Unsupported,
                    "Docker image manifest version 2, schema 1 is obsolete and not supported")
            .with_hint("push the image again with a current tool");
    if (version != 2)
        return fail(ErrorCode::InvalidArgument, "the manifest has no schemaVersion 2");
    if (!own.empty()) return own;
    if (!declared.empty()) return std::string(declared);
    if (document.contains("manifests") && !document.contains("config"))
        return std::string(media_type::oci_index);
    return std::string(media_type::oci_manifest);
}

void add_head(Json& out, const std::string& media_type, const std::string& artifact_type) {
    out["schemaVersion"] = 2;
    out["mediaType"] = media_type;
    if (!artifact_type.empty()) out["artifactType"] = artifact_type;
}

Json write_all(const std::vector<Descriptor>& descriptors) {
    Json out = Json::array();
    for (const auto& descriptor : descriptors) out.push_back(write_descriptor(descriptor));
    return out;
}

}  // namespace

Result<std::variant<Manifest, Index>> parse_manifest_or_index(std::string_view json,
                                                              std::string_view declared_type) {
    using Either = std::variant<Manifest, Index>;
    if (json.size() > max_manifest_bytes)
        return fail(ErrorCode::InvalidArgument, "the manifest is larger than ", max_manifest_bytes,
                    " bytes");
    const Json document = TRY(codec::parse_json(json));
    if (!document.is_object())
        return fail(ErrorCode::InvalidArgument, "the manifest is not a JSON object");
    std::string type = TRY(type_of(document, declared_type));
    // A document that means one thing as a manifest and another as an index is an attack.
    // CVE-2021-41190.
    const bool has_layers = document.contains("layers") || document.contains("config");
    if (has_layers && document.contains("manifests"))
        return fail(ErrorCode::InvalidArgument,
                    "the manifest has members of both a manifest and an index");
    if (media_type::is_index(type)) return Either(TRY(read_index(document, std::move(type))));
    if (media_type::is_manifest(type)) return Either(TRY(read_manifest(document, std::move(type))));
    return fail(ErrorCode::Unsupported, "unknown manifest type ", type);
}

Result<Manifest> parse_manifest(std::string_view json, std::string_view declared_type) {
    auto either = TRY(parse_manifest_or_index(json, declared_type));
    if (auto* manifest = std::get_if<Manifest>(&either)) return std::move(*manifest);
    return fail(ErrorCode::InvalidArgument, "expected a manifest, found an index");
}

Result<Index> parse_index(std::string_view json, std::string_view declared_type) {
    auto either = TRY(parse_manifest_or_index(json, declared_type));
    if (auto* index = std::get_if<Index>(&either)) return std::move(*index);
    return fail(ErrorCode::InvalidArgument, "expected an index, found a manifest");
}

std::vector<Descriptor> children(const std::variant<Manifest, Index>& document) {
    if (const auto* index = std::get_if<Index>(&document)) return index->manifests;
    const auto& manifest = std::get<Manifest>(document);
    std::vector<Descriptor> out{manifest.config};
    out.insert(out.end(), manifest.layers.begin(), manifest.layers.end());
    return out;
}

std::string Manifest::to_json() const {
    Json out = Json::object();
    add_head(out, media_type, artifact_type);
    out["config"] = write_descriptor(config);
    out["layers"] = write_all(layers);
    if (subject) out["subject"] = write_descriptor(*subject);
    write_annotations(out, annotations);
    return codec::dump_json_pretty(out, 2);
}

std::string Index::to_json() const {
    Json out = Json::object();
    add_head(out, media_type, artifact_type);
    out["manifests"] = write_all(manifests);
    if (subject) out["subject"] = write_descriptor(*subject);
    write_annotations(out, annotations);
    return codec::dump_json_pretty(out, 2);
}

const Descriptor* Index::find(const Platform& wanted) const {
    const Descriptor* best = nullptr;
    int best_score = 0;
    for (const auto& entry : manifests) {
        if (!media_type::is_manifest(entry.media_type)) continue;
        // Without a platform the entry may be anything: only better than nothing.
        const int score =
            entry.platform && !entry.platform->is_empty() ? match(wanted, *entry.platform) : 1;
        if (entry.platform && entry.platform->os == "unknown") continue;
        if (score > best_score) best = &entry, best_score = score;
    }
    return best;
}

}  // namespace berth::oci
