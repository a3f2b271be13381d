#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::http {

/// Header fields in the order they came; names compare without regard to case. RFC 9110 section 5.
class Headers {
public:
    /// The first field of that name, or "" when there is none.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;
    /// Every value of fields of that name.
    std::vector<std::string_view> all(std::string_view name) const;
    /// Replaces every field of that name.
    void set(std::string_view name, std::string_view value);
    void add(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    /// Whether a comma-separated field holds the token: has_token("Connection", "upgrade").
    bool has_token(std::string_view name, std::string_view token) const;
    const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// Whether two ASCII texts are equal without regard to case.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace berth::http
