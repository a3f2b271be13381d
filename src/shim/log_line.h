#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

// One line of a container's log as Docker's json-file driver writes it, so that log shippers read
// Berth's files too:
//     {"log":"text\n","stream":"stdout","time":"2026-11-23T10:00:00.123456789Z"}
// A line that was longer than the writer's buffer is several entries, of which only the last ends
// in "\n".
namespace berth::shim {

struct LogLine {
    int stream = 1;  // 1 stdout, 2 stderr
    Timestamp time{};
    std::string text;
};

/// Appends the entry and a line end to `out`. Bytes that are not UTF-8 become U+FFFD.
void append_log_line(std::string& out, int stream, std::string_view text, std::string_view time);
/// Appends `text` as the inside of a JSON string.
void append_json_escaped(std::string& out, std::string_view text);
/// Reads one entry; nullopt for anything that is none (a torn line after a crash). Unknown members
/// are skipped.
std::optional<LogLine> parse_log_line(std::string_view line);

}  // namespace berth::shim
