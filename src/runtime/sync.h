#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

// What the two sides of a clone(2) tell each other, over a SOCK_SEQPACKET pair. The parent is
// launch.cpp or exec_in.cpp, the child init.cpp or join.cpp.
//
//   child                         parent
//   NeedMaps        ->            writes uid_map and gid_map (only with a new user namespace)
//                   <-  Continue
//   NeedTimeOffsets ->            sets the clocks of the new time namespace (only with offsets)
//                   <-  Continue
//   Successor (pidfd) ->          the child made the process that will be init, and ends (only with
//                                 a new user or time namespace)
//                   <-  Continue  to the successor, which says nothing before
//   NeedDevices     ->            moves network devices to the child (only when there are any)
//                   <-  Continue
//   NeedHooks       ->            runs prestart and createRuntime hooks (only when there are any)
//                   <-  Continue
//   Ready (+ tty)   ->            the child waits at the gate; at a listening socket the rest goes
//                                 over the connection that is made there
//                   <-  Start (pid)
//   SeccompListener (fd) ->       hands it to linux.seccomp.listenerPath (with SCMP_ACT_NOTIFY)
//   end of file: exec closed the channel, the program runs.
//
// At any time: Failed ->, with the error as data; the child is gone then.
namespace berth::runtime {

enum class Step : std::uint32_t {
    NeedMaps = 1,
    NeedTimeOffsets,
    Successor,
    NeedDevices,
    NeedHooks,
    Ready,
    SeccompListener,
    Failed,
    Continue,
    Start
};

struct Message {
    Step step = Step::Failed;
    ErrorCode code = ErrorCode::Internal;  ///< of Failed
    std::string text;  ///< of Failed; of Successor and Start a pid; see seccomp_listener.h
    std::vector<sys::Fd> fds;
};

/// `text` beyond 16 KiB is cut.
Result<> send_successor(sys::BorrowedFd channel, pid_t pid, sys::BorrowedFd pidfd);
Result<> send_step(sys::BorrowedFd channel, Step step, const std::vector<int>& fds = {});
/// Tells the child to start, and which pid it has for its parent.
Result<> send_start(sys::BorrowedFd channel, pid_t pid);
/// Over-long text is an error here: it would be a document cut in two.
Result<> send_listener(sys::BorrowedFd channel, std::string_view text, sys::BorrowedFd listener);
Result<> send_failure(sys::BorrowedFd channel, const Error& error);
/// nullopt at the end of the channel. A message that is none of ours is Corrupted.
Result<std::optional<Message>> receive_step(sys::BorrowedFd channel);
/// The same from a packet that was received already.
Result<Message> parse_step(std::span<const std::byte> packet);
/// Waits for exactly this step and returns its text; Cancelled when the other side is gone.
Result<std::string> await_step(sys::BorrowedFd channel, Step step);

}  // namespace berth::runtime
