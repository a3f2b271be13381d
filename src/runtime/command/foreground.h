#pragma once
#include <string>

#include "base/result.h"
#include "runtime/launch.h"
#include "sys/fd.h"
#include "sys/process.h"

namespace berth::runtime {

/// Where the terminal's master end goes and who waits: what `run` and `exec` do after the program
/// was launched. Writes `text` to a new file that replaces `path`; a relative path counts from the
/// current directory.
Result<> write_pid_file(const std::string& path, pid_t pid);
/// Sends the terminal to whoever listens at `path` (runc's --console-socket).
Result<> send_terminal(const std::string& path, sys::BorrowedFd terminal);

/// Gives a process that will have our terminal the size it has now, so that the program never sees
/// another one.
void adopt_window_size(oci::RuntimeProcess& process);

/// Blocks the signals that forward_until_exit() forwards. Before the launch, so that none is lost.
Result<sys::Fd> open_signals();
/// Waits for the program, forwarding signals to it and, with a terminal, bytes and window sizes
/// both ways.
Result<sys::ExitStatus> forward_until_exit(const Launched& launched, sys::BorrowedFd signals,
                                           sys::Fd terminal);

}  // namespace berth::runtime
