#pragma once
#include "codec/yaml.h"
#include "compose/sources.h"

namespace berth::compose {

/// Checks the tree of one file, called `name` (after interpolation, before merging) against the
/// compose-spec: known keys, with the nearest name for a mistyped one, and the kinds of value each
/// key takes. Keys starting with "x-" are free.
Result<> check_schema(const codec::YamlNode& file, const std::string& name, const Sources& sources);

}  // namespace berth::compose
