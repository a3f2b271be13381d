#pragma once
#include "base/result.h"
#include "oci/runtime_spec.h"
#include "runtime/sync.h"
#include "sys/process.h"

// What launch() and exec_in() do alike on the parent's side.
namespace berth::runtime {

struct CloneInto {
    std::uint64_t flags = 0;
    const sys::Fd* pid_namespace = nullptr;  ///< to be born in
    int cgroup_v2 = -1;
    bool as_sibling = false;
};
/// Clones; this process's own namespaces are the same before and after. pid 0 in the child.
Result<sys::Child> clone_into(const CloneInto& request);

/// Sets oom_score_adj from outside; what may not be lowered stays.
Result<> set_oom_score(pid_t pid, const oci::RuntimeProcess& process);
/// Kills a child that failed and takes its exit status (a sibling's is for our parent to take).
void reap(const sys::Child& child, bool as_sibling);
/// The error that a Failed message carries.
Error error_of(const Message& message);
/// Waits until the channel ends with the child's exec, or an error comes. Forwards seccomp
/// listeners meanwhile.
Result<> await_exec(sys::BorrowedFd channel);
/// The error for a child that ended without a message.
Error vanished(const sys::Child& child, bool as_sibling);

}  // namespace berth::runtime
