#include "layer/path.h"

namespace berth::layer {

Result<std::vector<std::string>> split_path(std::string_view path) {
    if (path.find('\0') != std::string_view::npos) {
        return fail(ErrorCode::InvalidArgument, "a path contains a zero byte");
    }
    std::vector<std::string> components;
    while (!path.empty()) {
        const auto slash = path.find('/');
        const std::string_view name = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (name.empty() || name == ".") continue;
        if (name == "..") {
            if (components.empty()) {
                return fail(ErrorCode::InvalidArgument, "the path leads out of the archive's root");
            }
            components.pop_back();
            continue;
        }
        if (name.size() > max_name_bytes) {
            return fail(ErrorCode::InvalidArgument, "a name of ", name.size(), " bytes, more than ",
                        max_name_bytes);
        }
        components.emplace_back(name);
    }
    return components;
}

Result<NameKind> kind_of_name(std::string_view name) {
    if (!name.starts_with(whiteout_prefix)) return NameKind::Ordinary;
    if (name == opaque_marker) return NameKind::Opaque;
    const std::string_view hidden = name.substr(whiteout_prefix.size());
    if (hidden.starts_with(whiteout_prefix)) return NameKind::Ignored;
    if (hidden.empty() || hidden == "." || hidden == "..") {
        return fail(ErrorCode::InvalidArgument, "invalid whiteout \"", name, "\"");
    }
    return NameKind::Whiteout;
}

}  // namespace berth::layer
