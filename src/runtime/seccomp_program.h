#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/runtime_spec.h"

namespace berth::runtime {

/// The compiled filter of a specification; empty when it has none. Compiling costs milliseconds, so
/// programs are kept in `cache` (a directory; empty: no cache), each with the profile it was made
/// of: a program is used only for exactly the profile that asks for it, and only if the file
/// belongs to this user.
Result<std::vector<std::byte>> seccomp_program(const oci::RuntimeSpec& spec,
                                               const std::string& cache);
/// SECCOMP_FILTER_FLAG_* for the specification's flags.
unsigned seccomp_flags(const oci::RuntimeSpec& spec);

}  // namespace berth::runtime
