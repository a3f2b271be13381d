#include "shim/log_reader.h"

#include <array>
#include <optional>
#include <vector>

#include "base/text.h"
#include "codec/compression.h"
#include "sys/directory_watch.h"
#include "sys/epoll.h"
#include "sys/file.h"

namespace berth::shim {
namespace {

constexpr std::size_t block_bytes = 64 * 1024;
// An entry is at most a piece of text and its escapes; anything longer is damage.
constexpr std::size_t max_entry_bytes = 256 * 1024;
constexpr int max_rotated_files = 1000;
constexpr std::chrono::milliseconds quiet_limit{500}, ending_limit{20};

struct LogFile {
    sys::Fd fd;
    std::uint64_t inode = 0;
    bool compressed = false;
};

std::string file_name(const std::string& path, int number) {
    return number == 0 ? path : concat(path, ".", number);
}

std::optional<LogFile> open_log(const std::string& path, int number) {
    const std::string name = file_name(path, number);
    auto fd = sys::open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const bool compressed = !fd && number > 0;
    if (compressed) fd = sys::open(name + ".zst", O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!fd) return std::nullopt;
    const auto about = sys::fstat(*fd);
    if (!about || !S_ISREG(about->st_mode)) return std::nullopt;
    return LogFile{std::move(*fd), about->st_ino, compressed};
}

class FdSource final : public codec::ByteSource {
public:
    explicit FdSource(sys::BorrowedFd fd) : fd_(fd) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        return sys::read(fd_, buffer);
    }

private:
    sys::BorrowedFd fd_;
};

// A compressed file is read through an unnamed one with its content.
Result<> expand(LogFile& file) {
    if (!file.compressed) return {};
    sys::Fd plain = TRY(sys::memfd("berth-log"));
    FdSource source(file.fd);
    const auto content = TRY(codec::open_decompressor(source));
    std::vector<std::byte> buffer(block_bytes);
    while (const std::size_t got = TRY(content->read(buffer)))
        TRY(sys::write_all(plain, std::span<const std::byte>(buffer).first(got)));
    file.fd = std::move(plain);
    file.compressed = false;
    return {};
}

// All files, the oldest first. A rotation meanwhile may show one twice; the inode tells.
std::vector<LogFile> open_all(const std::string& path) {
    std::vector<LogFile> files;
    for (int number = 0; number < max_rotated_files; ++number) {
        auto file = open_log(path, number);
        if (!file) {
            if (number == 0) continue;
            break;
        }
        const bool is_known = !files.empty() && files.front().inode == file->inode;
        if (!is_known) files.insert(files.begin(), std::move(*file));
    }
    return files;
}

/// Splits the bytes of one file into entries; keeps the unfinished one for the next read.
class EntryReader {
public:
    explicit EntryReader(const LogQuery& query) : query_(query) {}
    bool matches(const LogLine& entry) const {
        if (entry.stream == 2 ? !query_.stderr_ : !query_.stdout_) return false;
        return entry.time >= query_.since;
    }
    bool is_past_end(const LogLine& entry) const {
        return query_.until != Timestamp{} && entry.time > query_.until;
    }

    enum class Outcome { AtEnd, Finished };
    /// Reads `file` from `offset` to its end.
    Outcome read(sys::BorrowedFd file, std::uint64_t& offset,
                 const std::function<bool(const LogLine&)>& sink, const std::stop_token& stop) {
        std::vector<std::byte> block(block_bytes);
        while (!stop.stop_requested()) {
            const auto got = sys::pread(file, block, offset);
            if (!got || *got == 0) return Outcome::AtEnd;
            offset += *got;
            pending_.append(as_text(std::span(block).first(*got)));
            if (!split_entries(sink)) return Outcome::Finished;
        }
        return Outcome::Finished;
    }
    void forget_pending() { pending_.clear(); }

private:
    bool split_entries(const std::function<bool(const LogLine&)>& sink) {
        std::size_t start = 0;
        for (std::size_t end = 0; (end = pending_.find('\n', start)) != std::string::npos;
             start = end + 1) {
            const auto entry =
                parse_log_line(std::string_view(pending_).substr(start, end - start));
            if (!entry) continue;
            if (is_past_end(*entry)) return false;
            if (matches(*entry) && !sink(*entry)) return false;
        }
        pending_.erase(0, start);
        if (pending_.size() > max_entry_bytes) pending_.clear();
        return true;
    }
    const LogQuery& query_;
    std::string pending_;
};

// Where the last `wanted` matching entries of a file begin; `wanted` is lowered by those found.
std::uint64_t find_tail(sys::BorrowedFd file, const EntryReader& reader, std::int64_t& wanted) {
    const auto about = sys::fstat(file);
    std::uint64_t start = about ? static_cast<std::uint64_t>(about->st_size) : 0;
    std::string text;  // from `start` on, up to the entry that was looked at last
    std::vector<std::byte> block(block_bytes);
    std::uint64_t tail = start;
    const auto look_at = [&](std::string_view line, std::uint64_t offset) {
        const auto entry = parse_log_line(line);
        if (!entry || !reader.matches(*entry) || reader.is_past_end(*entry)) return;
        tail = offset;
        --wanted;
    };
    while (wanted > 0) {
        const std::size_t newline =
            text.empty() ? std::string::npos : text.rfind('\n', text.size() - 1);
        if (newline != std::string::npos) {
            if (newline + 1 < text.size())
                look_at(std::string_view(text).substr(newline + 1), start + newline + 1);
            text.resize(newline);
            continue;
        }
        if (start == 0 || text.size() > max_entry_bytes) {
            if (!text.empty()) look_at(text, start);
            break;
        }
        const std::size_t count =
            static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, start));
        const auto got = sys::pread(file, std::span(block).first(count), start - count);
        if (!got || *got != count) break;
        start -= count;
        text.insert(0, as_text(std::span(block).first(count)));
    }
    return tail;
}

