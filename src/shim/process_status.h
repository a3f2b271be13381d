#pragma once
#include <cstdint>
#include <string_view>

namespace berth::shim {

/// How a process meets signals: what /proc/<pid>/status says. proc_pid_status(5).
struct SignalDisposition {
    std::uint64_t caught = 0, ignored = 0, blocked = 0;  // bit n-1 is signal n
    bool is_namespace_init = false;  // process 1 of a pid namespace other than the host's
    bool catches(int signal) const { return (caught >> (signal - 1) & 1) != 0; }
    bool ignores(int signal) const { return (ignored >> (signal - 1) & 1) != 0; }
    bool blocks(int signal) const { return (blocked >> (signal - 1) & 1) != 0; }
    /// Whether sending the signal is pointless: it is ignored on purpose, or dropped by the kernel
    /// because the process is process 1 of a pid namespace and has no handler. A blocked one may
    /// still be fetched with sigwait(3).
    bool discards(int signal) const;
};
SignalDisposition parse_signal_disposition(std::string_view status);

}  // namespace berth::shim
