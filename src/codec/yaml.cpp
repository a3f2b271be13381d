#include "codec/yaml.h"

#include <libfyaml.h>

#include <charconv>
#include <memory>

namespace berth::codec {

std::string TextPosition::to_string() const {
    return line > 0 ? concat(file, ":", line, ":", column) : file;
}

YamlNode YamlNode::of_string(std::string text, TextPosition at) {
    YamlNode node;
    node.kind = Kind::Scalar;
    node.scalar = std::move(text);
    node.is_plain = false;
    node.at = std::move(at);
    return node;
}

YamlNode YamlNode::of_plain(std::string text, TextPosition at) {
    YamlNode node = of_string(std::move(text), std::move(at));
    node.is_plain = true;
    return node;
}

YamlNode YamlNode::mapping(TextPosition at) {
    YamlNode node;
    node.kind = Kind::Mapping;
    node.at = std::move(at);
    return node;
}

YamlNode YamlNode::sequence(TextPosition at) {
    YamlNode node;
    node.kind = Kind::Sequence;
    node.at = std::move(at);
    return node;
}

const YamlNode* YamlNode::find(std::string_view key) const {
    for (const auto& member : members)
        if (member.key == key) return &member.value;
    return nullptr;
}

YamlNode* YamlNode::find(std::string_view key) {
    return const_cast<YamlNode*>(static_cast<const YamlNode*>(this)->find(key));
}

YamlNode& YamlNode::set(std::string_view key, YamlNode value) {
    kind = Kind::Mapping;
    if (YamlNode* existing = find(key)) return *existing = std::move(value);
    TextPosition position = value.at;
    members.push_back({std::string(key), std::move(position), std::move(value)});
    return members.back().value;
}

void YamlNode::erase(std::string_view key) {
    std::erase_if(members, [&](const Member& member) { return member.key == key; });
}

std::optional<bool> YamlNode::as_bool() const {
    if (!is_scalar() || !is_plain) return std::nullopt;
    if (scalar == "true" || scalar == "True" || scalar == "TRUE") return true;
    if (scalar == "false" || scalar == "False" || scalar == "FALSE") return false;
    return std::nullopt;
}

std::optional<std::int64_t> YamlNode::as_int() const {
    if (!is_scalar() || !is_plain) return std::nullopt;
    std::string_view text = scalar;
    if (text.starts_with("0o")) {
        const auto octal = parse_octal(text.substr(2));
        return octal ? std::optional<std::int64_t>(*octal) : std::nullopt;
    }
    if (text.starts_with("0x")) {
        std::int64_t value = 0;
        const auto [end, error] =
            std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
        return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                        : std::nullopt;
    }
    if (text.starts_with('+')) text.remove_prefix(1);
    return parse_int(text);
}

std::optional<double> YamlNode::as_double() const {
    if (!is_scalar() || !is_plain || scalar.empty()) return std::nullopt;
    double value = 0;
    const char* end = scalar.data() + scalar.size();
    const auto [stopped, error] = std::from_chars(scalar.data(), end, value);
    if (error != std::errc{} || stopped != end) return std::nullopt;
    return value;
}

bool YamlNode::operator==(const YamlNode& other) const {
    if (kind != other.kind || scalar != other.scalar || items != other.items) return false;
    if (members.size() != other.members.size()) return false;
    for (std::size_t i = 0; i < members.size(); ++i)
        if (members[i].key != other.members[i].key || !(members[i].value == other.members[i].value))
            return false;
    return true;
}

std::string point_at(std::string_view text, const TextPosition& at, std::string_view message) {
    std::string out = concat(at.to_string(), ": ", message);
    int line = 1;
    while (line < at.line) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end + 1);
        ++line;
    }
    if (at.line <= 0) return out;
    const auto shown = text.substr(0, std::min<std::size_t>(text.find('\n'), 160));
    const std::string number = std::to_string(at.line);
    out += concat("\n  ", number, " | ", shown, "\n  ", std::string(number.size(), ' '), " | ");
    // Tabs stay tabs, so that the caret stands below its character.
    for (int i = 0; i + 1 < at.column && i < static_cast<int>(shown.size()); ++i) {
        out += shown[static_cast<std::size_t>(i)] == '\t' ? '\t' : ' ';
    }
    return out + "^";
}

