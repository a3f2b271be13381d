#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::layer {

inline constexpr std::size_t max_name_bytes = 255;

/// The components of an archive's path, relative to the archive's root: "/", "." and empty
/// components fall away and "a/../b" is "b". InvalidArgument when the path leads above the root,
/// has a name longer than 255 bytes or contains a zero byte. The root itself has no components.
Result<std::vector<std::string>> split_path(std::string_view path);

inline constexpr std::string_view whiteout_prefix = ".wh.";
inline constexpr std::string_view opaque_marker = ".wh..wh..opq";

/// What a name means in a layer's archive. image-spec v1.1, layer.md "Whiteouts".
enum class NameKind {
    Ordinary,
    Whiteout,  ///< hides the rest of the name in the layers below
    Opaque,    ///< hides everything of its directory in the layers below
    Ignored,   ///< other names that begin with ".wh..wh.": private notes of aufs
};
/// InvalidArgument for whiteouts of nothing, "." or "..".
Result<NameKind> kind_of_name(std::string_view name);

/// Names that overlayfs gives a meaning of its own: from an archive they could redirect names to
/// other files.
inline bool is_overlay_private(std::string_view xattr) {
    return xattr.starts_with("trusted.overlay.");
}

}  // namespace berth::layer
