#pragma once
#include <string>

#include "base/result.h"
#include "oci/runtime_spec.h"
#include "runtime/launch.h"
#include "sys/terminal.h"

// What init (init.cpp) and further processes (join.cpp) do alike on their way to exec.
namespace berth::runtime {

/// Makes the slave end this process's controlling terminal and its streams, owned by its user.
Result<> take_terminal(const sys::Pty& pty, const oci::RuntimeProcess& process);
/// Makes `streams` descriptors 0, 1 and 2. For those that are missing, or are the null device, it
/// is the node in the container's `dev`, which may be anything, else one made for the occasion.
/// Where none can be made (a user namespace, whose root cannot change the host's), it is
/// `hosts_null`.
Result<> take_streams(const StandardStreams& streams, sys::BorrowedFd dev,
                      sys::BorrowedFd hosts_null);
/// Enters the working directory and becomes the user, in whichever order works, and finds the
/// program as that user. `make_directory`: a missing working directory is made.
Result<std::string> enter_as_user(const oci::RuntimeProcess& process, bool has_seccomp,
                                  bool make_directory);

}  // namespace berth::runtime
