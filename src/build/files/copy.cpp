// Copies between two roots that are both untrusted: the source may be full of links that point
// anywhere, the target's directories may be links too. Sources are read through descriptors of the
// files themselves (walk), targets are reached by resolving each directory inside the target root
// and then acting on single names in it.
#include "build/files/copy.h"

#include <algorithm>
#include <array>
#include <map>

#include "container/users.h"
#include "layer/extract.h"
#include "layer/foreign.h"
#include "sys/stream.h"
#include "sys/xattr.h"

namespace berth::build {
namespace {

/// Reads a descriptor as a source of bytes.
class FdSource final : public codec::ByteSource {
public:
    explicit FdSource(sys::BorrowedFd fd) : fd_(fd) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        return sys::read(fd_, buffer);
    }

private:
    sys::BorrowedFd fd_;
};

Result<sys::Fd> open_directory(sys::BorrowedFd root, const std::string& path) {
    return sys::open_in_root(root, path.empty() ? "/" : path, O_PATH | O_DIRECTORY);
}

Result<> remove_file(sys::BorrowedFd directory, const std::string& name) {
    auto removed = sys::unlink_at(directory, name);
    if (removed.is_error() && !removed.error().is(ErrorCode::NotFound)) return removed;
    return {};
}

// Whether the file is a plain or compressed tar, by its content and not its name.
Result<bool> is_archive(sys::BorrowedFd file) {
    const auto status = TRY(sys::fstat(file));
    if (!S_ISREG(status.st_mode)) return false;  // opening a pipe would wait for ever
    const auto fd = TRY(sys::reopen(file, O_RDONLY));
    FdSource source(fd);
    auto plain = layer::open_any_decompressor(source);
    if (!plain) return false;
    std::array<std::byte, 512> head{};
    std::size_t filled = 0;
    while (filled < head.size()) {
        const auto got = (*plain)->read(std::span(head).subspan(filled));
        if (!got) return false;
        if (*got == 0) break;
        filled += *got;
    }
    if (filled < head.size()) return false;
    return as_text(std::span(head).subspan(257, 5)) == "ustar";
}

class Copier {
public:
    Copier(sys::BorrowedFd from, sys::BorrowedFd to, const CopyOptions& options,
           const codec::IgnorePatterns& excludes, std::stop_token stop)
        : from_(from), to_(to), options_(options), excludes_(excludes), stop_(std::move(stop)) {}

    Result<> copy(const Selected& source, std::string destination, bool parents) {
        const auto node = TRY(sys::open_in_root(from_, source.path, O_PATH).context(source.path));
        if (parents)
            destination =
                concat(destination, destination.ends_with('/') ? "" : "/", source.relative);
        if (source.is_directory) {
            if (parents) TRY(copy_parents(source, destination));
            TRY(copy_directory(node, destination)
                    .context("copy ", source.path, " to ", destination));
            return {};
        }
        if (options_.unpack) {
            const bool archive = TRY(is_archive(node));
            if (archive)
                return unpack(node, destination)
                    .context("unpack ", source.path, " to ", destination);
        }
        const std::string name = split_path(source.path).second;
        std::string target = destination;
        if (!parents) {
            const bool into = TRY(is_directory(destination));
            if (destination.ends_with('/') || into)
                target = concat(destination, destination.ends_with('/') ? "" : "/", name);
        }
        if (parents) TRY(copy_parents(source, target));
        return copy_single(node, target).context("copy ", source.path, " to ", target);
    }

private:
    Result<bool> is_directory(const std::string& path) {
        const auto fd = sys::open_in_root(to_, path, O_PATH);
        if (!fd) return false;
        const auto status = TRY(sys::fstat(*fd));
        return S_ISDIR(status.st_mode);
    }

