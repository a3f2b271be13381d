#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/query.h"

namespace berth::daemon {

/// The lines of every parameter "changes"; one may hold several.
std::vector<std::string> changes_of(const http::Query& query);

/// The configuration that Dockerfile lines such as `CMD ["sh"]` and `ENV A=b` make (parameter
/// "changes" of import), as the JSON of an image configuration's member "config". InvalidArgument
/// for a line that changes more than that.
Result<std::string> config_of_changes(std::span<const std::string> changes);

}  // namespace berth::daemon
