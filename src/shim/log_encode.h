#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "shim/protocol.h"

// One line of output as the log drivers' protocols want it. Pure.
namespace berth::shim {

struct LogMessage {
    int stream = 1;
    Timestamp time{};
    std::string_view text;    // without its line end
    bool is_partial = false;  // a piece of a line that goes on in the next message
};

/// RFC 5424, RFC 3164, or what Docker's driver sends by default; `log.format` says which.
std::string encode_syslog(const RemoteLogSettings& log, const LogMessage& message);
/// The native protocol of systemd-journald: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
std::string encode_journald(const RemoteLogSettings& log, const LogMessage& message);
/// GELF 1.1, JSON without compression.
std::string encode_gelf(const RemoteLogSettings& log, const LogMessage& message);
/// The forward protocol's message mode: MessagePack [tag, time, record]. `log.format` "event-time"
/// is time to the nanosecond.
std::string encode_fluentd(const RemoteLogSettings& log, const LogMessage& message);

}  // namespace berth::shim
