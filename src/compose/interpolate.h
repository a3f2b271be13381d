#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "codec/yaml.h"
#include "compose/sources.h"

namespace berth::compose {

/// Variable names to values: the shell's environment over the project's env files.
using Environment = std::map<std::string, std::string, std::less<>>;

/// What `interpolate` found worth telling: "the variable \"X\" is not set, an empty string is
/// used".
using Warnings = std::vector<std::string>;

/// Expands $V, ${V}, ${V:-d}, ${V-d}, ${V:?m}, ${V?m}, ${V:+a}, ${V+a} (nested) and $$ in `text`.
/// InvalidArgument for a malformed expression or a required variable that is missing.
/// compose-spec, "Interpolation".
Result<std::string> interpolate(std::string_view text, const Environment& environment,
                                Warnings& warnings);

/// Expands every value (never a key) of a tree in place; messages point into the file.
Result<> interpolate_tree(codec::YamlNode& node, const Environment& environment,
                          const Sources& sources, Warnings& warnings);

}  // namespace berth::compose
