#include "shim/log_encode.h"

#include <time.h>

#include <cstdio>

#include "base/text.h"
#include "shim/log_line.h"

namespace berth::shim {
namespace {

constexpr int severity_error = 3, severity_info = 6;
constexpr std::size_t max_journal_name = 64;

int severity(const LogMessage& message) {
    return message.stream == 2 ? severity_error : severity_info;
}

std::string format_time(Timestamp time, const char* pattern) {
    const time_t seconds = static_cast<time_t>(
        std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
    tm parts{};
    ::gmtime_r(&seconds, &parts);
    char buffer[64];
    return std::string(buffer, ::strftime(buffer, sizeof(buffer), pattern, &parts));
}

// "2026-11-23T10:00:00.123456Z": syslog takes six digits at most.
std::string micro_time(Timestamp time) {
    const auto nanoseconds = time.time_since_epoch().count() % 1'000'000'000;
    char digits[16];
    std::snprintf(digits, sizeof(digits), ".%06lldZ", static_cast<long long>(nanoseconds / 1000));
    return format_time(time, "%Y-%m-%dT%H:%M:%S") + digits;
}

// A journal field; a value with line ends has its length in front.
void append_field(std::string& out, std::string_view key, std::string_view value) {
    out.append(key);
    if (value.find('\n') == std::string_view::npos) {
        out.append("=").append(value).append("\n");
        return;
    }
    out.push_back('\n');
    for (int i = 0; i < 8; ++i)
        out.push_back(static_cast<char>(std::uint64_t{value.size()} >> (8 * i)));
    out.append(value).append("\n");
}

// Field names of the journal are upper case and begin with a letter, else journald drops the field:
// names with an underscore in front are its own.
std::string journal_name(std::string_view key) {
    std::string out;
    for (const char c : key) {
        const bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        const bool is_digit = c >= '0' && c <= '9';
        if (out.empty() && !is_letter) continue;
        const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        out.push_back(is_letter || is_digit ? upper : '_');
        if (out.size() == max_journal_name) break;
    }
    return out;
}

void append_json(std::string& out, std::string_view key, std::string_view value) {
    if (out.size() > 1) out.push_back(',');
    out.append("\"");
    append_json_escaped(out, key);
    out.append("\":\"");
    append_json_escaped(out, value);
    out.push_back('"');
}

void append_packed(std::string& out, std::string_view text) {
    const std::size_t size = text.size();
    if (size < 32) {
        out.push_back(static_cast<char>(0xA0 | size));
    } else if (size < 65536) {
        out.push_back('\xda');
        for (const int shift : {8, 0}) out.push_back(static_cast<char>(size >> shift));
    } else {
        out.push_back('\xdb');
        for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(size >> shift));
    }
    out.append(text);
}

void append_big_endian(std::string& out, std::uint32_t number) {
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(number >> shift));
}

// Whole seconds as a number, or EventTime: the extension type 0 of eight bytes.
void append_event_time(std::string& out, Timestamp time, bool with_nanoseconds) {
    const auto since_epoch = time.time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_epoch);
    out.append(with_nanoseconds ? std::string_view("\xd7\0", 2) : std::string_view("\xce"));
    append_big_endian(out, static_cast<std::uint32_t>(seconds.count()));
    if (with_nanoseconds)
        append_big_endian(out, static_cast<std::uint32_t>((since_epoch - seconds).count()));
}

}  // namespace

std::string encode_syslog(const RemoteLogSettings& log, const LogMessage& message) {
    const std::string priority = concat("<", log.facility * 8 + severity(message), ">");
    const bool is_5424 = log.format.starts_with("rfc5424");
    if (is_5424) {
        const std::string time = log.format == "rfc5424micro"
                                     ? micro_time(message.time)
                                     : format_time(message.time, "%Y-%m-%dT%H:%M:%SZ");
        return concat(priority, "1 ", time, " ", log.hostname, " ", log.tag, " ", log.pid, " ",
                      log.tag, " - ", message.text);
    }
    const std::string time = format_time(message.time, "%b %e %H:%M:%S");
    const std::string host =
        log.format == "rfc3164" || !log.is_local ? log.hostname + " " : std::string();
    return concat(priority, time, " ", host, log.tag, "[", log.pid, "]: ", message.text);
}

std::string encode_journald(const RemoteLogSettings& log, const LogMessage& message) {
    std::string out;
    append_field(out, "MESSAGE", message.text);
    append_field(out, "PRIORITY", std::to_string(severity(message)));
    append_field(out, "CONTAINER_ID", std::string_view(log.container_id).substr(0, 12));
    append_field(out, "CONTAINER_ID_FULL", log.container_id);
    append_field(out, "CONTAINER_NAME", log.container_name);
    append_field(out, "CONTAINER_TAG", log.tag);
    append_field(out, "IMAGE_NAME", log.image);
    append_field(out, "SYSLOG_IDENTIFIER", log.tag);
    append_field(out, "SYSLOG_TIMESTAMP", to_rfc3339(message.time));
    if (message.is_partial) append_field(out, "CONTAINER_PARTIAL_MESSAGE", "true");
    for (const std::string& pair : log.extra) {
        const auto parts = split_once(pair, '=');
        const std::string name = parts ? journal_name(parts->first) : std::string();
        if (!name.empty()) append_field(out, name, parts->second);
    }
    return out;
}

std::string encode_gelf(const RemoteLogSettings& log, const LogMessage& message) {
    std::string out = "{";
    append_json(out, "version", "1.1");
    append_json(out, "host", log.hostname);
    append_json(out, "short_message", message.text);
    const auto nanoseconds = message.time.time_since_epoch().count();
    char number[48];
    std::snprintf(number, sizeof(number), ",\"timestamp\":%lld.%03lld,\"level\":%d",
                  static_cast<long long>(nanoseconds / 1'000'000'000),
                  static_cast<long long>(nanoseconds / 1'000'000 % 1000), severity(message));
    out.append(number);
    append_json(out, "_container_id", log.container_id);
    append_json(out, "_container_name", log.container_name);
    append_json(out, "_image_name", log.image);
    append_json(out, "_tag", log.tag);
    for (const std::string& pair : log.extra) {
        if (const auto parts = split_once(pair, '='))
            append_json(out, concat("_", parts->first), parts->second);
    }
    return out + "}";
}

std::string encode_fluentd(const RemoteLogSettings& log, const LogMessage& message) {
    std::string out = "\x93";
    append_packed(out, log.tag);
    append_event_time(out, message.time, log.format == "event-time");
    const std::string name = "/" + log.container_name;  // as Docker does it in this protocol alone
    std::vector<std::pair<std::string_view, std::string_view>> record{
        {"container_id", log.container_id},
        {"container_name", name},
        {"source", message.stream == 2 ? "stderr" : "stdout"},
        {"log", message.text}};
    if (message.is_partial) record.emplace_back("partial_message", "true");
    for (const std::string& pair : log.extra) {
        if (const auto parts = split_once(pair, '='))
            record.emplace_back(parts->first, parts->second);
    }
    out.push_back('\xde');
    for (const int shift : {8, 0}) out.push_back(static_cast<char>(record.size() >> shift));
    for (const auto& [key, value] : record) {
        append_packed(out, key);
        append_packed(out, value);
    }
    return out;
}

}  // namespace berth::shim
