#pragma once
#include <string>

#include "api/auth.h"
#include "base/result.h"
#include "cli/context.h"

namespace berth::cli {

/// The credentials for the registry of an image reference; empty when none are stored.
Result<api::AuthConfig> credentials_for_image(Context& context, const std::string& reference);

}  // namespace berth::cli
