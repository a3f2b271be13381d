#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "base/text.h"
#include "runtime/clone_into.h"
#include "runtime/launch.h"
#include "runtime/sync.h"
#include "sys/socket.h"

// launch() by proxy. The helper is a copy of the caller that lives for some milliseconds: it reads
// the specification, launches with CLONE_PARENT, hands the descriptors over and is gone, and with
// it all the memory this took.
namespace berth::runtime {
namespace {

struct Handover {
    pid_t pid;
    pid_t predecessor;
    std::uint32_t has_terminal;
};

void reset_child_signals() {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<> hand_over(const Launched& launched, sys::BorrowedFd channel) {
    const Handover handover{.pid = launched.pid(),
                            .predecessor = launched.predecessor_,
                            .has_terminal = launched.terminal_ ? 1U : 0U};
    std::vector<int> fds = {launched.pidfd().fd().get(), launched.channel_.get()};
    if (launched.terminal_) fds.push_back(launched.terminal_.get());
    return sys::send_message(channel, std::as_bytes(std::span(&handover, 1)), fds);
}

// `load_spec` may complete the options (the cgroup, which it makes from the specification), so they
// are read after it.
[[noreturn]] void run_helper(const std::function<Result<oci::RuntimeSpec>()>& load_spec,
                             const LaunchOptions& given, sys::Fd channel) {
    reset_child_signals();
    const auto work = [&]() -> Result<> {
        const oci::RuntimeSpec spec = TRY(load_spec());
        LaunchOptions options = given;
        options.as_sibling = true;
        const Launched launched = TRY(launch(spec, options));
        return hand_over(launched, channel);
    };
    const Result<> outcome = work();
    if (outcome.is_error()) send_failure(channel, outcome.error()).ignore("the caller is gone");
    ::_exit(outcome.is_error() ? 1 : 0);
}

Result<Launched> take_over(sys::BorrowedFd channel) {
    std::vector<std::byte> buffer(32 * 1024);
    auto received = TRY(sys::receive_message(channel, buffer));
    if (received.size == 0) return fail(ErrorCode::Internal, "the launching helper died");
    Handover handover;
    const std::size_t expected = received.fds.empty() ? 0 : sizeof(handover);
    if (received.size != expected || received.fds.size() < 2) {
        auto message = TRY(parse_step(std::span(buffer).first(received.size)));
        return error_of(message);
    }
    std::memcpy(&handover, buffer.data(), sizeof(handover));
    if (handover.predecessor > 0)
        sys::wait_pid(handover.predecessor).ignore("the caller reaps all its children itself");
    Launched launched;
    launched.child_ = {.pid = handover.pid, .pidfd = sys::Pidfd(std::move(received.fds[0]))};
    launched.channel_ = std::move(received.fds[1]);
    if (handover.has_terminal && received.fds.size() > 2)
        launched.terminal_ = std::move(received.fds[2]);
    return launched;
}

}  // namespace

Result<Launched> launch_in_helper(const std::function<Result<oci::RuntimeSpec>()>& load_spec,
                                  const LaunchOptions& options) {
    auto [ours, theirs] = TRY(sys::socket_pair(sys::SocketKind::SeqPacket));
    TRY(sys::make_undumpable());
    const sys::Child helper = TRY(sys::clone_process({}));
    if (helper.pid == 0) {
        ours.close();
        run_helper(load_spec, options, std::move(theirs));
    }
    theirs.close();
    Result<Launched> launched = take_over(ours);
    helper.pidfd.wait().ignore("reaped elsewhere");
    return launched;
}

}  // namespace berth::runtime
