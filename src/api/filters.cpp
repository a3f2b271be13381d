#include "api/filters.h"

#include <algorithm>

#include "codec/json.h"

namespace berth::api {

namespace {
bool has_label(const std::string& wanted, const std::map<std::string, std::string>& labels) {
    const auto pair = split_once(wanted, '=');
    const auto found = labels.find(pair ? std::string(pair->first) : wanted);
    return found != labels.end() && (!pair || found->second == pair->second);
}

bool name_matches(std::string_view pattern, std::string_view text) {
    const bool from_start = pattern.starts_with('^');
    const bool to_end = pattern.ends_with('$');
    if (from_start) pattern.remove_prefix(1);
    // Docker matches with and without the slash that names begin with.
    if (from_start && pattern.starts_with('/') && !text.starts_with('/')) pattern.remove_prefix(1);
    if (from_start && !pattern.starts_with('/') && text.starts_with('/')) text.remove_prefix(1);
    if (to_end && !pattern.empty()) pattern.remove_suffix(1);
    if (from_start && to_end) return text == pattern;
    if (from_start) return text.starts_with(pattern);
    if (to_end) return text.ends_with(pattern);
    return text.find(pattern) != std::string_view::npos;
}
}  // namespace

Result<Filters> Filters::parse(std::string_view json) {
    Filters filters;
    if (trim(json).empty()) return filters;
    const auto parsed = codec::parse_json(json, 8);
    const auto invalid = [] { return fail(ErrorCode::InvalidArgument, "invalid filter"); };
    if (!parsed || !(parsed->is_object() || parsed->is_null())) return invalid();
    if (parsed->is_null()) return filters;
    for (const auto& [key, values] : parsed->items()) {
        auto& list = filters.entries_[key];
        if (values.is_object()) {
            for (const auto& [value, wanted] : values.items()) {
                if (!wanted.is_boolean()) return invalid();
                if (wanted.get<bool>()) list.push_back(value);
            }
        } else if (values.is_array()) {
            for (const auto& value : values) {
                if (!value.is_string()) return invalid();
                list.push_back(value.get<std::string>());
            }
        } else {
            return invalid();
        }
        if (list.empty()) filters.entries_.erase(key);
    }
    return filters;
}

std::string Filters::to_json() const {
    codec::Json json = codec::Json::object();
    for (const auto& [key, values] : entries_)
        for (const auto& value : values) json[key][value] = true;
    return codec::dump_json(json);
}

const std::vector<std::string>& Filters::values(std::string_view key) const {
    static const std::vector<std::string> none;
    const auto found = entries_.find(key);
    return found == entries_.end() ? none : found->second;
}

Result<> Filters::check_keys(std::initializer_list<std::string_view> accepted) const {
    for (const auto& [key, unused] : entries_) {
        if (std::find(accepted.begin(), accepted.end(), key) == accepted.end())
            return fail(ErrorCode::InvalidArgument, "invalid filter '", key, "'");
    }
    return {};
}

bool Filters::matches(std::string_view key, std::string_view value) const {
    const auto& list = values(key);
    return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

bool Filters::matches_name(std::string_view key, std::string_view text) const {
    const auto& list = values(key);
    return list.empty() || std::any_of(list.begin(), list.end(),
                                       [&](const auto& v) { return name_matches(v, text); });
}

bool Filters::matches_prefix(std::string_view key, std::string_view text) const {
    const auto& list = values(key);
    return list.empty() || std::any_of(list.begin(), list.end(),
                                       [&](const auto& v) { return text.starts_with(v); });
}

bool Filters::matches_labels(std::string_view key,
                             const std::map<std::string, std::string>& labels) const {
    const auto& list = values(key);
    return std::all_of(list.begin(), list.end(),
                       [&](const auto& v) { return has_label(v, labels); });
}

bool Filters::excludes_labels(std::string_view key,
                              const std::map<std::string, std::string>& labels) const {
    const auto& list = values(key);
    return std::none_of(list.begin(), list.end(),
                        [&](const auto& v) { return has_label(v, labels); });
}

Result<std::optional<bool>> Filters::boolean(std::string_view key) const {
    const auto& list = values(key);
    if (list.empty()) return std::optional<bool>();
    const auto is = [&](std::string_view a, std::string_view b) {
        return std::all_of(list.begin(), list.end(),
                           [&](const auto& v) { return v == a || v == b; });
    };
    if (is("true", "1")) return std::optional(true);
    if (is("false", "0")) return std::optional(false);
    return fail(ErrorCode::InvalidArgument, "invalid filter '", key, "=[", join(list, " "), "]'");
}

}  // namespace berth::api
