#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::http {

/// Undoes %XX (and, in queries, '+' for a space). Broken escapes stay as they are.
std::string decode_percent(std::string_view text, bool plus_is_space = false);
/// Escapes everything but unreserved characters (RFC 3986 section 2.3) and those in `keep`.
std::string encode_percent(std::string_view text, std::string_view keep = {});

/// The parameters after '?', decoded, in order.
class Query {
public:
    static Query parse(std::string_view text);
    bool has(std::string_view name) const;
    /// The first value, or "".
    std::string get(std::string_view name) const;
    std::vector<std::string> all(std::string_view name) const;
    /// Docker's notion of a boolean parameter: absent, "", "0", "no", "false" and "none" are false,
    /// all else is true.
    bool flag(std::string_view name, bool fallback = false) const;
    std::optional<long long> number(std::string_view name) const;
    void add(std::string_view name, std::string_view value);
    /// "a=1&b=2", escaped.
    std::string to_string() const;
    const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace berth::http
