#include "shim/log_writer.h"

#include "base/text.h"
#include "shim/log_line.h"
#include "sys/file.h"

namespace berth::shim {

Result<> LogWriter::open() {
    if (settings_.path.empty()) return {};
    sys::Fd file = TRY(sys::open(settings_.path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0640));
    const struct stat about = TRY(sys::fstat(file));
    if (!S_ISREG(about.st_mode)) return fail(ErrorCode::InvalidArgument, settings_.path, ": not a regular file");
    file_ = std::move(file);
    size_ = static_cast<std::uint64_t>(about.st_size);
    return {};
}

void LogWriter::append_pieces(int stream, std::string_view bytes, std::string& out, const std::string& time) {
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
            append_log_line(out, stream, piece, time);
        } else {
            partial.append(piece);
            append_log_line(out, stream, partial, time);
            partial = std::string();
        }
        bytes.remove_prefix(taken);
    }
}

void LogWriter::write(int stream, std::string_view bytes, Timestamp now) {
    if (!file_) return;
    const std::string time = to_rfc3339(now);
    std::string lines;
    append_pieces(stream, bytes, lines, time);
    if (!lines.empty()) store(lines, time);
}

void LogWriter::finish(int stream, Timestamp now) {
    std::string& partial = partial_[stream == 2];
    if (!file_ || partial.empty()) return;
    const std::string time = to_rfc3339(now);
    std::string line;
    append_log_line(line, stream, partial, time);
    partial = std::string();
    store(line, time);
}

void LogWriter::store(std::string_view lines, const std::string& time) {
    if (settings_.max_bytes != 0 && size_ != 0 && size_ + lines.size() > settings_.max_bytes) rotate();
    if (!file_) return;
    std::string with_notice;
    if (lost_bytes_ != 0) {
        append_log_line(with_notice, 2, concat("berth: ", lost_bytes_, " bytes of this log could not be written\n"), time);
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
    if (settings_.max_files <= 1) {
        sys::unlink(settings_.path).ignore("opening it again tells");
    } else {
        for (std::uint32_t number = settings_.max_files - 1; number > 1; --number) {
            sys::rename(numbered(number - 1), numbered(number)).ignore("not there yet");
        }
        sys::rename(settings_.path, numbered(1)).ignore("then the old file goes on growing by one more round");
    }
    size_ = 0;
    open().ignore("the next write tries nothing: the container goes on without a log");
}

}  // namespace berth::shim
