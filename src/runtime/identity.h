#pragma once
#include <functional>
#include <span>

#include "base/result.h"
#include "oci/runtime_spec.h"
#include "sys/capability.h"
#include "sys/fd.h"

// The last steps of a process before it becomes the program: limits, scheduling, user,
// capabilities, filter.
namespace berth::runtime {

/// Resource limits. One that may not be raised stays at what this process has.
Result<> set_limits(const oci::RuntimeProcess& process);
/// Raises hard limits as far as will be wanted, by the rights that a process gives up when it
/// enters a user namespace.
Result<> raise_hard_limits(const oci::RuntimeProcess& process);
Result<> set_scheduling(const oci::RuntimeProcess& process);
/// Memory policy and personality of the container.
Result<> set_domain(const oci::RuntimeLinux& config);

/// Changes user, groups and umask and drops capabilities. What seccomp's installation needs
/// (CAP_SYS_ADMIN, without no_new_privs) is kept until finish_privileges().
Result<> become_user(const oci::RuntimeProcess& process, bool has_seccomp);

/// no_new_privs, the seccomp program (may be empty) and the final capability sets. After it only
/// exec remains. With SECCOMP_FILTER_FLAG_NEW_LISTENER among the flags, `hand_over` gets the
/// filter's descriptor at once: the calls that follow may already be the supervisor's to decide.
Result<> finish_privileges(const oci::RuntimeProcess& process, std::span<const std::byte> seccomp,
                           unsigned flags, const std::function<Result<>(sys::Fd)>& hand_over);

/// Enters the directory `cwd` of the current root: no magic link on the way, and really inside it
/// afterwards.
Result<> enter_directory(const std::string& cwd);

/// AppArmor profile and SELinux label for the next exec, through `proc`, a procfs of our own.
Result<> set_labels(const oci::RuntimeProcess& process, sys::BorrowedFd proc);

/// Gives the process's user the streams it inherits, so that /dev/stdout can be opened again.
void own_streams(const oci::RuntimeProcess& process);

}  // namespace berth::runtime
