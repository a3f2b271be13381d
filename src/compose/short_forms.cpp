#include "compose/short_forms.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cmath>

namespace berth::compose {

using codec::YamlNode;

namespace {

struct PortRange {
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::int64_t count() const { return last - first + 1; }
};

Result<PortRange> parse_range(std::string_view text, std::string_view whole) {
    const auto parts = split_once(text, '-');
    const auto first = parse_int(parts ? parts->first : text);
    const auto last = parts ? parse_int(parts->second) : first;
    if (!first || !last || *first < 0 || *last > 65535 || *first > *last) {
        return fail(ErrorCode::InvalidArgument, "invalid port \"", whole, "\": \"", text,
                    "\" is not a port or range of ports");
    }
    return PortRange{*first, *last};
}

YamlNode long_port(const codec::TextPosition& at, std::string_view host_ip, std::int64_t target,
                   const std::string& published, std::string_view protocol) {
    YamlNode out = YamlNode::mapping(at);
    out.set("mode", YamlNode::of_string("ingress", at));
    if (!host_ip.empty()) out.set("host_ip", YamlNode::of_string(std::string(host_ip), at));
    out.set("target", YamlNode::of_plain(std::to_string(target), at));
    if (!published.empty()) out.set("published", YamlNode::of_string(published, at));
    out.set("protocol", YamlNode::of_string(std::string(protocol), at));
    return out;
}

bool is_ip_address(const std::string& text) {
    in6_addr address;
    return inet_pton(AF_INET, text.c_str(), &address) == 1 ||
           inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

Result<std::vector<YamlNode>> expand_short_port(const YamlNode& node) {
    std::string_view rest = node.scalar;
    std::string_view protocol = "tcp";
    if (const auto slash = rest.rfind('/'); slash != std::string_view::npos) {
        protocol = rest.substr(slash + 1);
        rest = rest.substr(0, slash);
    }
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
        return fail(ErrorCode::InvalidArgument, "invalid port \"", node.scalar,
                    "\": protocol must be tcp, udp or sctp");
    }
    const auto colon = rest.rfind(':');
    const PortRange target = TRY(
        parse_range(colon == std::string_view::npos ? rest : rest.substr(colon + 1), node.scalar));
    std::string_view host_ip;
    std::string_view published_text;
    if (colon != std::string_view::npos) {
        published_text = rest.substr(0, colon);
        if (const auto split_at = published_text.rfind(':'); split_at != std::string_view::npos) {
            host_ip = published_text.substr(0, split_at);
            published_text = published_text.substr(split_at + 1);
            if (host_ip.starts_with('[') && host_ip.ends_with(']'))
                host_ip = host_ip.substr(1, host_ip.size() - 2);
            if (!host_ip.empty() && !is_ip_address(std::string(host_ip)))
                return fail(ErrorCode::InvalidArgument, "invalid port \"", node.scalar, "\": \"",
                            host_ip, "\" is no IP address");
        }
    }
    std::vector<YamlNode> out;
    if (published_text.empty()) {
        for (auto port = target.first; port <= target.last; ++port)
            out.push_back(long_port(node.at, host_ip, port, "", protocol));
        return out;
    }
    const PortRange published = TRY(parse_range(published_text, node.scalar));
    if (target.count() == 1 && published.count() > 1) {
        out.push_back(
            long_port(node.at, host_ip, target.first, std::string(published_text), protocol));
        return out;
    }
    if (target.count() != published.count()) {
        return fail(ErrorCode::InvalidArgument, "invalid port \"", node.scalar,
                    "\": the two ranges differ in length");
    }
    for (std::int64_t i = 0; i < target.count(); ++i) {
        out.push_back(long_port(node.at, host_ip, target.first + i,
                                std::to_string(published.first + i), protocol));
    }
    return out;
}

bool is_path(std::string_view source) {
    return source.starts_with('/') || source.starts_with('.') || source.starts_with('~');
}

Result<> apply_volume_options(YamlNode& volume, const std::string& options,
                              const YamlNode& original, bool is_bind) {
    for (const auto& option : split(options, ',')) {
        if (option == "ro") {
            volume.set("read_only", YamlNode::of_plain("true", original.at));
        } else if (option == "nocopy" && !is_bind) {
            YamlNode settings = YamlNode::mapping(original.at);
            settings.set("nocopy", YamlNode::of_plain("true", original.at));
            volume.set("volume", std::move(settings));
        } else if (option == "z" || option == "Z" || option.ends_with("shared") ||
                   option.ends_with("slave") || option.ends_with("private")) {
            YamlNode* bind = volume.find("bind");
            if (!bind) bind = &volume.set("bind", YamlNode::mapping(original.at));
            const bool is_label = option == "z" || option == "Z";
            bind->set(is_label ? "selinux" : "propagation",
                      YamlNode::of_string(option, original.at));
        } else if (option != "rw" && option != "cached" && option != "delegated" &&
                   option != "consistent" && !option.empty()) {
            return fail(ErrorCode::InvalidArgument, "invalid volume \"", original.scalar,
                        "\": unknown option \"", option, "\"");
        }
    }
    return {};
}

}  // namespace

Result<std::vector<YamlNode>> expand_port(const YamlNode& port) {
    if (port.is_scalar()) return expand_short_port(port);
    if (!port.is_mapping())
        return fail(ErrorCode::InvalidArgument, "a port must be a number, a text or a mapping");
    const YamlNode* target = port.find("target");
    if (!target) return fail(ErrorCode::InvalidArgument, "a port needs a target");
    if (!parse_int(target->scalar))
        return fail(ErrorCode::InvalidArgument, "invalid target port \"", target->scalar, "\"");
    const YamlNode* host_ip = port.find("host_ip");
    const YamlNode* published = port.find("published");
    const YamlNode* protocol = port.find("protocol");
    YamlNode out =
        long_port(port.at, host_ip ? host_ip->scalar : "", *parse_int(target->scalar),
                  published ? published->scalar : "", protocol ? protocol->scalar : "tcp");
    for (const auto& member : port.members)
        if (!out.find(member.key) || member.key == "mode") out.set(member.key, member.value);
    return std::vector<YamlNode>{std::move(out)};
}

Result<YamlNode> expand_volume(const YamlNode& volume) {
    if (volume.is_mapping()) {
        if (!volume.find("type"))
            return fail(ErrorCode::InvalidArgument, "a volume in long form needs a type");
        return volume;
    }
    if (!volume.is_scalar())
        return fail(ErrorCode::InvalidArgument, "a volume must be a text or a mapping");
    const auto parts = split(volume.scalar, ':');
    if (parts.size() > 3 || parts[0].empty() || (parts.size() > 1 && parts[1].empty())) {
        return fail(ErrorCode::InvalidArgument, "invalid volume \"", volume.scalar,
                    "\": want [SOURCE:]TARGET[:OPTIONS]");
    }
    YamlNode out = YamlNode::mapping(volume.at);
    const bool has_source = parts.size() > 1;
    const bool is_bind = has_source && is_path(parts[0]);
    out.set("type", YamlNode::of_string(is_bind ? "bind" : "volume", volume.at));
    if (has_source) out.set("source", YamlNode::of_string(parts[0], volume.at));
    const std::string& target = has_source ? parts[1] : parts[0];
    if (!target.starts_with('/')) {
        return fail(ErrorCode::InvalidArgument, "invalid volume \"", volume.scalar,
                    "\": the path in the container must be absolute");
    }
    out.set("target", YamlNode::of_string(target, volume.at));
    if (is_bind) {
        YamlNode bind = YamlNode::mapping(volume.at);
        bind.set("create_host_path", YamlNode::of_plain("true", volume.at));
        out.set("bind", std::move(bind));
    }
    if (parts.size() == 3) TRY(apply_volume_options(out, parts[2], volume, is_bind));
    return out;
}

YamlNode expand_grant(const YamlNode& grant) {
    if (grant.is_mapping()) return grant;
    YamlNode out = YamlNode::mapping(grant.at);
    out.set("source", YamlNode::of_string(grant.scalar, grant.at));
    return out;
}

YamlNode list_to_mapping(const YamlNode& list) {
    if (!list.is_sequence()) return list;
    YamlNode out = YamlNode::mapping(list.at);
    for (const auto& item : list.items) {
        auto parts = split_once(item.scalar, '=');
        if (!parts && item.scalar.find("://") == std::string::npos) {
            // extra_hosts may be written host:ip; a variable's name holds no colon.
            parts = split_once(item.scalar, ':');
        }
        if (!parts) {
            YamlNode nothing;
            nothing.at = item.at;
            out.set(item.scalar, std::move(nothing));
        } else {
            out.set(parts->first, YamlNode::of_string(std::string(parts->second), item.at));
        }
    }
    return out;
}

YamlNode names_to_mapping(const YamlNode& names) {
    if (!names.is_sequence()) return names;
    YamlNode out = YamlNode::mapping(names.at);
    for (const auto& item : names.items) {
        YamlNode nothing;
        nothing.at = item.at;
        out.set(item.scalar, std::move(nothing));
    }
    return out;
}

YamlNode build_to_mapping(const YamlNode& build) {
    if (!build.is_scalar()) return build;
    YamlNode out = YamlNode::mapping(build.at);
    out.set("context", YamlNode::of_string(build.scalar, build.at));
    return out;
}

YamlNode to_sequence(const YamlNode& node) {
    if (node.is_sequence()) return node;
    YamlNode out = YamlNode::sequence(node.at);
    if (!node.is_null()) out.items.push_back(node);
    return out;
}

Result<std::vector<std::string>> split_command(std::string_view line) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '\'' || c == '"') {
            in_word = true;
            std::size_t j = i + 1;
            for (; j < line.size() && line[j] != c; ++j) {
                const bool escapes =
                    c == '"' && line[j] == '\\' && j + 1 < line.size() &&
                    std::string_view("\"\\$`").find(line[j + 1]) != std::string_view::npos;
                if (escapes) ++j;
                word += line[j];
            }
            if (j >= line.size())
                return fail(ErrorCode::InvalidArgument, "quote is never closed in \"", line, "\"");
            i = j;
        } else if (c == '\\' && i + 1 < line.size()) {
            in_word = true;
            word += line[++i];
        } else if (c == ' ' || c == '\t' || c == '\n') {
            if (in_word) words.push_back(std::exchange(word, {}));
            in_word = false;
        } else {
            in_word = true;
            word += c;
        }
    }
    if (in_word) words.push_back(std::move(word));
    return words;
}

Result<std::int64_t> parse_byte_size(std::string_view text) {
    const std::string lower = to_lower(trim(text));
    double value = 0;
    const char* end = lower.data() + lower.size();
    const auto [stopped, error] = std::from_chars(lower.data(), end, value);
    std::string_view unit(stopped, static_cast<std::size_t>(end - stopped));
    while (unit.starts_with(' ')) unit.remove_prefix(1);
    if (unit.ends_with("ib")) {
        unit.remove_suffix(2);
    } else if (unit.ends_with('b')) {
        unit.remove_suffix(1);
    }
    const auto power = unit.empty() ? 0
                       : unit.size() == 1
                           ? static_cast<int>(std::string_view("kmgtp").find(unit[0])) + 1
                           : -1;
    if (error != std::errc{} || value < 0 || power < 0 || power > 5 ||
        (!unit.empty() && power == 0)) {
        return fail(ErrorCode::InvalidArgument, "invalid size \"", text,
                    "\": want a number with b, k, m or g behind it");
    }
    return static_cast<std::int64_t>(std::llround(value * std::pow(1024.0, power)));
}

}  // namespace berth::compose
