#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "codec/json.h"

namespace berth::codec {

/// Where something stands in a text; lines and columns count from 1, 0 means unknown.
struct TextPosition {
    std::string file;
    int line = 0;
    int column = 0;
    /// "compose.yaml:3:7", or the file alone when the line is unknown.
    std::string to_string() const;
};

/// A YAML node that knows where it stands. Aliases and merge keys ("<<") are resolved.
struct YamlNode {
    enum class Kind : std::uint8_t { Null, Scalar, Sequence, Mapping };
    struct Member;

    Kind kind = Kind::Null;
    std::string scalar;
    /// False for quoted and block scalars, which are always strings; a plain `yes`, `5` or `1.5`
    /// has a type.
    bool is_plain = true;
    std::vector<YamlNode> items;
    std::vector<Member> members;
    /// An explicit tag such as "!reset"; empty for none.
    std::string tag;
    TextPosition at;

    static YamlNode of_string(std::string text, TextPosition at = {});
    static YamlNode of_plain(std::string text, TextPosition at = {});
    static YamlNode mapping(TextPosition at = {});
    static YamlNode sequence(TextPosition at = {});

    bool is_null() const { return kind == Kind::Null; }
    bool is_scalar() const { return kind == Kind::Scalar; }
    bool is_sequence() const { return kind == Kind::Sequence; }
    bool is_mapping() const { return kind == Kind::Mapping; }
    /// The member's value, or nullptr; null values are returned as nodes.
    const YamlNode* find(std::string_view key) const;
    YamlNode* find(std::string_view key);
    /// Sets or replaces a member, keeping its place.
    YamlNode& set(std::string_view key, YamlNode value);
    void erase(std::string_view key);

    /// The typed reading of a plain scalar by the YAML 1.2 core schema; nullopt for anything else.
    std::optional<bool> as_bool() const;
    std::optional<std::int64_t> as_int() const;
    std::optional<double> as_double() const;
    /// Same content, whatever the position and style.
    bool operator==(const YamlNode& other) const;
};

struct YamlNode::Member {
    std::string key;
    TextPosition at;
    YamlNode value;
};

/// Parses one YAML 1.2 document. `name` is the file's name for positions. An empty document is
/// Null. InvalidArgument carries "name:line:column: reason" with the line and a caret; limits: 64
/// levels, 200,000 nodes (after aliases are resolved), no duplicate keys.
Result<YamlNode> parse_yaml(std::string_view text, const std::string& name);

/// Block style with two spaces, strings quoted only where they must be.
std::string dump_yaml(const YamlNode& node);

/// Scalars become their typed JSON values.
Json to_json(const YamlNode& node);

/// `message`, the line of `text` at `at`, and a caret below the column: what users see for an error
/// in their file.
std::string point_at(std::string_view text, const TextPosition& at, std::string_view message);

}  // namespace berth::codec
