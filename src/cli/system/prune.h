#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "cli/flags.h"
#include "codec/json.h"

namespace berth::cli {

struct PruneAction {
    std::string_view warning;
    std::function<Result<codec::Json>(const client::Client& engine, const api::Filters& filters)>
        call;
    std::string_view list_name;  ///< member of the answer that lists what went
    std::string_view heading;
};

/// --force and --filter.
std::vector<Flag> prune_flags();
/// Asks unless --force was given (and fails when nobody can answer), prunes, prints what went and
/// how much it freed.
Result<int> prune(Context& context, const Flags& flags, const PruneAction& action);
/// "WARNING! ... Are you sure you want to continue? [y/N]"; true for a yes.
Result<bool> confirm(Context& context, std::string_view warning);
/// Without asking; adds the bytes freed to `reclaimed`.
Result<> prune_and_print(Context& context, const api::Filters& filters, const PruneAction& action,
                         std::uint64_t& reclaimed);

}  // namespace berth::cli