namespace {

constexpr int max_yaml_depth = 64;
constexpr int max_nodes = 200'000;

struct DocumentDeleter {
    void operator()(fy_document* document) const { fy_document_destroy(document); }
};
using Document = std::unique_ptr<fy_document, DocumentDeleter>;

/// Turns libfyaml's tree into ours, resolving aliases itself so that their expansion is bounded.
class Converter {
public:
    Converter(std::string_view text, const std::string& name) : text_(text), name_(name) {}

    Result<YamlNode> convert(fy_node* node, int depth) {
        if (!node) return YamlNode{};
        if (depth > max_yaml_depth)
            return fail(ErrorCode::InvalidArgument, name_, ": nested deeper than ", max_yaml_depth,
                        " levels");
        if (++count_ > max_nodes) {
            return fail(ErrorCode::InvalidArgument, name_, ": more than ", max_nodes,
                        " values once aliases are resolved");
        }
        if (fy_node_is_alias(node)) {
            fy_node* target = fy_node_resolve_alias(node);
            if (!target) return refuse(position_of(node), "alias to an unknown anchor");
            return convert(target, depth + 1);
        }
        YamlNode out;
        out.at = position_of(node);
        std::size_t tag_size = 0;
        if (const char* tag = fy_node_get_tag(node, &tag_size)) out.tag.assign(tag, tag_size);
        switch (fy_node_get_type(node)) {
            case FYNT_SCALAR: convert_scalar(node, out); return out;
            case FYNT_SEQUENCE: {
                out.kind = YamlNode::Kind::Sequence;
                void* cursor = nullptr;
                while (fy_node* item = fy_node_sequence_iterate(node, &cursor)) {
                    out.items.push_back(TRY(convert(item, depth + 1)));
                }
                return out;
            }
            case FYNT_MAPPING: return convert_mapping(node, std::move(out), depth);
        }
        return out;
    }

private:
    void convert_scalar(fy_node* node, YamlNode& out) {
        std::size_t size = 0;
        const char* text = fy_node_get_scalar(node, &size);
        out.kind = YamlNode::Kind::Scalar;
        if (text) out.scalar.assign(text, size);
        fy_token* token = fy_node_get_scalar_token(node);
        out.is_plain = !token || fy_scalar_token_get_style(token) == FYSS_PLAIN;
        const bool is_string_tag = out.tag == "tag:yaml.org,2002:str";
        if (is_string_tag) out.is_plain = false;
        const auto& s = out.scalar;
        if (out.is_plain && (s.empty() || s == "~" || s == "null" || s == "Null" || s == "NULL")) {
            out.kind = YamlNode::Kind::Null;
            out.scalar.clear();
        }
    }

    Result<YamlNode> convert_mapping(fy_node* node, YamlNode out, int depth) {
        out.kind = YamlNode::Kind::Mapping;
        std::vector<YamlNode> merges;
        void* cursor = nullptr;
        while (fy_node_pair* pair = fy_node_mapping_iterate(node, &cursor)) {
            fy_node* key = fy_node_pair_key(pair);
            const TextPosition at = position_of(key);
            if (!key || fy_node_get_type(key) != FYNT_SCALAR || fy_node_is_alias(key))
                return refuse(at, "a key must be a scalar");
            std::size_t size = 0;
            const char* text = fy_node_get_scalar(key, &size);
            const std::string name(text ? text : "", size);
            YamlNode value = TRY(convert(fy_node_pair_value(pair), depth + 1));
            if (value.at.line == 0) value.at = at;
            if (name == "<<") {
                merges.push_back(std::move(value));
                continue;
            }
            if (out.find(name)) return refuse(at, concat("key \"", name, "\" appears twice"));
            out.members.push_back({name, at, std::move(value)});
        }
        if (!out.members.empty() && out.at.line == 0) out.at = out.members.front().at;
        for (auto& merge : merges) {
            const TextPosition at = merge.at;
            std::vector<YamlNode> sources;
            if (merge.is_sequence()) {
                sources = std::move(merge.items);
            } else {
                sources.push_back(std::move(merge));
            }
            for (auto& source : sources) {
                if (!source.is_mapping()) return refuse(at, "a merge key (<<) needs a mapping");
                for (auto& member : source.members)
                    if (!out.find(member.key)) out.members.push_back(std::move(member));
            }
        }
        return out;
    }

