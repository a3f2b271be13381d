#pragma once
#include "oci/runtime_spec.h"
#include "sys/capability.h"

namespace berth::runtime {

/// Strict lacks socketcall(2), by which 32-bit programs ask for sockets of any family: those of the
/// GNU C library have no sockets then.
enum class SeccompKind { Default, Strict };

/// The profile that Docker applies by default: an allow-list, everything else fails with EPERM,
/// widened by the capabilities the container has. Facts from Docker's documentation "Seccomp
/// security profiles".
oci::RuntimeSeccomp default_seccomp(sys::CapabilityMask granted,
                                    SeccompKind kind = SeccompKind::Default);

}  // namespace berth::runtime
