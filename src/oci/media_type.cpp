#include "oci/media_type.h"

namespace berth::oci::media_type {

bool is_index(std::string_view type) { return type == oci_index || type == docker_list; }

bool is_manifest(std::string_view type) { return type == oci_manifest || type == docker_manifest; }

bool is_layer(std::string_view type) {
    return type.starts_with("application/vnd.oci.image.layer.") ||
           type.starts_with("application/vnd.docker.image.rootfs.") ||
           type.starts_with("application/vnd.docker.container.image.rootfs.");
}

bool is_config(std::string_view type) { return type == oci_config || type == docker_config; }

std::string_view accepted_manifests() {
    return "application/vnd.oci.image.index.v1+json, "
           "application/vnd.docker.distribution.manifest.list.v2+json, "
           "application/vnd.oci.image.manifest.v1+json, "
           "application/vnd.docker.distribution.manifest.v2+json, */*;q=0.1";
}

}  // namespace berth::oci::media_type
