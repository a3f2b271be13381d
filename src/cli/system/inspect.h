#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "cli/flags.h"
#include "codec/json.h"

namespace berth::cli {

/// Prints what `look` finds for each name: a JSON array, or each document through --format. Names
/// that are not there are complained about, and make the exit code 1.
Result<int> inspect_each(Context& context, const Flags& flags,
                         const std::function<Result<codec::Json>(const std::string& name)>& look);
std::vector<Flag> inspect_flags();

}  // namespace berth::cli
