#pragma once
#include <map>
#include <string>

#include "api/auth.h"
#include "base/result.h"
#include "cli/context.h"

namespace berth::cli {

/// The credentials for the registry of an image reference; empty when none are stored.
Result<api::AuthConfig> credentials_for_image(Context& context, const std::string& reference);
/// What is stored for every registry, by its host. A helper that fails is passed over: it must not
/// stop what may not need it.
Result<std::map<std::string, api::AuthConfig>> all_logins(Context& context);

}  // namespace berth::cli
