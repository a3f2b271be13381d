#include "cli/archive/pack.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <map>
#include <memory>

#include "codec/tar.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

constexpr std::size_t piece_size = 256 << 10;

// One packing in progress. Paths are listed first, which costs memory for names only; contents are
// read piece by piece.
class Packer {
public:
    explicit Packer(PackRequest request) : request_(std::move(request)), writer_(sink_) {}

    Result<> open() {
        const int link = request_.follow_top_link ? 0 : O_NOFOLLOW;
        root_ = TRY(sys::open(request_.folder, O_PATH | link).context("open ", request_.folder));
        const auto status = TRY(sys::fstat(root_));
        is_single_ = !S_ISDIR(status.st_mode);
        if (is_single_) {
            paths_.emplace_back();
            return {};
        }
        root_ = TRY(sys::reopen(root_, O_RDONLY | O_DIRECTORY));
        if (!request_.name.empty()) paths_.emplace_back();
        return list({});
    }

    Result<std::string> next() {
        while (true) {
            if (!sink_.text().empty()) return take();
            if (file_) {
                TRY(read_piece());
            } else if (at_ < paths_.size()) {
                TRY(begin(paths_[at_++]));
            } else if (text_at_ < request_.texts.size()) {
                TRY(add_text(request_.texts[text_at_++]));
            } else if (!finished_) {
                TRY(writer_.finish());
                finished_ = true;
            } else {
                return std::string();
            }
        }
    }

private:
    std::string take() {
        std::string out = sink_.take();
        sink_ = codec::StringSink();
        return out;
    }

    Result<> list(const std::string& folder) {
        const auto directory = TRY(
            sys::openat(root_, folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        auto entries = TRY(sys::list_dir(directory));
        std::sort(entries.begin(), entries.end(),
                  [](const auto& a, const auto& b) { return a.name < b.name; });
        for (const auto& entry : entries) {
            const std::string path = folder.empty() ? entry.name : folder + "/" + entry.name;
            const auto status = TRY(sys::fstatat(root_, path, AT_SYMLINK_NOFOLLOW));
            const bool excluded = request_.filter.excludes && request_.filter.excludes(path);
            // A socket has no form in an archive.
            if (!excluded && !S_ISSOCK(status.st_mode)) paths_.push_back(path);
            if (!S_ISDIR(status.st_mode)) continue;
            if (excluded && request_.filter.can_skip_folder &&
                request_.filter.can_skip_folder(path))
                continue;
            TRY(list(path));
        }
        return {};
    }

    std::string name_of(const std::string& path) const {
        if (request_.name.empty()) return path;
        return path.empty() ? request_.name : request_.name + "/" + path;
    }

    Result<> begin(const std::string& path) {
        auto status = is_single_     ? sys::fstat(root_)
                      : path.empty() ? sys::fstat(root_)
                                     : sys::fstatat(root_, path, AT_SYMLINK_NOFOLLOW);
        // What vanished since it was listed is as if it had never been there.
        if (!status && status.error().is(ErrorCode::NotFound)) return {};
        const struct stat info = TRY(std::move(status));
        codec::TarEntry entry;
        entry.path = name_of(path);
        entry.mode = info.st_mode & 07777;
        if (request_.keep_owner) entry.uid = info.st_uid, entry.gid = info.st_gid;
        entry.mtime_seconds = info.st_mtim.tv_sec;
        entry.mtime_nanoseconds = static_cast<std::uint32_t>(info.st_mtim.tv_nsec);
        if (S_ISDIR(info.st_mode)) {
            entry.type = codec::TarType::Directory;
        } else if (S_ISLNK(info.st_mode)) {
            entry.type = codec::TarType::Symlink;
            entry.link_target =
                TRY(is_single_ ? sys::readlink_at(root_, "") : sys::readlink_at(root_, path));
        } else if (S_ISREG(info.st_mode)) {
            return begin_file(path, info, std::move(entry));
        } else {
            entry.type = S_ISFIFO(info.st_mode)  ? codec::TarType::Fifo
                         : S_ISCHR(info.st_mode) ? codec::TarType::CharDevice
                                                 : codec::TarType::BlockDevice;
            entry.device_major = major(info.st_rdev);
            entry.device_minor = minor(info.st_rdev);
        }
        return writer_.add(entry);
    }

    Result<> begin_file(const std::string& path, const struct stat& info, codec::TarEntry entry) {
        entry.type = codec::TarType::File;
        // Further names of a file that was sent already are links to it.
        if (info.st_nlink > 1) {
            const auto [first, is_new] = links_.try_emplace({info.st_dev, info.st_ino}, entry.path);
            if (!is_new) {
                entry.type = codec::TarType::HardLink;
                entry.link_target = first->second;
                return writer_.add(entry);
            }
        }
        file_ = TRY((is_single_ ? sys::reopen(root_, O_RDONLY)
                                : sys::openat(root_, path, O_RDONLY | O_NOFOLLOW))
                        .context("read ", entry.path));
        file_name_ = entry.path;
        left_ = entry.bytes = static_cast<std::uint64_t>(info.st_size);
        TRY(writer_.begin(entry));
        if (left_ == 0) file_.close();
        return {};
    }

    Result<> read_piece() {
        buffer_.resize(piece_size);
        const std::size_t wanted = std::min<std::uint64_t>(left_, buffer_.size());
        const std::size_t count =
            TRY(sys::read(file_, std::span(buffer_).first(wanted)).context("read ", file_name_));
        if (count == 0)
            return fail(ErrorCode::Conflict, file_name_, " became shorter while it was sent");
        TRY(writer_.write_content(std::span(buffer_).first(count)));
        left_ -= count;
        if (left_ == 0) file_.close();
        return {};
    }

    Result<> add_text(const PackedText& text) {
        codec::TarEntry entry;
        entry.path = text.path;
        entry.mode = 0644;
        entry.bytes = text.text.size();
        return writer_.add(entry, text.text);
    }

    PackRequest request_;
    codec::StringSink sink_;
    codec::TarWriter writer_;
    sys::Fd root_;
    bool is_single_ = false;
    std::vector<std::string> paths_;
    std::size_t at_ = 0, text_at_ = 0;
    std::map<std::pair<dev_t, ino_t>, std::string> links_;
    sys::Fd file_;
    std::string file_name_;
    std::uint64_t left_ = 0;
    std::vector<std::byte> buffer_;
    bool finished_ = false;
};

}  // namespace

Result<client::BytesSource> pack(PackRequest request) {
    auto packer = std::make_shared<Packer>(std::move(request));
    TRY(packer->open());
    return client::BytesSource([packer] { return packer->next(); });
}

}  // namespace berth::cli