    TextPosition position_of(fy_node* node) const {
        if (!node) return {name_, 0, 0};
        // Collections have no token of their own that carries a usable mark: take their first
        // scalar's.
        fy_node* first = node;
        for (int depth = 0; first && depth < max_yaml_depth; ++depth) {
            if (fy_node_get_type(first) == FYNT_SCALAR) break;
            if (fy_node_get_type(first) == FYNT_SEQUENCE) {
                first = fy_node_sequence_get_by_index(first, 0);
            } else {
                fy_node_pair* pair = fy_node_mapping_get_by_index(first, 0);
                first = pair ? fy_node_pair_key(pair) : nullptr;
            }
        }
        fy_token* token = first && fy_node_get_type(first) == FYNT_SCALAR
                              ? fy_node_get_scalar_token(first)
                              : nullptr;
        const fy_mark* mark = token ? fy_token_start_mark(token) : nullptr;
        if (!mark) return {name_, 0, 0};
        // The mark of a quoted scalar stands behind its opening quote.
        const fy_scalar_style style = fy_scalar_token_get_style(token);
        const bool is_quoted = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
        return {name_, mark->line + 1, mark->column + (is_quoted ? 0 : 1)};
    }

    Error refuse(const TextPosition& at, std::string_view message) const {
        return Error(ErrorCode::InvalidArgument, point_at(text_, at, message));
    }

    std::string_view text_;
    const std::string& name_;
    int count_ = 0;
};

// Where the text stops to be UTF-8 without NUL; npos when it never does. RFC 3629.
std::size_t find_foreign_byte(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80   ? 1
                                   : lead < 0xC2 ? 0
                                   : lead < 0xE0 ? 2
                                   : lead < 0xF0 ? 3
                                   : lead < 0xF5 ? 4
                                                 : 0;
        if (lead == 0 || length == 0 || i + length > text.size()) return i;
        const auto second = static_cast<unsigned char>(length > 1 ? text[i + 1] : 0);
        const bool is_overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
        const bool is_no_scalar =
            (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
        if (is_overlong || is_no_scalar) return i;
        for (std::size_t k = 1; k < length; ++k)
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return i;
        i += length;
    }
    return std::string_view::npos;
}

// libfyaml 0.7 never ends over such a byte in a directive.
Result<> check_text(std::string_view text, const std::string& name) {
    const std::size_t at = find_foreign_byte(text);
    if (at == std::string_view::npos) return {};
    const std::string_view before = text.substr(0, at);
    const auto line_start = before.rfind('\n') + 1;  // 0 when there is none
    return fail(ErrorCode::InvalidArgument, name, ":", 1 + std::ranges::count(before, '\n'), ":",
                1 + at - line_start, ": the file is not UTF-8 text");
}

}  // namespace

Result<YamlNode> parse_yaml(std::string_view text, const std::string& name) {
    // libfyaml 0.7 reports an empty document on standard error, whatever it is told about
    // collecting.
    if (trim(text).empty()) return YamlNode{};
    TRY(check_text(text, name));
    fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    std::unique_ptr<fy_diag, decltype(&fy_diag_destroy)> diag(fy_diag_create(&diag_config),
                                                              fy_diag_destroy);
    fy_diag_set_collect_errors(diag.get(), true);
    fy_parse_cfg config{};
    config.flags = static_cast<fy_parse_cfg_flags>(FYPCF_COLLECT_DIAG | FYPCF_ALLOW_DUPLICATE_KEYS |
                                                   FYPCF_DISABLE_ACCELERATORS);
    config.diag = diag.get();
    Document document(fy_document_build_from_string(&config, text.data(), text.size()));
    void* cursor = nullptr;
    if (fy_diag_error* error = fy_diag_errors_iterate(diag.get(), &cursor)) {
        const TextPosition at{name, std::max(1, error->line), std::max(1, error->column)};
        return Error(ErrorCode::InvalidArgument,
                     point_at(text, at, error->msg ? error->msg : "invalid YAML"));
    }
    if (!document) return fail(ErrorCode::InvalidArgument, name, ": invalid YAML");
    return Converter(text, name).convert(fy_document_root(document.get()), 0);
}

