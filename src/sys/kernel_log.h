#pragma once
#include <string>

namespace berth::sys {

/// The last part of the kernel's log, one record a line, without waiting for more; empty when it
/// may not be read. /dev/kmsg, Documentation/ABI/testing/dev-kmsg.
std::string read_kernel_log();

}  // namespace berth::sys
