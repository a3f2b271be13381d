#pragma once
#include <string>

#include "base/result.h"
#include "oci/runtime_spec.h"
#include "runtime/hooks.h"
#include "runtime/sync.h"

// SCMP_ACT_NOTIFY: a supervisor outside decides about system calls of the container. The filter's
// descriptor exists only in the process that installed it, so that process sends it over its
// channel, and who is at the other end passes it on to the supervisor. config-linux.md "Seccomp",
// "The Container Process State".
namespace berth::runtime {

/// Whether the profile asks for a supervisor.
bool needs_listener(const oci::RuntimeSeccomp& profile);
/// InvalidArgument for a profile that cannot work: no listenerPath, or a call that the handing over
/// needs.
Result<> check_listener(const oci::RuntimeSeccomp& profile);

/// What the child sends along: where to, and the document. `pid` is the child's, as its parent sees
/// it.
std::string listener_text(const oci::RuntimeSeccomp& profile, const StateDocument& state,
                          pid_t pid);
/// Passes the descriptor of a SeccompListener message on.
Result<> forward_listener(const Message& message);

}  // namespace berth::runtime
