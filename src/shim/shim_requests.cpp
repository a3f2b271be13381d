// The requests that act on what runs: signals, stopping, pausing, streams and execs.
#include <signal.h>

#include "base/clock.h"
#include "shim/process_status.h"
#include "shim/shim.h"
#include "sys/file.h"

namespace berth::shim {
namespace {
using namespace std::chrono_literals;
constexpr std::size_t max_execs = 1024;
constexpr std::size_t kept_exec_exits = 32;
// A program that has just started may still be about to install its handler.
constexpr auto young = 1s;
constexpr auto handler_check_interval = 50ms;
constexpr int handler_checks = 3;
}  // namespace

Result<> Shim::signal(const Signal& request) {
    if (request.manual_stop) manually_stopped_ = true;
    if (process_.pid <= 0) {
        if (phase_ != Phase::Waiting || !request.manual_stop)
            return fail(ErrorCode::Conflict, "the container does not run");
        return stop({});
    }
    last_sent_signal_ = request.signal;
    TRY(process_.pidfd.send_signal(request.signal));
    // A frozen process gets its signal when it thaws.
    if (phase_ == Phase::Paused && request.signal == SIGKILL) return set_paused(false);
    return {};
}

Result<> Shim::stop(const Stop& request) {
    manually_stopped_ = true;
    if (phase_ == Phase::Waiting) {
        loop_.cancel(restart_timer_);
        last_exit_.restarts = false;
        settle(last_exit_);
        leave_if_done();
        return {};
    }
    if (process_.pid <= 0) return fail(ErrorCode::Conflict, "the container does not run");
    stopped_unhealthy_ = false;
    begin_stop(request.signal, request.timeout);
    return {};
}

void Shim::begin_stop(int signal, std::int64_t timeout) {
    stop_signal_ = last_sent_signal_ = signal;
    stop_forever_ = timeout < 0;
    stop_outcome_ = StopOutcome::Ended;
    stop_began_ = std::chrono::steady_clock::now();
    stop_deadline_ = stop_began_ + std::chrono::nanoseconds(timeout);
    const bool is_young = stop_began_ - started_steady_ < young;
    stop_checks_left_ = is_young ? handler_checks : 0;
    process_.pidfd.send_signal(stop_signal_).ignore("it has ended in this moment");
    if (phase_ == Phase::Paused)
        set_paused(false).ignore("then it ends when the time is over, if it is thawed by then");
    escalate_stop();
}

// Ends the process when waiting for it is pointless or has taken long enough; else comes back.
void Shim::escalate_stop() {
    loop_.cancel(stop_timer_);
    if (process_.pid <= 0) return;
    const auto now = std::chrono::steady_clock::now();
    const bool ignored = discards(stop_signal_);
    const bool is_over = !stop_forever_ && now >= stop_deadline_;
    if (is_over || (ignored && stop_checks_left_ == 0 && !stop_forever_)) {
        stop_outcome_ = ignored ? StopOutcome::NoHandler : StopOutcome::TimedOut;
        last_sent_signal_ = SIGKILL;
        process_.pidfd.send_signal(SIGKILL).ignore("it has ended in this moment");
        // Somebody may have paused it since the stop began; on cgroup v1 what is frozen cannot die.
        if (phase_ == Phase::Paused) set_paused(false).ignore("it has ended in this moment");
        return;
    }
    std::chrono::nanoseconds wait = stop_deadline_ - now;
    if (ignored && stop_checks_left_ > 0) {
        --stop_checks_left_;
        wait = stop_forever_ ? handler_check_interval
                             : std::min<std::chrono::nanoseconds>(wait, handler_check_interval);
    } else if (stop_forever_) {
        return;
    }
    stop_timer_ = loop_.after(wait, [this] {
        stop_timer_ = 0;
        if (stop_checks_left_ > 0 && !discards(stop_signal_)) {
            stop_checks_left_ = 0;
            process_.pidfd.send_signal(stop_signal_).ignore("it has ended in this moment");
        }
        escalate_stop();
    });
}

bool Shim::discards(int signal) const {
    const auto status = sys::read_file(concat("/proc/", process_.pid, "/status"), 64 * 1024);
    if (!status) return false;
    return parse_signal_disposition(*status).discards(signal);
}

Result<> Shim::set_paused(bool paused) {
    if (process_.pid <= 0) return fail(ErrorCode::Conflict, "the container does not run");
    // Frozen before it has seen the signal, it would never see it.
    if (paused && last_sent_signal_ == SIGKILL)
        return fail(ErrorCode::Conflict, "the container is being killed");
    const sys::Cgroup group = TRY(cgroup());
    TRY(paused ? group.freeze() : group.thaw());
    phase_ = paused ? Phase::Paused : Phase::Running;
    health_->set_paused(paused);
    return {};
}

Result<> Shim::resize(const Resize& request) {
    if (request.exec_id.empty()) {
        if (!stdio_) return fail(ErrorCode::Conflict, "the container does not run");
        return stdio_->resize(request.rows, request.columns);
    }
    ExecSession* session = find_exec(request.exec_id);
    if (session == nullptr)
        return fail(ErrorCode::NotFound, "No such exec instance: ", request.exec_id);
    return session->resize(request.rows, request.columns);
}

Result<> Shim::attach(Request& request) {
    const Attach message = TRY(decode<Attach>(request.body));
    if (request.fds.empty()) return fail(ErrorCode::InvalidArgument, "no stream was passed");
    if (!stdio_) return fail(ErrorCode::Conflict, "not configured");
    return stdio_->attach(message, std::move(request.fds[0]));
}

void Shim::exec(Request& request) {
    auto message = decode<Exec>(request.body);
    if (!message) return connections_.answer(request, Result<>(std::move(message).error()));
    const auto refuse = [&](ErrorCode code, const char* why) {
        connections_.answer(request, Result<>(fail(code, why)));
    };
    if (process_.pid <= 0) return refuse(ErrorCode::Conflict, "the container does not run");
    if (request.fds.empty()) return refuse(ErrorCode::InvalidArgument, "no process was passed");
    if (execs_.size() >= max_execs)
        return refuse(ErrorCode::Unavailable, "too many processes run in the container");
    const std::string id = message->exec_id;
    ExecSession& session = execs_.emplace_back(
        loop_, *message, configure_.directory,
        [this, id] { connections_.broadcast(Detached{.exec_id = id}); },
        [this] {
            // Not at once: the session is in the middle of the call that found it idle.
            loop_.after(0s, [this] {
                forget_done_execs();
                leave_if_done();
            });
        });
    sys::Fd stream =
        message->attached && request.fds.size() > 1 ? std::move(request.fds[1]) : sys::Fd();
    auto started = session.start(configure_, process_.pid, request.fds[0], std::move(stream));
    if (!started) {
        connections_.answer(request, started);
        execs_.pop_back();
        return;
    }
    connections_.answer(request, Started{.exec_id = id,
                                         .pid = session.pid(),
                                         .time = SystemClock().now().time_since_epoch().count()});
}

void Shim::exec_ended(ExecSession& session, const sys::ExitStatus& status) {
    const ExecExited exited{.exec_id = session.id(),
                            .code = status.shell_code(),
                            .pid = session.pid(),
                            .time = SystemClock().now().time_since_epoch().count()};
    // The engine must know the exit code before the client sees the end of its stream and asks for
    // it.
    connections_.broadcast(exited);
    exec_exits_.push_back(exited);
    if (exec_exits_.size() > kept_exec_exits) exec_exits_.pop_front();
    session.process_ended();
}

ExecSession* Shim::find_exec(std::string_view id) {
    for (ExecSession& session : execs_) {
        if (session.id() == id) return &session;
    }
    return nullptr;
}

void Shim::forget_done_execs() {
    execs_.remove_if([](const ExecSession& session) { return session.is_done(); });
}

}  // namespace berth::shim