    // With --parents, directories on the way look as in the source.
    Result<> copy_parents(const Selected& source, const std::string& target) {
        std::vector<std::pair<std::string, std::string>> pairs;
        std::string from = split_path(source.path).first;
        std::string to = split_path(target).first;
        const auto depth = std::ranges::count(source.relative, '/');
        for (std::int64_t i = 0; i < depth; ++i) {
            pairs.emplace_back(from, to);
            from = split_path(from).first;
            to = split_path(to).first;
        }
        TRY(make_directories(to_, to, 0755, options_.owner));
        for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
            const bool exists = TRY(is_directory(pair->second));
            if (exists) continue;
            const auto node = TRY(sys::open_in_root(from_, pair->first, O_PATH | O_DIRECTORY));
            const auto status = TRY(sys::fstat(node));
            TRY(make_directories(to_, pair->second, status.st_mode & 07777, options_.owner));
            const auto made = TRY(open_directory(to_, split_path(pair->second).first));
            TRY(set_owner_and_mode(made, split_path(pair->second).second, status));
        }
        return {};
    }

    Result<> copy_single(sys::BorrowedFd node, const std::string& target) {
        const auto [parent, name] = split_path(target);
        if (name.empty()) return fail(ErrorCode::InvalidArgument, "cannot take the place of /");
        TRY(make_directories(to_, parent, 0755, options_.owner));
        // A link at the destination means what it points to, as long as that is a file of the root.
        const auto directory = TRY(open_directory(to_, parent));
        return walk(
            node, name, excludes_,
            [&](const Visited& file) { return copy_node(file, directory, name); }, stop_);
    }

    Result<> copy_directory(sys::BorrowedFd node, const std::string& destination) {
        std::string base = destination;
        while (base.ends_with('/')) base.pop_back();
        const bool existed = TRY(is_directory(base.empty() ? "/" : base));
        if (!existed) {
            const auto status = TRY(sys::fstat(node));
            TRY(make_directories(to_, split_path(base).first, 0755, options_.owner));
            TRY(make_directories(to_, base, status.st_mode & 07777, options_.owner));
            const auto parent = TRY(open_directory(to_, split_path(base).first));
            TRY(set_owner_and_mode(parent, split_path(base).second, status));
        }
        std::vector<std::pair<std::string, struct stat>> directories;
        const auto visit = [&](const Visited& file) -> Result<> {
            if (file.path.empty()) return {};
            const auto [parent, name] = split_path(file.path);
            // With excludes a parent may not have been copied: make it.
            const std::string where = parent == "/" ? base : base + "/" + parent;
            auto directory = open_directory(to_, where.empty() ? "/" : where);
            if (!directory && directory.error().is(ErrorCode::NotFound)) {
                TRY(make_directories(to_, where, 0755, options_.owner));
                directory = open_directory(to_, where);
            }
            if (!directory) return std::move(directory).error().with_context(where);
            if (S_ISDIR(file.status.st_mode))
                directories.emplace_back(base + "/" + file.path, file.status);
            return copy_node(file, *directory, name).context(file.path);
        };
        TRY(walk(node, "", excludes_, visit, stop_));
        // Times last and from the inside out: writing into a directory changes them.
        for (auto entry = directories.rbegin(); entry != directories.rend(); ++entry) {
            const auto fd = TRY(sys::open_in_root(to_, entry->first, O_RDONLY | O_DIRECTORY));
            TRY(sys::set_times(fd, entry->second.st_atim, entry->second.st_mtim));
        }
        return {};
    }