namespace {

bool needs_quotes(const std::string& text) {
    if (text.empty()) return true;
    const YamlNode plain = YamlNode::of_plain(text);
    if (plain.as_bool() || plain.as_int() || plain.as_double()) return true;
    for (const std::string_view word : {"~", "null", "Null", "NULL", "yes", "no", "on", "off", "y",
                                        "n", "Yes", "No", "On", "Off", "<<"})
        if (text == word) return true;
    if (std::string_view("-?:,[]{}#&*!|>'\"%@` ").find(text.front()) != std::string_view::npos &&
        text != "-") {
        const bool harmless_dash = text.front() == '-' && text.size() > 1 && text[1] != ' ';
        if (!harmless_dash) return true;
    }
    if (text == "-" || text.back() == ' ' || text.back() == ':') return true;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return true;
        if (c == ':' && i + 1 < text.size() && text[i + 1] == ' ') return true;
        if (c == '#' && i > 0 && text[i - 1] == ' ') return true;
    }
    // Sexagesimal numbers and dates of YAML 1.1 readers.
    return text.find_first_not_of("0123456789:.-_") == std::string::npos;
}

void dump_scalar(std::string& out, const YamlNode& node) {
    if (node.is_null()) {
        out += "null";
    } else if (node.is_plain || !needs_quotes(node.scalar)) {
        out += node.scalar;
    } else {
        out += Json(node.scalar).dump(-1, ' ', false, Json::error_handler_t::replace);
    }
}

void dump_node(std::string& out, const YamlNode& node, int indent);

void dump_child(std::string& out, const YamlNode& value, int indent) {
    const bool is_empty = (value.is_mapping() && value.members.empty()) ||
                          (value.is_sequence() && value.items.empty());
    if (is_empty) {
        out += value.is_mapping() ? " {}\n" : " []\n";
    } else if (value.is_scalar() || value.is_null()) {
        out += ' ';
        dump_scalar(out, value);
        out += '\n';
    } else {
        out += '\n';
        dump_node(out, value, indent);
    }
}

void dump_key(std::string& out, const std::string& key) {
    dump_scalar(out, YamlNode::of_string(key));
}

void dump_node(std::string& out, const YamlNode& node, int indent) {
    const std::string margin(static_cast<std::size_t>(indent), ' ');
    if (node.is_mapping()) {
        for (const auto& member : node.members) {
            out += margin;
            dump_key(out, member.key);
            out += ':';
            dump_child(out, member.value, indent + 2);
        }
        return;
    }
    for (const auto& item : node.items) {
        out += margin;
        out += '-';
        if (item.is_mapping() && !item.members.empty()) {
            // The first member stands behind the dash.
            std::string body;
            dump_node(body, item, indent + 2);
            out += ' ';
            out += std::string_view(body).substr(static_cast<std::size_t>(indent) + 2);
        } else {
            dump_child(out, item, indent + 2);
        }
    }
}

}  // namespace

std::string dump_yaml(const YamlNode& node) {
    std::string out;
    if (node.is_mapping() && node.members.empty()) return "{}\n";
    if (node.is_sequence() && node.items.empty()) return "[]\n";
    if (node.is_scalar() || node.is_null()) {
        dump_scalar(out, node);
        return out + "\n";
    }
    dump_node(out, node, 0);
    return out;
}

Json to_json(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::Null: return nullptr;
        case YamlNode::Kind::Scalar:
            if (const auto value = node.as_bool()) return *value;
            if (const auto value = node.as_int()) return *value;
            if (const auto value = node.as_double()) return *value;
            return node.scalar;
        case YamlNode::Kind::Sequence: {
            Json out = Json::array();
            for (const auto& item : node.items) out.push_back(to_json(item));
            return out;
        }
        case YamlNode::Kind::Mapping: {
            Json out = Json::object();
            for (const auto& member : node.members) out[member.key] = to_json(member.value);
            return out;
        }
    }
    return nullptr;
}

}  // namespace berth::codec
