#pragma once
#include <string_view>

namespace berth::oci::media_type {

// image-spec v1.1 media-types.md, and Docker's image manifest version 2, schema 2.
inline constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view oci_config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view oci_layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view oci_layer_gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view oci_layer_zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view oci_empty = "application/vnd.oci.empty.v1+json";
inline constexpr std::string_view docker_list =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_manifest =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_config = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view docker_layer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view docker_layer_gzip =
    "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view docker_foreign_layer =
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/// The obsolete first schema, named in errors only.
inline constexpr std::string_view docker_schema1 =
    "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// An index or manifest list.
bool is_index(std::string_view type);
/// A single manifest (schema 2 or OCI).
bool is_manifest(std::string_view type);
/// A tar layer of any compression, including foreign ones.
bool is_layer(std::string_view type);
bool is_config(std::string_view type);
/// The value of an Accept header that lists every manifest type we read.
std::string_view accepted_manifests();

}  // namespace berth::oci::media_type
