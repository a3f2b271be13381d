#pragma once
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "shim/connections.h"
#include "shim/exec_session.h"
#include "shim/health_monitor.h"
#include "shim/remote_log.h"
#include "shim/resolver.h"
#include "shim/restart_policy.h"
#include "shim/stdio.h"
#include "sys/cgroup_oom.h"
#include "sys/netlink.h"

namespace berth::shim {

/// A network namespace to make ahead, in a user namespace whose ids begin at `first_id`; without
/// ids, in ours.
struct AheadNetwork {
    std::uint32_t first_id = 0, ids = 0;
};

/// The parent of one container, for as long as the container is wanted: starts its process, keeps
/// its streams, log and names, restarts it, and tells engines what happens. One thread, one loop;
/// it needs no engine to go on.
class Shim {
public:
    /// `run_directory` is the container's own below the engine's run directory: socket and pid file
    /// go there.
    Shim(EventLoop& loop, std::string run_directory);
    Result<> open(sys::Fd engine);
    /// Makes the network namespace that Configure will ask for, while the engine plans the
    /// container; what fails is tried again then, and told. The cgroup ("" none) is the engine's to
    /// make and this shim's to remove.
    void make_ahead(const std::string& cgroup, const std::optional<AheadNetwork>& network);
    ~Shim();

private:
    // Requests, one function each.
    void handle(Request& request);
    Result<> configure(Request& request);
    Result<> make_namespaces(std::uint32_t first_id, std::uint32_t ids);
    Result<> make_network();
    void start(const Request& request);
    Result<> stop(const Stop& stop);
    void begin_stop(int signal, std::int64_t timeout);
    void on_health(const Health& health);
    Result<> signal(const Signal& signal);
    Result<> set_paused(bool paused);
    Result<> resize(const Resize& resize);
    Result<> attach(Request& request);
    void exec(Request& request);
    void answer_state(const Request& request);

    // The container's process.
    Result<> run_process();
    void on_child_signal();
    void process_ended(const sys::ExitStatus& status);
    void watch_out_of_memory();
    std::uint64_t count_oom_kills();
    void settle(Exited exited);
    void restart();
    void escalate_stop();
    bool discards(int signal) const;
    void note_death(Exited& exited, const sys::ExitStatus& status);
    bool never_ran() const;
    void remove_cgroup();

    void exec_ended(ExecSession& session, const sys::ExitStatus& status);
    ExecSession* find_exec(std::string_view id);
    void forget_done_execs();
    void leave_if_done();
    State state() const;
    Result<sys::Cgroup> cgroup() const;

    EventLoop& loop_;
    /// Attaches the root below the run directory where it cannot be copied otherwise (Linux
    /// before 6.15): each start of the process takes a copy.
    Result<> attach_root();
    std::string run_directory_;
    Connections connections_;
    sys::Fd signals_;
    EventLoop::Id signals_watch_ = 0;

    Configure configure_;
    sys::Fd root_mount_, network_namespace_, user_namespace_;
    std::optional<sys::NetlinkSocket> netlink_;
    std::optional<RemoteLog> remote_log_;
    std::optional<LogWriter> log_;
    std::optional<Stdio> stdio_;
    std::optional<HealthMonitor> health_;
    std::optional<Resolver> resolver_;
    RestartPolicy restart_policy_;
    std::list<ExecSession> execs_;
    std::deque<ExecExited> exec_exits_;

    Phase phase_ = Phase::New;
    sys::Child process_;
    std::int64_t started_at_ = 0;
    SteadyTime started_steady_{};
    bool manually_stopped_ = false;
    Exited last_exit_;
    std::uint64_t oom_kills_before_ = 0;
    sys::OomEvents oom_events_;
    EventLoop::Id oom_watch_ = 0;
    EventLoop::Id restart_timer_ = 0, stop_timer_ = 0;
    std::int32_t stop_signal_ = 0;
    SteadyTime stop_began_{}, stop_deadline_{};
    StopOutcome stop_outcome_ = StopOutcome::None;
    std::int32_t last_sent_signal_ = 0;
    bool stopped_unhealthy_ = false;
    bool stop_forever_ = false;
    int stop_checks_left_ = 0;
};

/// The program: `berth-shim <run directory>` with the engine's socket as descriptor 3.
int shim_main(int argument_count, char** arguments);

}  // namespace berth::shim
