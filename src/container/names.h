#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::container {

/// "brave_lovelace": what a container is called that nobody named. `attempt` above zero adds a
/// digit.
std::string generate_name(int attempt);
/// Docker's rule: [a-zA-Z0-9][a-zA-Z0-9_.-]+. InvalidArgument with Docker's text.
Result<> check_name(std::string_view name);

}  // namespace berth::container