    Result<> copy_node(const Visited& file, sys::BorrowedFd directory, const std::string& name) {
        const auto& status = file.status;
        if (S_ISDIR(status.st_mode)) return merge_directory(file, directory, name);
        auto existing = sys::fstatat(directory, name, AT_SYMLINK_NOFOLLOW);
        if (existing && S_ISDIR(existing->st_mode))
            return fail(ErrorCode::Conflict, "cannot replace the directory ", name, " by a file");
        TRY(remove_file(directory, name));
        if (status.st_nlink > 1 && S_ISREG(status.st_mode)) {
            const auto key = std::pair(status.st_dev, status.st_ino);
            if (const auto found = links_.find(key); found != links_.end()) {
                if (sys::link_at(found->second.first, found->second.second, directory, name))
                    return {};
            } else {
                sys::Fd held = TRY(sys::duplicate(directory));
                // Only so many descriptors are held; later links become copies.
                if (links_.size() < max_links)
                    links_.emplace(key, std::pair(std::move(held), name));
            }
        }
        TRY(make_node(file, directory, name));
        TRY(copy_attributes(file, directory, name));
        return set_times(file, directory, name);
    }

    Result<> make_node(const Visited& file, sys::BorrowedFd directory, const std::string& name) {
        const auto& status = file.status;
        if (S_ISLNK(status.st_mode)) {
            const std::string target = TRY(sys::readlink_at(file.node, ""));
            return sys::symlink_at(target, directory, name);
        }
        if (!S_ISREG(status.st_mode))
            return sys::mknod_at(directory, name, status.st_mode, status.st_rdev);
        const auto source = TRY(sys::reopen(file.node, O_RDONLY));
        const auto target =
            TRY(sys::openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
        std::uint64_t left = static_cast<std::uint64_t>(status.st_size);
        while (left > 0) {
            if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
            const std::uint64_t copied =
                TRY(sys::copy_range(source, target, std::min<std::uint64_t>(left, 64 << 20)));
            if (copied == 0) break;
            left -= copied;
        }
        return {};
    }

    Result<> merge_directory(const Visited& file, sys::BorrowedFd directory,
                             const std::string& name) {
        auto made = sys::mkdir_at(directory, name, file.status.st_mode & 07777);
        if (made.is_error()) {
            if (!made.error().is(ErrorCode::AlreadyExists)) return made;
            const auto existing = TRY(sys::fstatat(directory, name, AT_SYMLINK_NOFOLLOW));
            // A link to a directory stays (as /bin in a root with a merged /usr); its target gets
            // the content. Whether it is a directory shows when something is put into it.
            if (S_ISLNK(existing.st_mode)) return {};
            if (!S_ISDIR(existing.st_mode))
                return fail(ErrorCode::Conflict, "cannot replace the file ", name,
                            " by a directory");
        }
        TRY(set_owner_and_mode(directory, name, file.status));
        return copy_xattrs(file, directory, name);
    }

    Result<> copy_attributes(const Visited& file, sys::BorrowedFd directory,
                             const std::string& name) {
        TRY(set_owner_and_mode(directory, name, file.status));
        return copy_xattrs(file, directory, name);
    }

    Result<> set_owner_and_mode(sys::BorrowedFd directory, const std::string& name,
                                const struct stat& status) {
        const Owner owner = options_.owner.value_or(Owner{status.st_uid, status.st_gid});
        TRY(sys::chown_at(directory, name, owner.uid, owner.gid));
        if (S_ISLNK(status.st_mode)) return {};
        // After chown, which clears set-id bits.
        return sys::chmod_at(directory, name,
                             options_.mode.apply(status.st_mode & 07777, S_ISDIR(status.st_mode)));
    }

    Result<> copy_xattrs(const Visited& file, sys::BorrowedFd directory, const std::string& name) {
        const auto names = TRY(sys::list_xattrs(file.node));
        for (const auto& attribute : names) {
            if (attribute.starts_with("trusted.overlay.") ||
                attribute.starts_with("security.selinux"))
                continue;
            const auto value = TRY(sys::get_xattr(file.node, attribute));
            if (value) TRY(sys::set_xattr_at(directory, name, attribute, *value));
        }
        return {};
    }

    Result<> set_times(const Visited& file, sys::BorrowedFd directory, const std::string& name) {
        return sys::set_times_at(directory, name, file.status.st_atim, file.status.st_mtim);
    }

    Result<> unpack(sys::BorrowedFd node, const std::string& destination) {
        TRY(make_directories(to_, destination, 0755, options_.owner));
        const auto target = TRY(sys::open_in_root(to_, destination, O_RDONLY | O_DIRECTORY));
        const auto fd = TRY(sys::reopen(node, O_RDONLY));
        FdSource source(fd);
        layer::ExtractOptions extract{.keep_directories = true};
        if (options_.owner) {
            extract.uid = options_.owner->uid;
            extract.gid = options_.owner->gid;
        }
        TRY(layer::extract(source, target, extract, stop_));
        return {};
    }

    static constexpr std::size_t max_links = 256;
    sys::BorrowedFd from_, to_;
    const CopyOptions& options_;
    const codec::IgnorePatterns& excludes_;
    std::stop_token stop_;
    std::map<std::pair<dev_t, ino_t>, std::pair<sys::Fd, std::string>> links_;
};

}  // namespace

