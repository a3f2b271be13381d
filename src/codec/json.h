#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::codec {

/// A JSON value. Keys keep their order, since users and digests see it.
using Json = nlohmann::ordered_json;

/// Parses one JSON document (RFC 8259) of at most `max_depth` nested levels. InvalidArgument names
/// line and column. Never throws. Of duplicate keys the last wins, as in Go.
Result<Json> parse_json(std::string_view text, int max_depth = 64);
/// Compact text. Bytes that are not UTF-8 become U+FFFD, as in Go's encoder; nothing is
/// HTML-escaped.
std::string dump_json(const Json& value);
/// Indented text, as `docker inspect` prints it (4 spaces there).
std::string dump_json_pretty(const Json& value, int indent = 4);

// Reading members without exceptions. Absent, null and wrongly typed members read as the fallback:
// use these for data that was checked before, and the require_* family for input that may be wrong.
std::string get_string(const Json& object, std::string_view key, std::string_view fallback = {});
std::int64_t get_int(const Json& object, std::string_view key, std::int64_t fallback = 0);
bool get_bool(const Json& object, std::string_view key, bool fallback = false);
std::vector<std::string> get_strings(const Json& object, std::string_view key);
/// Members of an object of strings, in their order.
std::vector<std::pair<std::string, std::string>> get_string_map(const Json& object,
                                                                std::string_view key);
/// The member, or nullptr when absent or null.
const Json* find_member(const Json& object, std::string_view key);

/// InvalidArgument when the member is absent or of another type, naming the key.
Result<std::string> require_string(const Json& object, std::string_view key);
Result<std::int64_t> require_int(const Json& object, std::string_view key);

}  // namespace berth::codec
