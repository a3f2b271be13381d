#include "shim/dns_message.h"

#include <algorithm>

#include "base/text.h"

namespace berth::shim {
namespace {

constexpr std::size_t dns_header_bytes = 12;
constexpr std::size_t max_label = 63;
constexpr std::size_t max_name = 255;

std::uint16_t read16(std::span<const std::byte> message, std::size_t at) {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(message[at]) << 8 |
                                      std::to_integer<unsigned>(message[at + 1]));
}

void append16(std::string& out, unsigned value) {
    out.push_back(static_cast<char>(value >> 8));
    out.push_back(static_cast<char>(value));
}

void append32(std::string& out, std::uint32_t value) {
    append16(out, value >> 16);
    append16(out, value & 0xFFFF);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// A name in wire form; empty when a label is too long or empty.
std::string wire_name(std::string_view name) {
    std::string out;
    for (const std::string& label : split(name, '.')) {
        if (label.empty() || label.size() > max_label) return {};
        out.push_back(static_cast<char>(label.size()));
        out.append(label);
    }
    out.push_back('\0');
    return out.size() <= max_name ? out : std::string();
}

void append_record(std::string& out, std::uint16_t type, std::uint32_t ttl, std::string_view data) {
    append16(out, 0xC00C);  // the name is that of the question, at offset 12
    append16(out, type);
    append16(out, 1);
    append32(out, ttl);
    append16(out, static_cast<unsigned>(data.size()));
    out.append(data);
}

std::optional<std::string> parse_reverse_v6(std::string_view nibbles) {
    if (nibbles.size() != 63) return std::nullopt;
    std::string bytes(16, '\0');
    for (std::size_t i = 0; i < 32; ++i) {
        const char c = nibbles[i * 2];
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0 || (i < 31 && nibbles[i * 2 + 1] != '.')) return std::nullopt;
        bytes[15 - i / 2] = static_cast<char>(static_cast<unsigned char>(bytes[15 - i / 2]) |
                                              digit << (i % 2 == 0 ? 0 : 4));
    }
    return bytes;
}

}  // namespace

std::optional<DnsQuestion> parse_dns_query(std::span<const std::byte> message) {
    if (message.size() < dns_header_bytes) return std::nullopt;
    const std::uint16_t flags = read16(message, 2);
    const bool is_standard_query = (flags & 0xF800) == 0;
    if (!is_standard_query || read16(message, 4) != 1) return std::nullopt;
    DnsQuestion question{.id = read16(message, 0), .recursion_desired = (flags & 0x0100) != 0};
    std::size_t at = dns_header_bytes;
    while (true) {
        if (at >= message.size()) return std::nullopt;
        const auto length = std::to_integer<std::size_t>(message[at++]);
        if (length == 0) break;
        // A query has nothing before its question that a compression pointer could point to.
        if (length > max_label || message.size() - at < length) return std::nullopt;
        if (!question.name.empty()) question.name.push_back('.');
        for (std::size_t i = 0; i < length; ++i)
            question.name.push_back(lower(std::to_integer<char>(message[at + i])));
        if (question.name.size() > max_name - 2) return std::nullopt;
        at += length;
    }
    if (message.size() - at < 4) return std::nullopt;
    question.type = read16(message, at);
    question.record_class = read16(message, at + 2);
    question.end = at + 4;
    return question;
}

std::string make_dns_response(std::span<const std::byte> query, const DnsQuestion& question,
                              const DnsAnswer& answer, std::size_t max_bytes) {
    std::string records;
    unsigned count = 0;
    bool truncated = false;
    const std::size_t room = max_bytes - std::min(max_bytes, question.end);
    const auto add = [&](std::uint16_t type, std::string_view data) {
        if (records.size() + 12 + data.size() > room) {
            truncated = true;
            return;
        }
        append_record(records, type, answer.ttl, data);
        ++count;
    };
    for (const std::string& address : answer.addresses) {
        const bool is_v6 = address.size() == 16;
        const std::uint16_t type = is_v6 ? dns_type_aaaa : dns_type_a;
        if (question.type == type || question.type == dns_type_any) add(type, address);
    }
    if (const std::string target = wire_name(answer.target);
        question.type == dns_type_ptr && !target.empty()) {
        add(dns_type_ptr, target);
    }
    std::string out;
    append16(out, question.id);
    // Response, recursion available, the recursion-desired bit as it came.
    append16(out, 0x8080u | (question.recursion_desired ? 0x0100u : 0u) |
                      (truncated ? 0x0200u : 0u) | static_cast<unsigned>(answer.code));
    append16(out, 1);
    append16(out, count);
    append32(out, 0);
    out.append(as_text(query.subspan(dns_header_bytes, question.end - dns_header_bytes)));
    return out + records;
}

std::optional<std::string> parse_reverse_name(std::string_view name) {
    constexpr std::string_view v4_suffix = ".in-addr.arpa", v6_suffix = ".ip6.arpa";
    if (name.ends_with(v6_suffix))
        return parse_reverse_v6(name.substr(0, name.size() - v6_suffix.size()));
    if (!name.ends_with(v4_suffix)) return std::nullopt;
    const std::vector<std::string> parts =
        split(name.substr(0, name.size() - v4_suffix.size()), '.');
    if (parts.size() != 4) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 4; i-- > 0;) {
        const auto number = parse_uint(parts[i]);
        if (!number || *number > 255) return std::nullopt;
        bytes.push_back(static_cast<char>(*number));
    }
    return bytes;
}

}  // namespace berth::shim
