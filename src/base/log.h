#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace berth {

enum class LogLevel { Debug, Info, Warn, Error };

/// One field of a log line; values are joined like context(): strings, numbers, anything with
/// to_string().
struct LogField {
    std::string_view key;
    std::string value;
    template <typename T>
    LogField(std::string_view k, const T& v) : key(k), value(concat(v)) {}
};

/// The one permitted global: structured lines on stderr, `time level message key=value ...`.
/// The edge that decides logs once; library code returns errors. Never log secrets or environment
/// values.
class Logger {
public:
    using Fields = std::initializer_list<LogField>;
    void set_level(LogLevel level) { level_ = level; }
    bool is_enabled(LogLevel level) const { return level >= level_; }
    void debug(std::string_view message, Fields fields = {}) {
        write(LogLevel::Debug, message, fields);
    }
    void info(std::string_view message, Fields fields = {}) {
        write(LogLevel::Info, message, fields);
    }
    void warn(std::string_view message, Fields fields = {}) {
        write(LogLevel::Warn, message, fields);
    }
    void error(std::string_view message, Fields fields = {}) {
        write(LogLevel::Error, message, fields);
    }

private:
    void write(LogLevel level, std::string_view message, Fields fields);
    LogLevel level_ = LogLevel::Info;
};

extern Logger log;

}  // namespace berth
