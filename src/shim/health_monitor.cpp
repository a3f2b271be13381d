#include "shim/health_monitor.h"

#include <signal.h>

#include <array>

#include "base/clock.h"
#include "shim/launch_helper.h"
#include "shim/native_probe.h"
#include "sys/socket.h"
#include "sys/stream.h"

namespace berth::shim {
namespace {

constexpr std::size_t max_output = 4096;
constexpr int failure_to_run =
    -1;  // what Docker records for a probe that timed out or could not start

std::int64_t nanoseconds_now() { return SystemClock().now().time_since_epoch().count(); }

}  // namespace

HealthMonitor::HealthMonitor(EventLoop& loop, const Configure& configure,
                             std::function<void(const Health&)> report)
    : loop_(loop), configure_(configure), report_(std::move(report)), state_(configure.health) {}

HealthMonitor::~HealthMonitor() {
    forget_probe();
    loop_.cancel(next_probe_);
}

void HealthMonitor::container_started(pid_t init) {
    if (!state_.is_enabled()) return;
    init_ = init;
    paused_ = false;
    state_.restart(nanoseconds_now());
    report_(state_.report(false));
    schedule();
}

void HealthMonitor::container_ended() {
    if (!state_.is_enabled() || init_ == 0) return;
    init_ = 0;
    forget_probe();
    loop_.cancel(next_probe_);
    state_.stop();
    report_(state_.report(false));
}

void HealthMonitor::schedule() {
    loop_.cancel(next_probe_);
    next_probe_ =
        loop_.after(std::chrono::nanoseconds(state_.next_delay(nanoseconds_now())), [this] {
            next_probe_ = 0;
            probe();
        });
}

void HealthMonitor::probe() {
    if (paused_) return schedule();
    result_ = {.start = nanoseconds_now()};
    auto pipe = sys::make_pipe();
    if (!pipe) return finish(failure_to_run, pipe.error().message());
    auto& [read_end, write_end] = *pipe;
    auto started = start_probe(write_end);
    if (!started) return finish(failure_to_run, started.error().message());
    child_ = std::move(*started);
    output_ = std::move(read_end);
    sys::set_nonblocking(output_).ignore("a pipe of ours");
    if (auto watch = loop_.add(output_, EPOLLIN, [this](std::uint32_t) { read_output(); }))
        output_watch_ = *watch;
    time_limit_ = loop_.after(std::chrono::nanoseconds(state_.time_limit(result_.start)), [this] {
        time_limit_ = 0;
        on_timeout();
    });
}

Result<sys::Child> HealthMonitor::start_probe(sys::BorrowedFd output) {
    const HealthSettings& settings = state_.settings();
    if (settings.kind != ProbeKind::Command) return start_native_probe(settings, init_, output);
    runtime::Launched launched = TRY(launch_exec({.configure = &configure_,
                                                  .init = init_,
                                                  .command = settings.command,
                                                  .streams = {-1, output.get(), output.get()}}));
    return std::move(launched.child_);
}

void HealthMonitor::read_output() {
    std::array<std::byte, 1024> buffer;
    const sys::Transfer got = sys::read_some(output_, buffer);
    if (got.blocked) return;
    if (got.bytes == 0) return loop_.remove(output_watch_);
    const std::size_t room = max_output - std::min(max_output, result_.output.size());
    result_.output.append(as_text(std::span(buffer).first(std::min(got.bytes, room))));
}

void HealthMonitor::on_timeout() {
    child_.pidfd.send_signal(SIGKILL).ignore("it has ended in this moment");
    const auto limit = std::chrono::nanoseconds(state_.settings().timeout);
    finish(failure_to_run, concat("Health check exceeded timeout (", format_duration(limit), ")"));
}

bool HealthMonitor::child_ended(pid_t pid, const sys::ExitStatus& status) {
    if (child_.pid != pid) return false;
    child_.pid = -1;
    if (output_watch_ != 0) {
        // At most what the pipe holds.
        for (int i = 0; i < 64 && output_watch_ != 0 && result_.output.size() < max_output; ++i) {
            const std::size_t before = result_.output.size();
            read_output();
            if (result_.output.size() == before) break;
        }
    }
    finish(status.shell_code(), {});
    return true;
}

void HealthMonitor::finish(int exit_code, const std::string& note) {
    forget_probe();
    result_.end = nanoseconds_now();
    result_.exit_code = exit_code;
    if (!note.empty()) result_.output = note;
    const bool changed = state_.add(std::move(result_));
    report_(state_.report(changed));
    if (init_ != 0) schedule();
}

void HealthMonitor::forget_probe() {
    loop_.remove(output_watch_);
    loop_.cancel(time_limit_);
    output_.close();
    child_ = {};
}

}  // namespace berth::shim
