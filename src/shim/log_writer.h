#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "shim/protocol.h"
#include "sys/fd.h"
#include "sys/process.h"

namespace berth::shim {

/// Longest piece of a line that is kept in memory; a longer line becomes several entries. Docker's
/// figure.
inline constexpr std::size_t max_log_piece = 16 * 1024;

/// Unlinks a log and its rotated files.
void remove_log(const std::string& path);

/// Appends a container's output to its log, line by line, and keeps the log within its bounds: a
/// file that is full is renamed to `path`.1 (the former .1 to .2 ...), and from .2 on compressed to
/// .zst by a child of its own. A full disk loses lines, never blocks the container, and says so in
/// the log once there is room.
class LogWriter {
public:
    explicit LogWriter(LogSettings settings) : settings_(std::move(settings)) {}
    /// Gets every line as well, whether there is a file or not.
    using LineSink = std::function<void(int stream, std::string_view line, Timestamp now)>;
    void set_line_sink(LineSink sink) { line_sink_ = std::move(sink); }
    /// Opens the file for appending. Refuses to follow a link or to write to anything but a regular
    /// file.
    Result<> open();
    /// Begins anew with an empty file; what was there, rotated files too, is gone.
    Result<> clear();
    /// Takes what the container wrote to stream 1 or 2.
    void write(int stream, std::string_view bytes, Timestamp now);
    /// Writes what is left of an unfinished line.
    void finish(int stream, Timestamp now);

private:
    struct Moment {
        Timestamp now;
        std::string text;
    };
    void append_pieces(int stream, std::string_view bytes, std::string& out, const Moment& moment);
    void append_line(int stream, std::string_view line, std::string& out, const Moment& moment);
    void store(std::string_view lines, const std::string& time);
    void rotate();
    void compress(const std::string& path);
    void end_compression();

    LogSettings settings_;
    sys::Fd file_;
    std::uint64_t size_ = 0;
    std::uint64_t lost_bytes_ = 0;
    std::array<std::string, 2> partial_;
    LineSink line_sink_;
    sys::Child compressor_;
};

}  // namespace berth::shim
