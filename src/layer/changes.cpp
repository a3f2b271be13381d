#include "layer/changes.h"

#include <sys/stat.h>

#include <algorithm>

#include "sys/file.h"
#include "sys/xattr.h"

namespace berth::layer {
namespace {

class Comparison {
public:
    explicit Comparison(std::optional<sys::BorrowedFd> lower) : lower_(lower) {}
    Result<> visit(sys::BorrowedFd upper, const std::string& path, bool is_lower_hidden);
    std::vector<Change> changes;

private:
    /// Whether the layers below have this path, through real directories only.
    Result<bool> is_below(const std::string& path) const {
        if (!lower_) return false;
        const auto found = sys::open_beneath(*lower_, path.substr(1), O_PATH | O_NOFOLLOW);
        // ELOOP and ENOTDIR (as InvalidArgument): the upper directory stands where a link or file
        // was.
        if (!found.is_error()) return true;
        const auto& error = found.error();
        if (error.is(ErrorCode::NotFound) || error.is(ErrorCode::InvalidArgument)) return false;
        return error.clone();
    }
    std::optional<sys::BorrowedFd> lower_;
};

Result<> Comparison::visit(sys::BorrowedFd upper, const std::string& path, bool is_lower_hidden) {
    auto entries = TRY(sys::list_dir(upper));
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const auto& entry : entries) {
        const std::string child = concat(path, "/", entry.name);
        const struct stat status =
            TRY(sys::fstatat(upper, entry.name, AT_SYMLINK_NOFOLLOW).context(child));
        const bool is_below = !is_lower_hidden && TRY(this->is_below(child));
        if (S_ISCHR(status.st_mode) && status.st_rdev == 0) {
            if (is_below) changes.push_back({ChangeKind::Deleted, child});
            continue;
        }
        changes.push_back({is_below ? ChangeKind::Modified : ChangeKind::Added, child});
        if (!S_ISDIR(status.st_mode)) continue;
        const sys::Fd directory =
            TRY(sys::openat(upper, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).context(child));
        const auto opaque = TRY(sys::get_xattr(directory, "trusted.overlay.opaque"));
        TRY(visit(directory, child, is_lower_hidden || (opaque && *opaque == "y")));
    }
    return {};
}

}  // namespace

Result<std::vector<Change>> list_changes(sys::BorrowedFd upper,
                                         std::optional<sys::BorrowedFd> lower) {
    const sys::Fd root = TRY(sys::openat(upper, ".", O_RDONLY | O_DIRECTORY));
    Comparison comparison(lower);
    TRY(comparison.visit(root, {}, false));
    return std::move(comparison.changes);
}

}  // namespace berth::layer
