#pragma once
#include <vector>

#include "base/result.h"
#include "oci/runtime_spec.h"
#include "runtime/preparation_internal.h"
#include "sys/fd.h"

namespace berth::runtime {

/// A device node of the host's with the same number, for containers that may not make one. Most
/// have the same name.
Result<std::string> find_host_node(const oci::RuntimeDevice& device);
/// The devices that every container has (null, zero, full, random, urandom, tty), and those of the
/// specification, which replace one of the same path.
std::vector<oci::RuntimeDevice> devices_of(const oci::RuntimeSpec& spec);

/// The host's null device behind a read-only mount: read and written to, and yet whoever gets the
/// descriptor cannot change the node's mode and owner, be he its owner.
Result<sys::Fd> open_unchangeable_null();

/// Fills the container's /dev: `dev` is its directory, `root` the container's root for devices
/// elsewhere. Nodes are made, or bind-mounted where `preparation` brings trees; then the links fd,
/// stdin, stdout, stderr, ptmx, core.
Result<> make_devices(const Preparation& preparation, sys::BorrowedFd root, sys::BorrowedFd dev);

}  // namespace berth::runtime
