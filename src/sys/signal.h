#pragma once
#include <signal.h>
#include <sys/signalfd.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// Blocks the signals in this thread and returns a descriptor that delivers them (non-blocking).
/// signalfd(2).
Result<Fd> block_and_open_signalfd(std::initializer_list<int> signals);
/// The same for every signal that can be blocked except synchronous faults.
Result<Fd> block_all_and_open_signalfd();
/// The next pending signal, or nullopt.
Result<std::optional<signalfd_siginfo>> read_signal(BorrowedFd signalfd);
/// Blocks `signals` in this thread.
Result<> block_signals(std::initializer_list<int> signals);
/// Unblocks everything and restores default dispositions, as a program expects to be started.
void reset_signals();
/// kill(2); NotFound when there is no such process.
Result<> send_signal(pid_t pid, int signal);

/// "KILL", "SIGKILL", "sigkill", "9", "RTMIN+3" -> number; nullopt for anything else.
std::optional<int> parse_signal(std::string_view text);
/// "SIGKILL"; "SIGRTMIN+3"; the number for unknown ones.
std::string signal_name(int signal);

}  // namespace berth::sys
