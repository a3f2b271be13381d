#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/host.h"

namespace berth::cli {

/// -e: "NAME=value" as it is; "NAME" takes the value from `environment`, and is left out when it
/// has none there.
Result<> add_variable(std::vector<std::string>& variables, const std::string& text,
                      const client::Environment& environment);
/// The lines of an --env-file or --label-file: comments start with #, blank lines are skipped,
/// nothing is unquoted. InvalidArgument names the line.
Result<std::vector<std::string>> parse_variable_file(std::string_view text,
                                                     const client::Environment& environment);

}  // namespace berth::cli
