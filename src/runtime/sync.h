#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

// What the two sides of a clone(2) tell each other, over a SOCK_SEQPACKET pair. The parent is launch.cpp or
// exec_in.cpp, the child init.cpp or join.cpp.
//
//   child                         parent
//   NeedMaps        ->            writes uid_map and gid_map (only with a new user namespace)
//                   <-  Continue
//   Successor (pidfd) ->          the child made the process that will be init, and ends (only with a user
//   namespace) NeedHooks       ->            runs prestart and createRuntime hooks (only when there are any)
//                   <-  Continue
//   Ready (+ tty)   ->            the child waits at the gate
//                   <-  Start     (unless the gate is a listening socket)
//   end of file: exec closed the channel, the program runs.
//
// At any time: Failed ->, with the error as data; the child is gone then.
namespace berth::runtime {

enum class Step : std::uint32_t { NeedMaps = 1, Successor, NeedHooks, Ready, Failed, Continue, Start };

struct Message {
    Step step = Step::Failed;
    ErrorCode code = ErrorCode::Internal;  ///< of Failed
    std::string text;                      ///< of Failed; of Successor its pid
    std::vector<sys::Fd> fds;
};

/// `text` beyond 16 KiB is cut.
Result<> send_successor(sys::BorrowedFd channel, pid_t pid, sys::BorrowedFd pidfd);
Result<> send_step(sys::BorrowedFd channel, Step step, const std::vector<int>& fds = {});
Result<> send_failure(sys::BorrowedFd channel, const Error& error);
/// nullopt at the end of the channel. A message that is none of ours is Corrupted.
Result<std::optional<Message>> receive_step(sys::BorrowedFd channel);
/// The same from a packet that was received already.
Result<Message> parse_step(std::span<const std::byte> packet);
/// Waits for exactly this step; Cancelled when the other side is gone.
Result<> await_step(sys::BorrowedFd channel, Step step);

}  // namespace berth::runtime
