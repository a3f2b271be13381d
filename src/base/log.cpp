#include "base/log.h"

#include <unistd.h>

#include "base/clock.h"

namespace berth {

Logger log;

namespace {
std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::Debug: return "debug";
        case LogLevel::Info: return "info";
        case LogLevel::Warn: return "warn";
        case LogLevel::Error: return "error";
    }
    return "error";
}

// Values with spaces, quotes or control characters are quoted, so that a hostile name cannot forge
// a line.
void append_value(std::string& line, std::string_view value) {
    bool plain = !value.empty();
    for (const char c : value)
        plain = plain && c > ' ' && c != '"' && c != '\\' && c != '=' && c != 0x7f;
    if (plain) {
        line.append(value);
        return;
    }
    line.push_back('"');
    for (const char c : value) {
        if (c == '"' || c == '\\') line.push_back('\\');
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
            line.append("\\x").append(to_hex(as_bytes({&c, 1})));
        } else {
            line.push_back(c);
        }
    }
    line.push_back('"');
}
}  // namespace

void Logger::write(LogLevel level, std::string_view message, Fields fields) {
    if (!is_enabled(level)) return;
    std::string line = to_rfc3339(SystemClock().now());
    line.append(" ").append(name_of(level)).append(" ").append(message);
    for (const auto& field : fields) {
        line.append(" ").append(field.key).append("=");
        append_value(line, field.value);
    }
    line.push_back('\n');
    // One write call a line keeps lines of several threads whole; a full disk must not stop the
    // engine.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace berth
