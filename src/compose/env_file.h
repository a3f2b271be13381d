#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compose/interpolate.h"

namespace berth::compose {

/// One assignment of an env file, in the file's order. No value means "take it from the shell".
struct EnvAssignment {
    std::string name;
    std::optional<std::string> value;
};

/// Parses a dotenv file: NAME=value, `export`, comments, 'literal', "escapes and $variables",
/// values over several lines in quotes. `environment` and earlier lines feed the variables. Errors
/// name file, line and column with a caret.
Result<std::vector<EnvAssignment>> parse_env_file(std::string_view text, const std::string& name,
                                                  const Environment& environment);

}  // namespace berth::compose
