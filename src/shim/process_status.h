#pragma once
#include <cstdint>
#include <string_view>

namespace berth::shim {

/// How a process meets signals: what /proc/<pid>/status says. proc_pid_status(5).
struct SignalDisposition {
    std::uint64_t caught = 0, blocked = 0;  // bit n-1 is signal n
    bool is_namespace_init = false;         // process 1 of a pid namespace other than the host's
    bool catches(int signal) const { return (caught >> (signal - 1) & 1) != 0; }
    bool blocks(int signal) const { return (blocked >> (signal - 1) & 1) != 0; }
};
SignalDisposition parse_signal_disposition(std::string_view status);

}  // namespace berth::shim
