#include "cli/archive/unpack.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "codec/tar.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

class FdSource final : public codec::ByteSource {
public:
    explicit FdSource(sys::BorrowedFd fd) : fd_(fd) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        return sys::read(fd_, buffer);
    }

private:
    sys::BorrowedFd fd_;
};

class Unpacker {
public:
    Unpacker(sys::Fd root, std::string name, bool keep_owner)
        : root_(std::move(root)), name_(std::move(name)), keep_owner_(keep_owner) {}

    Result<> add(const codec::TarEntry& entry, codec::TarReader& tar) {
        const std::string path = TRY(place(entry.path));
        if (path.empty()) return {};
        const auto slash = path.rfind('/');
        const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
        const std::string last = path.substr(slash == std::string::npos ? 0 : slash + 1);
        const auto parent =
            TRY(sys::open_beneath(root_, folder, O_RDONLY | O_DIRECTORY).context("unpack ", path));
        if (entry.type == codec::TarType::Directory) return make_folder(parent, last, entry);
        TRY(clear(parent, last));
        switch (entry.type) {
            case codec::TarType::File: TRY(write_file(parent, last, entry, tar)); break;
            case codec::TarType::Symlink:
                TRY(sys::symlink_at(entry.link_target, parent, last));
                break;
            case codec::TarType::HardLink: return link(parent, last, entry);
            case codec::TarType::Fifo:
                TRY(sys::mknod_at(parent, last, S_IFIFO | (entry.mode & 0777), 0));
                break;
            case codec::TarType::CharDevice:
            case codec::TarType::BlockDevice:
            case codec::TarType::Directory: return {};
        }
        if (keep_owner_) TRY(sys::chown_at(parent, last, entry.uid, entry.gid));
        return {};
    }

private:
    // The first component becomes name_. Components that lead upward are refused, not resolved.
    // An archive of a folder's content ("/data/.", or "/") begins with "./", and its paths have no
    // component for the folder itself.
    Result<std::string> place(const std::string& path) {
        std::vector<std::string> parts;
        for (auto& part : split(path, '/')) {
            if (part.empty() || part == ".") continue;
            if (part == "..")
                return fail(ErrorCode::Corrupted, "the archive leads out of its folder: ", path);
            parts.push_back(std::move(part));
        }
        if (!is_of_content_) is_of_content_ = parts.empty();
        if (parts.empty()) return name_;
        if (!*is_of_content_) parts.erase(parts.begin());
        if (!name_.empty()) parts.insert(parts.begin(), name_);
        return join(parts, "/");
    }

    static Result<> clear(sys::BorrowedFd parent, const std::string& name) {
        auto removed = sys::unlink_at(parent, name);
        if (!removed && !removed.error().is(ErrorCode::NotFound)) {
            return std::move(removed).context("replace ", name).error();
        }
        return {};
    }

    Result<> make_folder(sys::BorrowedFd parent, const std::string& name,
                         const codec::TarEntry& entry) {
        auto made = sys::mkdir_at(parent, name, (entry.mode & 0777) | 0700);
        if (!made && !made.error().is(ErrorCode::AlreadyExists)) return made;
        if (made && keep_owner_) return sys::chown_at(parent, name, entry.uid, entry.gid);
        return {};
    }

    Result<> write_file(sys::BorrowedFd parent, const std::string& name,
                        const codec::TarEntry& entry, codec::TarReader& tar) {
        const auto file = TRY(sys::open_beneath(parent, name, O_WRONLY | O_CREAT | O_EXCL, 0600)
                                  .context("write ", name));
        if (entry.is_sparse) TRY(sys::ftruncate(file, entry.bytes));
        std::size_t segment = 0;
        std::uint64_t done = 0, offset = 0;
        while (true) {
            auto piece = TRY(tar.read_content());
            if (piece.empty()) break;
            while (!piece.empty()) {
                std::size_t count = piece.size();
                if (entry.is_sparse) {
                    while (segment < entry.segments.size() &&
                           done == entry.segments[segment].second)
                        ++segment, done = 0;
                    if (segment == entry.segments.size())
                        return fail(ErrorCode::Corrupted, "more content than its map says: ", name);
                    offset = entry.segments[segment].first + done;
                    count = std::min<std::uint64_t>(count, entry.segments[segment].second - done);
                }
                TRY(sys::pwrite_all(file, piece.first(count), offset));
                offset += count;
                done += count;
                piece = piece.subspan(count);
            }
        }
        TRY(sys::fchmod(file, entry.mode & (keep_owner_ ? 07777 : 0777)));
        const timespec time{entry.mtime_seconds, static_cast<long>(entry.mtime_nanoseconds)};
        return sys::set_times(file, time, time);
    }

    Result<> link(sys::BorrowedFd parent, const std::string& name, const codec::TarEntry& entry) {
        const std::string target = TRY(place(entry.link_target));
        const auto slash = target.rfind('/');
        const auto folder =
            TRY(sys::open_beneath(root_, slash == std::string::npos ? "." : target.substr(0, slash),
                                  O_RDONLY | O_DIRECTORY));
        return sys::link_at(folder, target.substr(slash == std::string::npos ? 0 : slash + 1),
                            parent, name);
    }

    sys::Fd root_;
    std::string name_;
    bool keep_owner_;
    std::optional<bool> is_of_content_;
};

}  // namespace

Result<> unpack(sys::BorrowedFd archive, const std::string& folder, const std::string& name,
                bool keep_owner) {
    auto root = TRY(sys::open(folder, O_RDONLY | O_DIRECTORY).context("open ", folder));
    Unpacker unpacker(std::move(root), name, keep_owner);
    FdSource source(archive);
    codec::TarReader tar(source);
    while (true) {
        auto entry = TRY(tar.next());
        if (!entry) return {};
        TRY(unpacker.add(*entry, tar));
    }
}

}  // namespace berth::cli
