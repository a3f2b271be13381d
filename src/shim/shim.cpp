#include "shim/shim.h"

#include <linux/netlink.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "shim/exit_file.h"
#include "shim/launch_helper.h"
#include "shim/oom_victim.h"
#include "shim/run_directory.h"
#include "sys/file.h"
#include "sys/kernel_log.h"
#include "sys/mount.h"
#include "sys/namespace.h"
#include "sys/netlink.h"
#include "sys/signal.h"
#include "sys/stream.h"

namespace berth::shim {
namespace {

using namespace std::chrono_literals;

std::int64_t wall_now() { return SystemClock().now().time_since_epoch().count(); }

template <typename T>
Result<T> decode_request(const Request& request) {
    return decode<T>(request.body);
}

sys::Fd take_fd(Request& request, std::size_t index) {
    return index < request.fds.size() ? std::move(request.fds[index]) : sys::Fd();
}

}  // namespace

Shim::Shim(EventLoop& loop, std::string run_directory)
    : loop_(loop),
      run_directory_(std::move(run_directory)),
      connections_(
          loop, [this](Request& request) { handle(request); }, [this] { leave_if_done(); }) {}

Shim::~Shim() {
    if (never_ran()) remove_cgroup();
    release_root_place(run_directory_);
    loop_.remove(oom_watch_);
    loop_.remove(signals_watch_);
}

Result<> Shim::open(sys::Fd engine) {
    signals_ = TRY(sys::block_and_open_signalfd(
        {SIGCHLD, SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2}));
    signals_watch_ =
        TRY(loop_.add(signals_, EPOLLIN, [this](std::uint32_t) { on_child_signal(); }));
    TRY(connections_.listen(run_directory_ + "/shim.sock"));
    TRY(connections_.adopt(std::move(engine)));
    // Not synced: the run directory does not outlive the machine.
    const sys::Fd file =
        TRY(sys::open(run_directory_ + "/pid", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    return sys::write_all(file, concat(::getpid(), "\n"));
}

void Shim::make_ahead(const std::string& cgroup, const std::optional<AheadNetwork>& network) {
    configure_.cgroup = cgroup;
    if (network) make_namespaces(network->first_id, network->ids).ignore("configure() tells");
}

void Shim::handle(Request& request) {
    const auto reply = [&](const Result<>& outcome) { connections_.answer(request, outcome); };
    // Decodes the request as T and answers with what `act` returns.
    const auto serve = [&]<typename T>(std::type_identity<T>, auto act) {
        auto message = decode_request<T>(request);
        reply(message ? act(*message) : Result<>(std::move(message).error()));
    };
    switch (static_cast<MessageType>(request.header.type)) {
        case MessageType::Configure:
            if (auto configured = configure(request); !configured) reply(configured);
            return;
        case MessageType::Start: return start(request);
        case MessageType::Stop:
            return serve(std::type_identity<Stop>(), [&](const Stop& m) { return stop(m); });
        case MessageType::Signal:
            return serve(std::type_identity<Signal>(), [&](const Signal& m) { return signal(m); });
        case MessageType::Pause: return reply(set_paused(true));
        case MessageType::Resume: return reply(set_paused(false));
        case MessageType::Resize:
            return serve(std::type_identity<Resize>(), [&](const Resize& m) { return resize(m); });
        case MessageType::Attach: return reply(attach(request));
        case MessageType::Exec: return exec(request);
        case MessageType::Update:
            return serve(std::type_identity<Update>(), [&](const Update& m) -> Result<> {
                restart_policy_.update(m.restart);
                return {};
            });
        case MessageType::Names:
            return serve(std::type_identity<Names>(), [&](const Names& m) -> Result<> {
                if (resolver_) resolver_->set_names(m);
                return {};
            });
        case MessageType::ClearLog: return reply(log_ ? log_->clear() : Result<>());
        case MessageType::Query: return answer_state(request);
        case MessageType::Quit:
            if (process_.pid > 0) return reply(fail(ErrorCode::Conflict, "the container runs"));
            // Before the answer: another shim may be started for this container after it.
            if (never_ran()) remove_cgroup();
            configure_.cgroup.clear();
            reply({});
            return loop_.stop();
        default:
            return reply(fail(ErrorCode::Unsupported, "unknown request ", request.header.type));
    }
}

Result<> Shim::configure(Request& request) {
    if (phase_ != Phase::New) return fail(ErrorCode::Conflict, "configured already");
    configure_ = TRY(decode_request<Configure>(request));
    root_mount_ = take_fd(request, 0);
    if (!root_mount_) return fail(ErrorCode::InvalidArgument, "no root mount was passed");
    if (configure_.root_wants_place) TRY(attach_root());
    if (configure_.joins_netns) network_namespace_ = take_fd(request, 1);
    restart_policy_ = RestartPolicy(configure_.restart, configure_.restart_count);
    log_.emplace(configure_.log);
    TRY(log_->open().context("log"));
    if (configure_.log.remote.protocol != LogProtocol::None) {
        configure_.log.remote.pid = ::getpid();
        remote_log_.emplace(loop_, configure_.log.remote);
        log_->set_line_sink([this](int stream, std::string_view line, Timestamp now) {
            remote_log_->write(stream, line, now);
        });
    }
    stdio_.emplace(loop_,
                   Stdio::Options{.tty = configure_.tty,
                                  .wants_stdin = configure_.open_stdin,
                                  .close_stdin_with_client = configure_.stdin_once,
                                  .spill_directory = configure_.directory,
                                  .log = &*log_,
                                  .on_detached = [this] { connections_.broadcast(Detached{}); },
                                  .on_idle = [this] { leave_if_done(); }});
    health_.emplace(loop_, configure_, [this](const Health& health) { on_health(health); });
    if (configure_.own_netns) TRY(make_network());
    phase_ = Phase::Configured;
    const Ready ready{.pid = ::getpid()};
    if (configure_.own_netns) {
        const int fds[] = {network_namespace_.get(), netlink_->fd()};
        connections_.answer(request, ready, fds);
    } else {
        connections_.answer(request, ready);
    }
    return {};
}

Result<> Shim::attach_root() {
    const std::string place = root_place(run_directory_);
    TRY(sys::mkdir_at(AT_FDCWD, place, 0700));
    const sys::DetachedMount root(TRY(sys::duplicate(root_mount_)));
    return root.attach_at(place);
}

Result<> Shim::make_namespaces(std::uint32_t first_id, std::uint32_t ids) {
    if (ids == 0) {
        network_namespace_ = TRY(sys::make_network_namespace());
        return {};
    }
    const std::vector<sys::IdMapping> map{{.inside = 0, .outside = first_id, .size = ids}};
    auto made = TRY(sys::make_user_and_network_namespace({.uids = map, .gids = map}));
    user_namespace_ = std::move(made.user);
    network_namespace_ = std::move(made.network);
    return {};
}

// The namespace exists before the container does, so that the engine can furnish it; the resolver's
// sockets and a netlink socket are opened inside, everything else of this process stays outside.
Result<> Shim::make_network() {
    if (!network_namespace_) TRY(make_namespaces(configure_.first_id, configure_.ids));
    const sys::Fd home = TRY(sys::open_namespace("/proc/self/ns/net"));
    TRY(sys::enter_namespace(network_namespace_));
    const auto open_sockets = [&]() -> Result<> {
        if (user_namespace_) TRY(sys::bring_loopback_up());
        netlink_ = TRY(sys::NetlinkSocket::open(NETLINK_ROUTE));
        if (!configure_.resolver) return {};
        const sys::SocketAddress address = TRY(sys::SocketAddress::parse(resolver_address, 53));
        sys::Fd udp = TRY(sys::bind_udp(address).context("resolver"));
        sys::Fd tcp = TRY(sys::listen_tcp(address).context("resolver"));
        resolver_.emplace(loop_, std::move(udp), std::move(tcp));
        return resolver_->start();
    };
    auto opened = open_sockets();
    TRY(sys::enter_namespace(home));
    return opened;
}

void Shim::start(const Request& request) {
    if (phase_ != Phase::Configured) {
        return connections_.answer(request, fail(ErrorCode::Conflict, "not ready to start"));
    }
    auto started = run_process();
    if (!started) {
        remove_cgroup();
        return connections_.answer(request, started);
    }
    connections_.answer(request, Started{.pid = process_.pid, .time = started_at_});
}

Result<> Shim::run_process() {
    const std::array<int, 3> streams = TRY(stdio_->open_pipes());
    own_streams(configure_, streams);
    const auto launch = [&]() -> Result<runtime::Launched> {
        runtime::Launched launched = TRY(launch_container(
            {.configure = &configure_,
             .root_mount = root_mount_.get(),
             .network_namespace = network_namespace_ ? network_namespace_.get() : -1,
             .user_namespace = user_namespace_ ? user_namespace_.get() : -1,
             .streams = streams}));
        TRY(launched.start());
        return launched;
    };
    auto launched = launch();
    if (!launched) {
        stdio_->abandon();
        return std::move(launched).error();
    }
    process_ = std::move(launched->child_);
    started_at_ = wall_now();
    started_steady_ = std::chrono::steady_clock::now();
    phase_ = Phase::Running;
    manually_stopped_ = stopped_unhealthy_ = false;
    stop_outcome_ = StopOutcome::None;
    last_sent_signal_ = 0;
    TRY(stdio_->begin(launched->take_terminal()));
    watch_out_of_memory();
    health_->container_started(process_.pid);
    return {};
}

void Shim::on_child_signal() {
    while (true) {
        auto next = sys::read_signal(signals_);
        if (!next || !*next) break;  // what matters is in the process table, signals only wake
    }
    while (const auto ended = sys::reap_any_child()) {
        if (ended->pid == process_.pid) {
            process_ended(ended->status);
        } else if (!health_ || !health_->child_ended(ended->pid, ended->status)) {
            for (ExecSession& session : execs_) {
                if (session.pid() != ended->pid) continue;
                exec_ended(session, ended->status);
                break;
            }
        }
    }
    forget_done_execs();
    leave_if_done();
}

void Shim::process_ended(const sys::ExitStatus& status) {
    process_ = {};
    loop_.cancel(stop_timer_);
    health_->container_ended();
    Exited exited{
        .code = status.shell_code(), .started_at = started_at_, .finished_at = wall_now()};
    exited.oom_killed = count_oom_kills() > oom_kills_before_;
    note_death(exited, status);
    // Processes that do not share its pid namespace do not end with it.
    if (const auto group = cgroup())
        group->kill_all(SIGKILL).ignore("then removing the cgroup tells");
    settle(std::move(exited));
}

// Decides what follows an end, tells it, and leaves it on disk.
void Shim::settle(Exited exited) {
    const auto ran_for = std::chrono::nanoseconds(exited.finished_at - exited.started_at);
    // An unhealthy container has failed, whatever it said when it was stopped for it.
    const int code = exited.was_unhealthy && exited.code == 0 ? 1 : exited.code;
    const auto delay = restart_policy_.after_exit(code, manually_stopped_, ran_for);
    exited.failures_in_row = restart_policy_.failures_in_row();
    exited.restarts = delay.has_value();
    exited.restart_delay = delay ? std::chrono::nanoseconds(*delay).count() : 0;
    exited.restart_count = restart_policy_.restart_count();
    exited.manually_stopped = manually_stopped_;
    last_exit_ = exited;
    phase_ = delay ? Phase::Waiting : Phase::Exited;
    stdio_->process_ended(delay.has_value());
    if (delay) {
        restart_timer_ = loop_.after(*delay, [this] {
            restart_timer_ = 0;
            restart();
        });
    } else {
        if (remote_log_) remote_log_->finish([this] { leave_if_done(); });
        remove_cgroup();
        write_exit_file(configure_.directory, exited)
            .ignore("the engine is told as well; a full disk must not keep us");
    }
    connections_.broadcast(exited);
}

void Shim::note_death(Exited& exited, const sys::ExitStatus& status) {
    exited.signal = status.signal;
    exited.signal_was_ours = status.signal != 0 && status.signal == last_sent_signal_;
    exited.was_unhealthy = stopped_unhealthy_;
    if (stop_outcome_ != StopOutcome::None) {
        exited.stop_outcome = stop_outcome_;
        exited.stop_signal = stop_signal_;
        exited.stop_waited =
            std::chrono::nanoseconds(std::chrono::steady_clock::now() - stop_began_).count();
    }
    if (exited.oom_killed) {
        const std::string log = sys::read_kernel_log();
        if (auto victim = find_oom_victim(log, configure_.cgroup))
            exited.oom_victim = std::move(*victim);
    }
}

void Shim::on_health(const Health& health) {
    connections_.broadcast(health);
    const bool stops = health.changed && health.status == HealthStatus::Unhealthy &&
                       restart_policy_.stops_unhealthy();
    if (!stops || process_.pid <= 0 || manually_stopped_ || stop_outcome_ != StopOutcome::None)
        return;
    stopped_unhealthy_ = true;
    begin_stop(configure_.stop_signal, configure_.stop_timeout);
}

void Shim::restart() {
    auto started = run_process();
    if (started) {
        connections_.broadcast(Restarting{.pid = process_.pid,
                                          .restart_count = restart_policy_.restart_count(),
                                          .time = started_at_});
        return;
    }
    const std::int64_t now = wall_now();
    settle(
        {.code = 128, .started_at = now, .finished_at = now, .error = started.error().message()});
    leave_if_done();
}

bool Shim::never_ran() const { return phase_ == Phase::New || phase_ == Phase::Configured; }

void Shim::remove_cgroup() {
    if (configure_.cgroup.empty()) return;
    const auto group = cgroup();
    if (!group) return;
    if (auto removed = group->remove(); removed.is_error()) {
        group->kill_all(SIGKILL).ignore("the second attempt tells");
        group->remove().ignore(
            "the engine sweeps what a process in an uninterruptible sleep holds");
    }
}

Result<sys::Cgroup> Shim::cgroup() const {
    const sys::CgroupLayout layout = TRY(sys::cgroup_layout());
    return sys::Cgroup::open(layout, configure_.cgroup);
}

std::uint64_t Shim::count_oom_kills() {
    const auto group = cgroup();
    if (!group) return oom_kills_before_;
    return sys::count_oom_kills(*group).value_or(std::uint64_t(oom_kills_before_));
}

void Shim::watch_out_of_memory() {
    loop_.remove(oom_watch_);
    const auto group = cgroup();
    if (!group) return;
    oom_kills_before_ = sys::count_oom_kills(*group).value_or(0);
    auto events = sys::open_oom_events(*group);
    if (!events) return;  // no memory controller
    oom_events_ = std::move(*events);
    auto watch = loop_.add(oom_events_.fd, oom_events_.events, [this](std::uint32_t) {
        sys::drain_counter(oom_events_.fd);
        if (count_oom_kills() > oom_kills_before_ && process_.pid > 0)
            connections_.broadcast(Oom{.time = wall_now()});
    });
    if (watch) oom_watch_ = *watch;
}

void Shim::leave_if_done() {
    if (never_ran() && connections_.is_empty()) return loop_.stop();
    const bool log_is_out = !remote_log_ || remote_log_->is_idle();
    if (phase_ == Phase::Exited && stdio_->is_idle() && execs_.empty() && log_is_out) loop_.stop();
}

State Shim::state() const {
    State state{.id = configure_.id,
                .phase = phase_,
                .pid = process_.pid > 0 ? process_.pid : 0,
                .shim_pid = ::getpid(),
                .started_at = started_at_,
                .last_exit = last_exit_,
                .exec_exits = {exec_exits_.begin(), exec_exits_.end()},
                .restart_count = restart_policy_.restart_count(),
                .manually_stopped = manually_stopped_};
    if (health_) state.health = health_->state();
    for (const ExecSession& session : execs_) {
        if (session.is_running()) state.execs.push_back({session.id(), session.pid()});
    }
    return state;
}

void Shim::answer_state(const Request& request) {
    const auto query = decode_request<Query>(request);
    if (query && query->want_netns && netlink_) {
        const int fds[] = {network_namespace_.get(), netlink_->fd()};
        connections_.answer(request, state(), fds);
    } else {
        connections_.answer(request, state());
    }
}

}  // namespace berth::shim
