#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/runtime_spec.h"

// Devices by name, as vendors describe them in files: the Container Device Interface.
// https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
namespace berth::container {

/// What giving a device to a container changes.
struct CdiEdits {
    struct Node {
        std::string path, host_path, type, permissions;  // type may be empty: as on the host
        std::optional<std::int64_t> major, minor;
        std::optional<std::uint32_t> file_mode, uid, gid;
    };
    std::vector<std::string> env;
    std::vector<Node> nodes;
    std::vector<oci::RuntimeMount> mounts;
    oci::RuntimeHooks hooks;
    std::vector<std::uint32_t> additional_gids;
};

/// One file's content, JSON or YAML, with its place for messages.
struct CdiFile {
    std::string path, text;
};

/// The edits of the devices named "vendor.com/class=name". Later files win over earlier ones.
/// InvalidArgument "unresolvable CDI devices NAMES" for those that no file describes; a broken file
/// is passed over unless a device is missing, and then named.
Result<CdiEdits> resolve_cdi(const std::vector<CdiFile>& files,
                             const std::vector<std::string>& names);
/// The names of all devices of `kind` ("nvidia.com/gpu"), in their order.
std::vector<std::string> list_cdi_devices(const std::vector<CdiFile>& files, std::string_view kind);
/// The files of the directories, in the order of precedence.
std::vector<CdiFile> read_cdi_files(const std::vector<std::string>& directories);

}  // namespace berth::container
