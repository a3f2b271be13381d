#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// A condition on one argument of a system call. `op` is "SCMP_CMP_EQ" ...; for MASKED_EQ `value`
/// is the mask.
struct SeccompArgument {
    unsigned index = 0;
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;
    std::string op;
};

/// What to do with some system calls. Actions are those of the runtime specification
/// ("SCMP_ACT_ERRNO" ...).
struct SeccompRule {
    std::vector<std::string> names;
    std::string action;
    std::uint32_t error_number = 1;
    std::vector<SeccompArgument> arguments;
};

struct SeccompFilter {
    std::string default_action = "SCMP_ACT_ERRNO";
    std::uint32_t default_error_number = 1;
    std::vector<std::string> architectures;  ///< "SCMP_ARCH_X86_64" ...
    std::vector<SeccompRule> rules;
};

/// The filter as an array of struct sock_filter. Unknown names of system calls are left out. Costs
/// milliseconds.
Result<std::vector<std::byte>> compile_seccomp(const SeccompFilter& filter);

/// Puts a compiled program on this process; needs no_new_privs or CAP_SYS_ADMIN. `flags` are
/// SECCOMP_FILTER_FLAG_*. With SECCOMP_FILTER_FLAG_NEW_LISTENER the result is the notification
/// descriptor, else an empty one. seccomp(2).
Result<Fd> install_seccomp(std::span<const std::byte> program, unsigned flags = 0);

}  // namespace berth::sys
