#include "codec/json.h"

namespace berth::codec {

namespace {
// Counts nesting before the real parse, because nlohmann's parser keeps a stack without a limit of
// its own.
bool is_deeper_than(std::string_view text, int limit) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > limit) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}
}  // namespace

Result<Json> parse_json(std::string_view text, int max_depth) {
    if (is_deeper_than(text, max_depth)) {
        return fail(ErrorCode::InvalidArgument, "JSON is nested deeper than ", max_depth,
                    " levels");
    }
    // The exception carries line and column, which allow_exceptions=false would lose.
    try {
        return Json::parse(text.begin(), text.end());
    } catch (const nlohmann::json::exception& error) {
        std::string_view reason = error.what();
        if (const auto at = reason.find("] "); at != std::string_view::npos)
            reason.remove_prefix(at + 2);
        return fail(ErrorCode::InvalidArgument, "invalid JSON: ", reason);
    }
}

std::string dump_json(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json_pretty(const Json& value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

const Json* find_member(const Json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return nullptr;
    return &*found;
}

std::string get_string(const Json& object, std::string_view key, std::string_view fallback) {
    const Json* member = find_member(object, key);
    return member && member->is_string() ? member->get_ref<const std::string&>()
                                         : std::string(fallback);
}

std::int64_t get_int(const Json& object, std::string_view key, std::int64_t fallback) {
    const Json* member = find_member(object, key);
    if (!member || !member->is_number()) return fallback;
    return member->get<std::int64_t>();
}

bool get_bool(const Json& object, std::string_view key, bool fallback) {
    const Json* member = find_member(object, key);
    return member && member->is_boolean() ? member->get<bool>() : fallback;
}

std::vector<std::string> get_strings(const Json& object, std::string_view key) {
    std::vector<std::string> out;
    const Json* member = find_member(object, key);
    if (!member || !member->is_array()) return out;
    for (const auto& entry : *member)
        if (entry.is_string()) out.push_back(entry.get<std::string>());
    return out;
}

std::vector<std::pair<std::string, std::string>> get_string_map(const Json& object,
                                                                std::string_view key) {
    std::vector<std::pair<std::string, std::string>> out;
    const Json* member = find_member(object, key);
    if (!member || !member->is_object()) return out;
    for (const auto& [name, value] : member->items())
        if (value.is_string()) out.emplace_back(name, value.get<std::string>());
    return out;
}

Result<std::string> require_string(const Json& object, std::string_view key) {
    const Json* member = find_member(object, key);
    if (!member) return fail(ErrorCode::InvalidArgument, "member \"", key, "\" is missing");
    if (!member->is_string())
        return fail(ErrorCode::InvalidArgument, "member \"", key, "\" is not a string");
    return member->get<std::string>();
}

Result<std::int64_t> require_int(const Json& object, std::string_view key) {
    const Json* member = find_member(object, key);
    if (!member) return fail(ErrorCode::InvalidArgument, "member \"", key, "\" is missing");
    if (!member->is_number_integer())
        return fail(ErrorCode::InvalidArgument, "member \"", key, "\" is not an integer");
    return member->get<std::int64_t>();
}

}  // namespace berth::codec
