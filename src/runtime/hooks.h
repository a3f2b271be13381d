#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/runtime_spec.h"

namespace berth::runtime {

/// The state document of runtime-spec, runtime.md "State": what hooks read on stdin and `state`
/// prints.
struct StateDocument {
    std::string id;
    std::string status;  ///< "creating", "created", "running", "stopped"
    pid_t pid = 0;
    std::string bundle;
    const oci::StringMap* annotations = nullptr;
};
std::string to_json(const StateDocument& state);

/// Runs the hooks one after the other, each with exactly its own environment, working directory "/"
/// and the state on stdin. The first that fails, or outlives its timeout, ends the list with an
/// error; `kind` names it there.
Result<> run_hooks(const std::vector<oci::RuntimeHook>& hooks, std::string_view kind,
                   const StateDocument& state);

}  // namespace berth::runtime
