#include "shim/exec_session.h"

#include "shim/launch_helper.h"

namespace berth::shim {

ExecSession::ExecSession(EventLoop& loop, const Exec& request, std::string spill_directory,
                         std::function<void()> on_detached, std::function<void()> on_idle)
    : id_(request.exec_id),
      attach_(request.stream),
      stdio_(loop, {.tty = request.tty,
                    .wants_stdin = request.attached && request.stream.stdin_,
                    .close_stdin_with_client = true,
                    .spill_directory = std::move(spill_directory),
                    .on_detached = std::move(on_detached),
                    .on_idle = std::move(on_idle)}) {}

std::string exec_failure_text(const Error& error) {
    return concat("OCI runtime exec failed: exec failed: unable to start container process: ",
                  error.message(), ": unknown");
}

Result<> ExecSession::start(const Configure& configure, pid_t init, sys::BorrowedFd process_file,
                            sys::Fd stream) {
    const std::array<int, 3> streams = TRY(stdio_.open_pipes());
    own_streams(configure, streams);
    auto launched = launch_exec({.configure = &configure,
                                 .init = init,
                                 .process_file = process_file.get(),
                                 .streams = streams});
    if (!launched) {
        stdio_.abandon();
        ended_ = true;
        return Error(launched.error().code(), exec_failure_text(launched.error()));
    }
    pid_ = launched->pid();
    if (stream) TRY(stdio_.attach(attach_, std::move(stream)));
    return stdio_.begin(launched->take_terminal());
}

void ExecSession::process_ended() {
    pid_ = 0;
    ended_ = true;
    stdio_.process_ended(false);
}

}  // namespace berth::shim
