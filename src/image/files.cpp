#include "image/files.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "image/implementation_internal.h"
#include "sys/file.h"
#include "sys/xattr.h"

namespace berth::image {

namespace {

constexpr int max_depth = 1024;

/// One path of an image: what it is, and which layer brings it.
struct Entry {
    struct stat status {};
    int layer = 0;
    bool is_directory() const { return S_ISDIR(status.st_mode); }
    std::int64_t bytes() const { return S_ISREG(status.st_mode) ? status.st_size : 0; }
};
/// Paths sorted so that what is below a directory follows it at once: "/" sorts before every other
/// character.
struct PathOrder {
    bool operator()(const std::string& a, const std::string& b) const {
        return std::lexicographical_compare(
            a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
                if (x == y) return false;
                if (x == '/' || y == '/') return x == '/';
                return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
            });
    }
};
using Files = std::map<std::string, Entry, PathOrder>;

/// Puts the layers of an image on top of each other, as a table of paths.
class Stack {
public:
    explicit Stack(std::stop_token stop) : stop_(std::move(stop)) {}

    Result<> add(sys::BorrowedFd root, LayerReport& report) {
        report_ = &report;
        const sys::Fd directory = TRY(sys::openat(root, ".", O_RDONLY | O_DIRECTORY));
        TRY(walk(directory, "", 0));
        auto& largest = report.largest;
        std::sort(largest.begin(), largest.end(),
                  [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
        if (largest.size() > max_largest_files) largest.resize(max_largest_files);
        ++layer_;
        return {};
    }
    const Files& files() const { return files_; }

private:
    Result<> walk(sys::BorrowedFd directory, const std::string& path, int depth) {
        if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
        if (depth > max_depth)
            return fail(ErrorCode::InvalidArgument, path, " is nested too deeply");
        const auto opaque = TRY(sys::get_xattr(directory, "trusted.overlay.opaque"));
        if (opaque && *opaque == "y") hide_below(path);
        for (const auto& entry : TRY(sys::list_dir(directory))) {
            const std::string below = concat(path, "/", entry.name);
            const auto status = TRY(sys::fstatat(directory, entry.name, AT_SYMLINK_NOFOLLOW));
            add_entry(below, status);
            if (!S_ISDIR(status.st_mode)) continue;
            const sys::Fd next =
                TRY(sys::openat(directory, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
            TRY(walk(next, below, depth + 1));
        }
        return {};
    }

    void add_entry(const std::string& path, const struct stat& status) {
        const auto known = files_.find(path);
        const bool is_whiteout = S_ISCHR(status.st_mode) && status.st_rdev == 0;
        if (is_whiteout) {
            if (known == files_.end()) return;
            hide_below(path);
            hide(known->second);
            files_.erase(path);
            return;
        }
        Entry entry{.status = status, .layer = layer_};
        if (known == files_.end()) {
            ++report_->added;
        } else {
            const bool is_repeated = entry.is_directory() && known->second.is_directory();
            if (!is_repeated) {
                ++report_->changed;
                report_->wasted_bytes += known->second.bytes();
                if (known->second.is_directory()) hide_below(path);
            }
        }
        if (entry.bytes() > 0) {
            report_->added_bytes += entry.bytes();
            report_->largest.push_back({path, entry.bytes()});
        }
        files_[path] = entry;
    }

    void hide(const Entry& entry) {
        ++report_->removed;
        report_->wasted_bytes += entry.bytes();
    }
    void hide_below(const std::string& path) {
        const std::string prefix = path + "/";
        auto at = files_.lower_bound(prefix);
        while (at != files_.end() && at->first.starts_with(prefix)) {
            if (at->second.layer != layer_) hide(at->second);
            at = at->second.layer != layer_ ? files_.erase(at) : std::next(at);
        }
    }

    std::stop_token stop_;
    Files files_;
    LayerReport* report_ = nullptr;
    int layer_ = 0;
};

/// An image's stack with its layers mounted, for as long as files of it are read.
struct OpenImage {
    Image image;
    std::vector<sys::DetachedMount> layers;
    Files files;
    std::vector<LayerReport> reports;
};

Result<OpenImage> open_files(const Services& services, Image image, const std::stop_token& stop) {
    OpenImage out;
    Stack stack(stop);
    std::vector<std::string> commands;
    for (const auto& record : image.config->history)
        if (!record.empty_layer) commands.push_back(record.created_by);
    for (std::size_t i = 0; i < image.layers.size(); ++i) {
        const auto& layer = image.layers[i];
        LayerReport report;
        report.diff_id = layer.diff_id;
        if (i < commands.size()) report.created_by = commands[i];
        if (services.content.has(layer.blob.digest)) report.blob_bytes = layer.blob.size;
        report.disk_bytes =
            static_cast<std::int64_t>(TRY(services.snapshots.inspect(layer.diff_id)).disk_bytes);
        out.layers.push_back(TRY(services.snapshots.mount_root({.layers = {layer.diff_id}})));
        TRY(stack.add(out.layers.back().fd(), report).context("layer ", layer.diff_id.short_hex()));
        out.reports.push_back(std::move(report));
    }
    out.files = stack.files();
    out.image = std::move(image);
    return out;
}

Result<bool> is_same_content(const OpenImage& a, const Entry& in_a, const OpenImage& b,
                             const Entry& in_b, const std::string& path) {
    const std::string relative = path.substr(1);
    if (S_ISLNK(in_a.status.st_mode)) {
        const auto left =
            TRY(sys::readlink_at(a.layers[static_cast<std::size_t>(in_a.layer)].fd(), relative));
        return left ==
               TRY(sys::readlink_at(b.layers[static_cast<std::size_t>(in_b.layer)].fd(), relative));
    }
    if (!S_ISREG(in_a.status.st_mode)) return in_a.status.st_rdev == in_b.status.st_rdev;
    if (in_a.status.st_size != in_b.status.st_size) return false;
    const auto left = TRY(sys::openat(a.layers[static_cast<std::size_t>(in_a.layer)].fd(), relative,
                                      O_RDONLY | O_NOFOLLOW));
    const auto right = TRY(sys::openat(b.layers[static_cast<std::size_t>(in_b.layer)].fd(),
                                       relative, O_RDONLY | O_NOFOLLOW));
    std::vector<std::byte> left_bytes(1 << 16), right_bytes(1 << 16);
    for (std::uint64_t at = 0; at < static_cast<std::uint64_t>(in_a.status.st_size);) {
        const std::size_t count = TRY(sys::pread(left, left_bytes, at));
        if (count == 0 || TRY(sys::pread(right, std::span(right_bytes).first(count), at)) != count)
            return false;
        if (!std::equal(left_bytes.begin(), left_bytes.begin() + static_cast<std::ptrdiff_t>(count),
                        right_bytes.begin()))
            return false;
        at += count;
    }
    return true;
}

/// Times do not count: an image that was built again differs in nothing else.
Result<bool> is_same(const OpenImage& a, const Entry& in_a, const OpenImage& b, const Entry& in_b,
                     const std::string& path) {
    if (a.image.layers[static_cast<std::size_t>(in_a.layer)].diff_id ==
        b.image.layers[static_cast<std::size_t>(in_b.layer)].diff_id)
        return true;
    const struct stat &left = in_a.status, &right = in_b.status;
    if (left.st_mode != right.st_mode || left.st_uid != right.st_uid || left.st_gid != right.st_gid)
        return false;
    if (in_a.is_directory()) return true;
    return is_same_content(a, in_a, b, in_b, path);
}

}  // namespace

Result<std::vector<LayerReport>> Store::layers(std::string_view name, const oci::Platform& platform,
                                               std::stop_token stop) const {
    auto image = TRY(platform.is_empty() ? resolve_any(name) : resolve_exactly(name, platform));
    return TRY(open_files(implementation_->services_, std::move(image), stop)).reports;
}

Result<std::vector<FileDifference>> Store::diff(std::string_view before, std::string_view after,
                                                std::stop_token stop) const {
    const auto& services = implementation_->services_;
    const OpenImage a = TRY(open_files(services, TRY(resolve_any(before)), stop));
    const OpenImage b = TRY(open_files(services, TRY(resolve_any(after)), stop));
    std::vector<FileDifference> out;
    using Kind = FileDifference::Kind;
    auto left = a.files.begin();
    auto right = b.files.begin();
    const PathOrder is_before;
    while (left != a.files.end() || right != b.files.end()) {
        if (right == b.files.end() ||
            (left != a.files.end() && is_before(left->first, right->first))) {
            out.push_back(
                {Kind::Deleted, left->first, left->second.bytes(), 0, left->second.layer, -1});
            ++left;
        } else if (left == a.files.end() || is_before(right->first, left->first)) {
            out.push_back(
                {Kind::Added, right->first, 0, right->second.bytes(), -1, right->second.layer});
            ++right;
        } else {
            if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
            const bool same =
                TRY(is_same(a, left->second, b, right->second, left->first).context(left->first));
            if (!same)
                out.push_back({Kind::Changed, left->first, left->second.bytes(),
                               right->second.bytes(), left->second.layer, right->second.layer});
            ++left;
            ++right;
        }
    }
    return out;
}

}  // namespace berth::image
