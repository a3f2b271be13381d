#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/stream.h"

namespace berth::cli {

/// Which files of a folder go into an archive; `path` is relative, without a leading slash.
struct PackFilter {
    std::function<bool(const std::string& path)> excludes;
    /// Whether nothing below an excluded folder can be wanted again.
    std::function<bool(const std::string& path)> can_skip_folder;
};

/// A file that is not in the folder but in the archive.
struct PackedText {
    std::string path;
    std::string text;
};

struct PackRequest {
    std::string folder;  ///< or a single file
    /// Name of the folder (or file) in the archive; "" puts the content of a folder at the top.
    std::string name;
    PackFilter filter;
    std::vector<PackedText> texts;
    bool keep_owner = false;  ///< otherwise everything belongs to root
    bool follow_top_link = true;
};

/// A tar stream of a folder, read while it is sent: in sorted order, links as links. A file that
/// shrinks meanwhile fails with Conflict; one that grows is cut at its first size.
Result<client::BytesSource> pack(PackRequest request);

}  // namespace berth::cli
