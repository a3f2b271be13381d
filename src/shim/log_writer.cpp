#include "shim/log_writer.h"

#include <signal.h>
#include <unistd.h>

#include "base/text.h"
#include "shim/compress_file.h"
#include "shim/log_line.h"
#include "sys/file.h"

namespace berth::shim {

Result<> LogWriter::open() {
    if (settings_.path.empty()) return {};
    sys::Fd file = TRY(
        sys::open(settings_.path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0640));
    const struct stat about = TRY(sys::fstat(file));
    if (!S_ISREG(about.st_mode))
        return fail(ErrorCode::InvalidArgument, settings_.path, ": not a regular file");
    file_ = std::move(file);
    size_ = static_cast<std::uint64_t>(about.st_size);
    return {};
}

// A new file and not an emptied one: whoever follows the log sees that it is another.
Result<> LogWriter::clear() {
    if (settings_.path.empty()) return {};
    file_.close();
    end_compression();
    remove_log(settings_.path);
    size_ = lost_bytes_ = 0;
    return open();
}

void remove_log(const std::string& path) {
    constexpr int max_rotated_files = 1000;
    sys::unlink(path).ignore("it may never have been written");
    for (int number = 1; number < max_rotated_files; ++number) {
        const bool was_plain = static_cast<bool>(sys::unlink(concat(path, ".", number)));
        const bool was_compressed =
            static_cast<bool>(sys::unlink(concat(path, ".", number, ".zst")));
        if (!was_plain && !was_compressed) break;
    }
}

void LogWriter::append_line(int stream, std::string_view line, std::string& out,
                            const Moment& moment) {
    const std::size_t before = out.size();
    if (file_) append_log_line(out, stream, line, moment.text);
    const bool fills_file = settings_.max_bytes != 0 && size_ + out.size() > settings_.max_bytes;
    if (fills_file && before > 0) {
        store(std::string_view(out).substr(0, before), moment.text);
        out.erase(0, before);
    }
    if (line_sink_) line_sink_(stream, line, moment.now);
}

void LogWriter::append_pieces(int stream, std::string_view bytes, std::string& out,
                              const Moment& moment) {
    std::string& partial = partial_[stream == 2];
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::size_t wanted = end == std::string_view::npos ? bytes.size() : end + 1;
        const std::size_t taken = std::min(wanted, max_log_piece - partial.size());
        const std::string_view piece = bytes.substr(0, taken);
        const bool is_whole = piece.ends_with('\n') || partial.size() + taken == max_log_piece;
        if (!is_whole) {
            partial.append(piece);
        } else if (partial.empty()) {
            append_line(stream, piece, out, moment);
        } else {
            partial.append(piece);
            append_line(stream, partial, out, moment);
            partial = std::string();
        }
        bytes.remove_prefix(taken);
    }
}

void LogWriter::write(int stream, std::string_view bytes, Timestamp now) {
    if (!file_ && !line_sink_) return;
    const Moment moment{now, to_rfc3339(now)};
    std::string lines;
    append_pieces(stream, bytes, lines, moment);
    if (!lines.empty()) store(lines, moment.text);
}

void LogWriter::finish(int stream, Timestamp now) {
    std::string& partial = partial_[stream == 2];
    if (partial.empty()) return;
    const Moment moment{now, to_rfc3339(now)};
    std::string line;
    append_line(stream, partial, line, moment);
    partial = std::string();
    if (!line.empty()) store(line, moment.text);
}

void LogWriter::store(std::string_view lines, const std::string& time) {
    if (settings_.max_bytes != 0 && size_ != 0 && size_ + lines.size() > settings_.max_bytes)
        rotate();
    if (!file_) return;
    std::string with_notice;
    if (lost_bytes_ != 0) {
        append_log_line(with_notice, 2,
                        concat("berth: ", lost_bytes_, " bytes of this log could not be written\n"),
                        time);
        with_notice.append(lines);
        lines = with_notice;
    }
    if (sys::write_all(file_, lines)) {
        size_ += lines.size();
        lost_bytes_ = 0;
        return;
    }
    // A torn entry would spoil the one after it.
    sys::ftruncate(file_, size_).ignore("readers skip a torn line");
    lost_bytes_ += lines.size();
}

void LogWriter::rotate() {
    const auto numbered = [&](std::uint32_t number) { return concat(settings_.path, ".", number); };
    file_.close();
    end_compression();
    if (settings_.max_files <= 1) {
        sys::unlink(settings_.path).ignore("opening it again tells");
    } else {
        for (const char* suffix : {"", ".zst"}) {
            sys::unlink(numbered(settings_.max_files - 1) + suffix).ignore("not that many yet");
            for (std::uint32_t number = settings_.max_files - 1; number > 1; --number) {
                sys::rename(numbered(number - 1) + suffix, numbered(number) + suffix)
                    .ignore("not there yet");
            }
        }
        sys::rename(settings_.path, numbered(1))
            .ignore("then the old file goes on growing by one more round");
        // Not the newest one: whoever follows the log may still be reading it.
        if (settings_.compress && settings_.max_files > 2) compress(numbered(2));
    }
    size_ = 0;
    open().ignore("the next write tries nothing: the container goes on without a log");
}

// In a child, whose memory goes with it and which nothing waits for.
void LogWriter::compress(const std::string& path) {
    if (!sys::exists(path)) return;
    auto child = sys::clone_process({});
    if (!child) return;  // then it stays as it is
    if (child->pid == 0) {
        const auto compressed = compress_file(path);
        ::_exit(compressed ? 0 : 1);
    }
    compressor_ = std::move(*child);
}

// The next rotation renames what it works on.
void LogWriter::end_compression() {
    if (compressor_.pid <= 0) return;
    compressor_.pidfd.send_signal(SIGKILL).ignore("it has ended long ago, as a rule");
    compressor_.pidfd.wait().ignore("reaped with the other children");
    compressor_ = {};
    sys::unlink(settings_.path + ".2.zst.new").ignore("it was finished");
}

}  // namespace berth::shim
