#pragma once
#include "oci/runtime_spec.h"
#include "sys/capability.h"

namespace berth::runtime {

/// The profile that Docker applies by default: an allow-list, everything else fails with EPERM,
/// widened by the capabilities the container has. Facts from Docker's documentation "Seccomp
/// security profiles".
oci::RuntimeSeccomp default_seccomp(sys::CapabilityMask granted);

}  // namespace berth::runtime
