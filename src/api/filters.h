#pragma once
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::api {

/// The `filters` query parameter: keys with values. Keys are joined by AND, the values of one key
/// by OR.
class Filters {
public:
    /// Reads {"label": {"a=b": true}} and the older {"label": ["a=b"]}; "" is no filter.
    /// InvalidArgument for anything else ("invalid filter").
    static Result<Filters> parse(std::string_view json);
    /// The form that every server understands.
    std::string to_json() const;

    void add(const std::string& key, std::string value) {
        entries_[key].push_back(std::move(value));
    }
    bool is_empty() const { return entries_.empty(); }
    bool has(std::string_view key) const { return entries_.find(key) != entries_.end(); }
    const std::vector<std::string>& values(std::string_view key) const;
    /// InvalidArgument "invalid filter 'x'" when a key is not among `accepted`.
    Result<> check_keys(std::initializer_list<std::string_view> accepted) const;

    /// True without such a key, or when `value` is one of its values.
    bool matches(std::string_view key, std::string_view value) const;
    /// True without such a key, or when a value is a part of `text`. Names: a value may be a
    /// regular expression anchored with ^ and $ only.
    bool matches_name(std::string_view key, std::string_view text) const;
    bool matches_prefix(std::string_view key, std::string_view text) const;
    /// Each value is NAME or NAME=VALUE, and all of them must hold ("label" is joined by AND).
    bool matches_labels(std::string_view key,
                        const std::map<std::string, std::string>& labels) const;
    /// True when none of the values ("label!") holds.
    bool excludes_labels(std::string_view key,
                         const std::map<std::string, std::string>& labels) const;
    /// "true"/"1" or "false"/"0"; nullopt without the key. InvalidArgument for anything else.
    Result<std::optional<bool>> boolean(std::string_view key) const;

private:
    std::map<std::string, std::vector<std::string>, std::less<>> entries_;
};

}  // namespace berth::api
