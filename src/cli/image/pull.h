#pragma once
#include <string>

#include "base/result.h"
#include "cli/context.h"

namespace berth::cli {

struct PullOptions {
    std::string platform;
    bool quiet = false;
    bool to_stderr = false;
    bool all_tags = false;
};

/// Pulls with the stored credentials and shows the progress. Cancelled after Ctrl-C.
Result<> pull_image(Context& context, const std::string& reference, const PullOptions& options);

}  // namespace berth::cli
