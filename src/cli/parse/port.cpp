#include "cli/parse/port.h"

#include <arpa/inet.h>

#include <optional>

namespace berth::cli {

namespace {

struct Range {
    std::uint64_t first = 0, last = 0;
    std::uint64_t size() const { return last - first + 1; }
};

Result<Range> parse_range(std::string_view text, std::string_view what) {
    const auto dash = text.find('-');
    const auto first = parse_uint(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_uint(text.substr(dash + 1));
    if (!first || !last || *first > 65535 || *last > 65535 || *first == 0) {
        return fail(ErrorCode::InvalidArgument, "invalid ", what, " \"", text,
                    "\": ports go from 1 to 65535");
    }
    if (*last < *first)
        return fail(ErrorCode::InvalidArgument, "invalid ", what, " \"", text,
                    "\": the range goes backwards");
    return Range{*first, *last};
}

Result<std::string> parse_protocol(std::string_view text) {
    const std::string lower = to_lower(text);
    if (lower == "tcp" || lower == "udp" || lower == "sctp") return lower;
    return fail(ErrorCode::InvalidArgument, "unknown protocol \"", text,
                "\": tcp, udp and sctp are known");
}

bool is_address(const std::string& text) {
    in6_addr buffer;
    return inet_pton(AF_INET, text.c_str(), &buffer) == 1 ||
           inet_pton(AF_INET6, text.c_str(), &buffer) == 1;
}

struct Parts {
    std::string host_ip;
    std::string_view host_port;
    std::string_view container_port;
};

// Splits at the colons that are not part of an address.
Result<Parts> split_parts(std::string_view text) {
    Parts parts;
    const auto last = text.rfind(':');
    parts.container_port = last == std::string_view::npos ? text : text.substr(last + 1);
    if (last == std::string_view::npos) return parts;
    std::string_view host = text.substr(0, last);
    if (host.starts_with('[')) {
        const auto close = host.find(']');
        if (close == std::string_view::npos)
            return fail(ErrorCode::InvalidArgument, "\"[\" without \"]\"");
        parts.host_ip = host.substr(1, close - 1);
        host.remove_prefix(close + 1);
        if (!host.empty() && !host.starts_with(':'))
            return fail(ErrorCode::InvalidArgument, "expected \":\" after the address");
        parts.host_port = host.empty() ? host : host.substr(1);
    } else if (const auto colon = host.rfind(':'); colon != std::string_view::npos) {
        parts.host_ip = host.substr(0, colon);
        parts.host_port = host.substr(colon + 1);
    } else if (host.find('.') != std::string_view::npos) {
        parts.host_ip = host;
    } else {
        parts.host_port = host;
    }
    if (!parts.host_ip.empty() && !is_address(parts.host_ip)) {
        return fail(ErrorCode::InvalidArgument, "invalid address \"", parts.host_ip, "\"");
    }
    return parts;
}

Result<std::vector<PublishedPort>> parse_parts(std::string_view text) {
    const auto slash = text.find('/');
    std::string protocol = "tcp";
    if (slash != std::string_view::npos) protocol = TRY(parse_protocol(text.substr(slash + 1)));
    const Parts parts = TRY(split_parts(text.substr(0, slash)));
    if (parts.container_port.empty())
        return fail(ErrorCode::InvalidArgument, "the container's port is missing");
    const Range container = TRY(parse_range(parts.container_port, "container port"));
    std::optional<Range> host;
    if (!parts.host_port.empty()) host = TRY(parse_range(parts.host_port, "host port"));
    const bool is_pool = host && container.size() == 1 && host->size() > 1;
    if (host && !is_pool && host->size() != container.size()) {
        return fail(ErrorCode::InvalidArgument, "the ranges have different lengths");
    }
    std::vector<PublishedPort> out;
    for (std::uint64_t i = 0; i < container.size(); ++i) {
        PublishedPort port{parts.host_ip, {}, concat(container.first + i, "/", protocol)};
        if (is_pool)
            port.host_port = concat(host->first, "-", host->last);
        else if (host)
            port.host_port = concat(host->first + i);
        out.push_back(std::move(port));
    }
    return out;
}

}  // namespace

Result<std::vector<PublishedPort>> parse_published(std::string_view text) {
    return parse_parts(text).context("published port ", text);
}

Result<std::vector<std::string>> parse_exposed(std::string_view text) {
    const auto slash = text.find('/');
    std::string protocol = "tcp";
    if (slash != std::string_view::npos) protocol = TRY(parse_protocol(text.substr(slash + 1)));
    const Range range = TRY(parse_range(text.substr(0, slash), "port"));
    std::vector<std::string> out;
    for (auto port = range.first; port <= range.last; ++port)
        out.push_back(concat(port, "/", protocol));
    return out;
}

}  // namespace berth::cli