/// Goes from file to file as they are rotated away.
class Follower {
public:
    Follower(const LogQuery& query, EntryReader& reader) : query_(query), reader_(reader) {}

    Result<> run(LogFile file, std::uint64_t offset,
                 const std::function<bool(const LogLine&)>& sink, std::stop_token stop) {
        const std::string directory = query_.path.substr(0, query_.path.rfind('/'));
        const sys::Fd watch = TRY(sys::watch_directory(directory));
        const sys::Fd wake = TRY(sys::make_eventfd());
        const std::stop_callback on_stop(stop, [&] {
            const std::uint64_t one = 1;
            sys::write_all(wake, std::as_bytes(std::span(&one, 1))).ignore("an eventfd takes it");
        });
        sys::Epoll epoll = TRY(sys::Epoll::create());
        TRY(epoll.add(watch, EPOLLIN, 0));
        TRY(epoll.add(wake, EPOLLIN, 1));
        std::chrono::milliseconds patience = quiet_limit;
        while (!stop.stop_requested()) {
            // Asked before reading: what was written before the end is then read.
            const bool is_alive = !query_.is_alive || query_.is_alive();
            sys::drain_watch(watch);
            if (file.fd &&
                reader_.read(file.fd, offset, sink, stop) == EntryReader::Outcome::Finished)
                return {};
            if (auto next = next_file(file)) {
                if (file.fd &&
                    reader_.read(file.fd, offset, sink, stop) == EntryReader::Outcome::Finished)
                    return {};
                reader_.forget_pending();
                file = std::move(*next);
                offset = 0;
                continue;
            }
            if (!is_alive || (query_.until != Timestamp{} && SystemClock().now() > query_.until))
                return {};
            std::array<epoll_event, 2> ready;
            const std::size_t count = TRY(epoll.wait(ready, patience));
            patience = count != 0 ? ending_limit : quiet_limit;
        }
        return {};
    }

private:
    // The file after `current` in time, once there is one.
    std::optional<LogFile> next_file(const LogFile& current) const {
        std::vector<LogFile> files = open_all(query_.path);
        if (files.empty()) return std::nullopt;
        if (!current.fd) return std::move(files.front());
        for (std::size_t i = 0; i < files.size(); ++i) {
            if (files[i].inode != current.inode) continue;
            if (i + 1 == files.size()) return std::nullopt;
            return std::move(files[i + 1]);
        }
        // Rotated further than we could follow: on with the oldest that is not compressed yet.
        for (LogFile& file : files) {
            if (!file.compressed) return std::move(file);
        }
        return std::nullopt;
    }
    const LogQuery& query_;
    EntryReader& reader_;
};

}  // namespace

Result<> read_log(const LogQuery& query, const std::function<bool(const LogLine&)>& sink,
                  std::stop_token stop) {
    std::vector<LogFile> files = open_all(query.path);
    EntryReader reader(query);
    std::size_t first = 0;
    std::uint64_t offset = 0;
    if (query.tail >= 0) {
        std::int64_t wanted = query.tail;
        first = files.empty() ? 0 : files.size() - 1;
        for (std::size_t i = files.size(); i-- > 0;) {
            first = i;
            TRY(expand(files[i]));
            offset = find_tail(files[i].fd, reader, wanted);
            if (wanted <= 0) break;
        }
        if (wanted > 0) offset = 0;
    }
    for (std::size_t i = first; i < files.size(); ++i, offset = 0) {
        TRY(expand(files[i]));
        if (reader.read(files[i].fd, offset, sink, stop) == EntryReader::Outcome::Finished)
            return {};
        if (i + 1 < files.size()) {
            reader.forget_pending();
            continue;
        }
        if (query.follow)
            return Follower(query, reader).run(std::move(files[i]), offset, sink, stop);
    }
    if (query.follow && files.empty()) return Follower(query, reader).run({}, 0, sink, stop);
    return {};
}

}  // namespace berth::shim
