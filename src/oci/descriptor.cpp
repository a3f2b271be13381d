#include "oci/descriptor.h"

#include "oci/descriptor_json_internal.h"

namespace berth::oci {

using codec::Json;

namespace {

Platform read_platform(const Json& value) {
    Platform out;
    out.os = codec::get_string(value, "os");
    out.architecture = codec::get_string(value, "architecture");
    out.variant = codec::get_string(value, "variant");
    out.os_version = codec::get_string(value, "os.version");
    out.os_features = codec::get_strings(value, "os.features");
    return out;
}

Json write_platform(const Platform& platform) {
    Json out = {{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.os_version.empty()) out["os.version"] = platform.os_version;
    if (!platform.os_features.empty()) out["os.features"] = platform.os_features;
    if (!platform.variant.empty()) out["variant"] = platform.variant;
    return out;
}

}  // namespace

Annotations read_annotations(const Json& object) {
    return codec::get_string_map(object, "annotations");
}

void write_annotations(Json& object, const Annotations& annotations) {
    if (annotations.empty()) return;
    Json map = Json::object();
    for (const auto& [key, value] : annotations) map[key] = value;
    object["annotations"] = std::move(map);
}

Result<Descriptor> read_descriptor(const Json& value, std::string_view where) {
    if (!value.is_object()) return fail(ErrorCode::InvalidArgument, where, " is not a descriptor");
    Descriptor out;
    out.media_type = TRY(codec::require_string(value, "mediaType").context(where));
    out.digest = TRY(
        Digest::parse(TRY(codec::require_string(value, "digest").context(where))).context(where));
    out.size = TRY(codec::require_int(value, "size").context(where));
    if (out.size < 0) return fail(ErrorCode::InvalidArgument, where, ": negative size");
    out.annotations = read_annotations(value);
    out.artifact_type = codec::get_string(value, "artifactType");
    out.urls = codec::get_strings(value, "urls");
    if (const Json* platform = codec::find_member(value, "platform");
        platform && platform->is_object())
        out.platform = read_platform(*platform);
    return out;
}

Json write_descriptor(const Descriptor& descriptor) {
    Json out = {{"mediaType", descriptor.media_type},
                {"digest", descriptor.digest.to_string()},
                {"size", descriptor.size}};
    if (!descriptor.urls.empty()) out["urls"] = descriptor.urls;
    write_annotations(out, descriptor.annotations);
    if (descriptor.platform) out["platform"] = write_platform(*descriptor.platform);
    if (!descriptor.artifact_type.empty()) out["artifactType"] = descriptor.artifact_type;
    return out;
}

std::string Descriptor::annotation(std::string_view key) const {
    for (const auto& [name, value] : annotations)
        if (name == key) return value;
    return {};
}

std::string Descriptor::to_json() const { return codec::dump_json(write_descriptor(*this)); }

Result<Descriptor> Descriptor::parse(std::string_view json) {
    const Json document = TRY(codec::parse_json(json));
    return read_descriptor(document, "descriptor");
}

}  // namespace berth::oci
