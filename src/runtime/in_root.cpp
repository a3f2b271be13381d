#include "runtime/in_root.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/path.h"
#include "base/text.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::runtime {

namespace {

constexpr int max_links = 16;

struct Split {
    std::string parent;
    std::string name;
};

Split split_last(const std::string& path) {
    const auto slash = path.rfind('/');
    return {.parent = slash == 0 ? "/" : path.substr(0, slash), .name = path.substr(slash + 1)};
}

bool is_missing(const Error& error) { return error.error_number() == ENOENT; }

Result<sys::Fd> make_directory(sys::BorrowedFd root, const std::string& path, int links_left) {
    Result<sys::Fd> found = sys::open_in_root(root, path, O_PATH | O_DIRECTORY);
    if (found || !is_missing(found.error())) return std::move(found).context(path);
    if (path == "/") return std::move(found).context(path);
    const auto [parent_path, name] = split_last(path);
    const sys::Fd parent = TRY(make_directory(root, parent_path, links_left));
    const Result<> made = sys::mkdir_at(parent, name, 0755);
    if (made.is_error() && made.error().is(ErrorCode::AlreadyExists)) {
        // Missing and yet taken: a link that leads nowhere. Its target is what the caller means.
        if (links_left == 0) return fail(ErrorCode::InvalidArgument, "too many links at ", path);
        const std::string target = TRY(sys::readlink_at(parent, name).context(path));
        const std::string absolute = target.starts_with('/') ? target : parent_path + "/" + target;
        return make_directory(root, clean_absolute_path(absolute), links_left - 1);
    }
    if (made.is_error()) return made.error().clone().with_context(path);
    return sys::open_in_root(root, path, O_PATH | O_DIRECTORY).context(path);
}

}  // namespace

Result<sys::Fd> ensure_directory(sys::BorrowedFd root, const std::string& path) {
    return make_directory(root, clean_absolute_path(path), max_links);
}

namespace {

Result<sys::Fd> make_file(sys::BorrowedFd root, const std::string& path, int links_left) {
    Result<sys::Fd> found = sys::open_in_root(root, path, O_PATH);
    if (found || !is_missing(found.error())) return std::move(found).context(path);
    const auto [parent_path, name] = split_last(path);
    const sys::Fd parent = TRY(ensure_directory(root, parent_path));
    const Result<> made = sys::mknod_at(parent, name, S_IFREG | 0644, 0);
    if (made.is_error() && made.error().is(ErrorCode::AlreadyExists)) {
        if (links_left == 0) return fail(ErrorCode::InvalidArgument, "too many links at ", path);
        const std::string target = TRY(sys::readlink_at(parent, name).context(path));
        const std::string absolute = target.starts_with('/') ? target : parent_path + "/" + target;
        return make_file(root, clean_absolute_path(absolute), links_left - 1);
    }
    if (made.is_error()) return made.error().clone().with_context(path);
    return sys::open_in_root(root, path, O_PATH).context(path);
}

}  // namespace

Result<sys::Fd> ensure_file(sys::BorrowedFd root, const std::string& path) {
    return make_file(root, clean_absolute_path(path), max_links);
}

namespace {

Result<> copy_file(sys::BorrowedFd from, sys::BorrowedFd to, const std::string& name,
                   const struct stat& status) {
    const sys::Fd source = TRY(sys::openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    const sys::Fd target =
        TRY(sys::openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(sys::copy_range(source, target, static_cast<std::uint64_t>(status.st_size)));
    TRY(sys::fchown(target, status.st_uid, status.st_gid));
    return sys::fchmod(target, status.st_mode & 07777);
}

Result<> copy_directory(sys::BorrowedFd from, sys::BorrowedFd to, const std::string& name,
                        const struct stat& status) {
    const sys::Fd source = TRY(sys::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(sys::mkdir_at(to, name, 0700));
    const sys::Fd target = TRY(sys::openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(copy_tree(source, target));
    TRY(sys::fchown(target, status.st_uid, status.st_gid));
    return sys::fchmod(target, status.st_mode & 07777);
}

}  // namespace

Result<> copy_tree(sys::BorrowedFd from, sys::BorrowedFd to) {
    for (const auto& entry : TRY(sys::list_dir(from))) {
        const struct stat status = TRY(sys::fstatat(from, entry.name, AT_SYMLINK_NOFOLLOW));
        if (S_ISDIR(status.st_mode)) {
            TRY(copy_directory(from, to, entry.name, status).context(entry.name));
        } else if (S_ISREG(status.st_mode)) {
            TRY(copy_file(from, to, entry.name, status).context(entry.name));
        } else if (S_ISLNK(status.st_mode)) {
            const std::string target = TRY(sys::readlink_at(from, entry.name));
            TRY(sys::symlink_at(target, to, entry.name));
            TRY(sys::chown_at(to, entry.name, status.st_uid, status.st_gid));
        }
    }
    return {};
}

}  // namespace berth::runtime