Result<std::optional<Owner>> resolve_owner(sys::BorrowedFd root, const std::string& chown) {
    if (chown.empty()) return std::optional<Owner>();
    const bool only_number = parse_uint(chown).has_value();
    const auto files = TRY(container::read_account_files(root));
    const auto user = TRY(container::resolve_user(files, chown));
    return std::optional<Owner>(Owner{user.uid, only_number ? user.uid : user.gid});
}

Result<> copy_selection(sys::BorrowedFd from, const Selection& selection, sys::BorrowedFd to,
                        const std::string& destination, const CopyOptions& options,
                        std::stop_token stop) {
    const auto excludes = TRY(codec::IgnorePatterns::of(selection.excludes));
    const auto selected = TRY(select(from, selection));
    Copier copier(from, to, options, excludes, stop);
    if (selected.size() > 1 && !destination.ends_with('/')) {
        const auto many_files =
            std::ranges::count_if(selected, [](const auto& each) { return !each.is_directory; });
        if (many_files > 1 && !selection.parents) {
            const auto fd = open_directory(to, destination);
            if (!fd)
                return fail(ErrorCode::InvalidArgument,
                            "more than one file matches, so the destination ", destination,
                            " must be a directory and end with a /");
        }
    }
    for (const auto& source : selected) TRY(copier.copy(source, destination, selection.parents));
    return {};
}

Result<> make_directories(sys::BorrowedFd root, const std::string& path, mode_t mode,
                          std::optional<Owner> owner) {
    std::string done;
    sys::Fd parent = TRY(open_directory(root, "/"));
    for (const auto& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        done += "/" + part;
        auto next = open_directory(root, done);
        if (!next) {
            if (!next.error().is(ErrorCode::NotFound))
                return std::move(next).error().with_context(done);
            TRY(sys::mkdir_at(parent, part, mode).context(done));
            if (owner) TRY(sys::chown_at(parent, part, owner->uid, owner->gid));
            TRY(sys::chmod_at(parent, part, mode));
            next = open_directory(root, done);
            if (!next) return std::move(next).error().with_context(done);
        }
        parent = std::move(*next);
    }
    return {};
}

Result<> make_file(sys::BorrowedFd root, const std::string& path, std::string_view content,
                   const ModeChange& mode, std::optional<Owner> owner) {
    const auto [parent, name] = split_path(path);
    if (name.empty()) return fail(ErrorCode::InvalidArgument, "cannot take the place of /");
    TRY(make_directories(root, parent, 0755, owner));
    const auto directory = TRY(open_directory(root, parent));
    TRY(remove_file(directory, name).context(path));
    const auto file = TRY(
        sys::openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600).context(path));
    TRY(sys::write_all(file, content));
    if (owner) TRY(sys::chown_at(directory, name, owner->uid, owner->gid));
    return sys::chmod_at(directory, name, mode.apply(0644, false));
}

}  // namespace berth::build
