#pragma once
#include <optional>

#include "container/spec.h"
#include "oci/runtime_spec.h"

namespace berth::container {

/// The profile given with `--security-opt seccomp=PROFILE` (Docker's format as JSON text), with its
/// conditions on capabilities and architecture decided. nullopt: none was given, or "unconfined" or
/// "builtin".
Result<std::optional<oci::RuntimeSeccomp>> seccomp_of(const HostConfig& host);

}  // namespace berth::container
