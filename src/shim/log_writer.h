#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "shim/protocol.h"
#include "sys/fd.h"

namespace berth::shim {

/// Longest piece of a line that is kept in memory; a longer line becomes several entries. Docker's figure.
inline constexpr std::size_t max_log_piece = 16 * 1024;

/// Appends a container's output to its log, line by line, and keeps the log within its bounds: a file that is full is
/// renamed to `path`.1 (the former .1 to .2 ...). A full disk loses lines, never blocks the container, and says so in
/// the log once there is room.
class LogWriter {
public:
    explicit LogWriter(LogSettings settings) : settings_(std::move(settings)) {}
    /// Opens the file for appending. Refuses to follow a link or to write to anything but a regular file.
    Result<> open();
    /// Takes what the container wrote to stream 1 or 2.
    void write(int stream, std::string_view bytes, Timestamp now);
    /// Writes what is left of an unfinished line.
    void finish(int stream, Timestamp now);

private:
    void append_pieces(int stream, std::string_view bytes, std::string& out, const std::string& time);
    void store(std::string_view lines, const std::string& time);
    void rotate();

    LogSettings settings_;
    sys::Fd file_;
    std::uint64_t size_ = 0;
    std::uint64_t lost_bytes_ = 0;
    std::array<std::string, 2> partial_;
};

}  // namespace berth::shim
