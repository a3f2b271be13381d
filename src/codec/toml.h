#pragma once
#include <string_view>

#include "base/result.h"
#include "codec/json.h"

namespace berth::codec {

/// Reads a TOML document into an object: tables, dotted and quoted keys, strings, integers,
/// booleans and arrays, which is what configuration files of registries use. InvalidArgument, with
/// the line, for anything else. toml.io v1.0.
Result<Json> parse_toml(std::string_view text);

}  // namespace berth::codec
