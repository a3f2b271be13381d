#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "shim/message.h"

// What the engine and a shim say to each other. The engine asks (a request has a sequence number
// and gets one Reply or the named answer), the shim tells (events). Several engine connections may
// exist; each gets every event. Times are nanoseconds since the epoch, durations nanoseconds.
//
//   engine                         shim
//   spawn, descriptor 3 = socket   makes a network namespace ahead when told to
//   Configure [root mount fd,      makes the network namespace and what must be opened inside it
//              netns fd to join?]
//                                  Ready [netns fd, NETLINK_ROUTE fd]
//                                  (descriptors only for a namespace of its own)
//   Attach [stream fd] ...         Reply
//   Names                          Reply
//   Start                          Started | Reply{error}
//   ...                            Exited, Health, Oom, ExecExited, Restarting
//
// A shim that was never started and loses its last engine connection goes away; one that has
// started stays until its container has ended for good, its exit file is written and its streams
// are drained.
namespace berth::shim {

enum class MessageType : std::uint16_t {
    // Requests.
    Configure = 1,
    Start = 2,
    Stop = 3,
    Signal = 4,
    Pause = 5,
    Resume = 6,
    Resize = 7,
    Attach = 8,
    Exec = 9,
    Update = 10,
    Names = 11,
    Query = 12,
    Quit = 13,
    ClearLog = 14,
    // Answers.
    Ready = 64,
    Reply = 65,
    Started = 66,
    State = 67,
    // Events.
    Exited = 128,
    Restarting = 129,
    Health = 130,
    Oom = 131,
    ExecExited = 132,
    Detached = 133,
};

/// `Unhealthy` is OnFailure for which an unhealthy container counts as failed: it is stopped, then
/// started again.
enum class RestartMode : std::uint8_t { No, Always, UnlessStopped, OnFailure, Unhealthy };

struct RestartSettings {
    RestartMode mode = RestartMode::No;
    std::int32_t max_retries = 0;
    template <typename V>
    void fields(V& v) {
        v(1, mode), v(2, max_retries);
    }
};

enum class LogProtocol : std::uint8_t { None, Syslog, Journald, Gelf, Fluentd };
enum class LogTransport : std::uint8_t { UnixDatagram, UnixStream, Udp, Tcp };

/// A log service that gets the output as well.
struct RemoteLogSettings {
    LogProtocol protocol = LogProtocol::None;
    LogTransport transport = LogTransport::UnixDatagram;
    std::string address;  // a socket's path, or an address as text
    std::uint16_t port = 0;
    // format: of syslog, "", "rfc3164", "rfc5424", "rfc5424micro"; of fluentd, "" or "event-time"
    std::string tag, format;
    std::int32_t facility = 3;
    bool is_local = false;
    std::int32_t pid = 0;  // what syslog shows
    std::string container_id, container_name, image, hostname;
    std::vector<std::string> extra;  // "key=value"
    std::uint64_t max_pending = 1 << 20;
    template <typename V>
    void fields(V& v) {
        v(1, protocol), v(2, transport), v(3, address), v(4, port), v(5, tag), v(6, format),
            v(7, facility);
        v(8, is_local), v(9, pid), v(10, container_id), v(11, container_name), v(12, image),
            v(13, hostname);
        v(14, extra), v(15, max_pending);
    }
};

struct LogSettings {
    std::string path;  // empty: no log
    std::uint64_t max_bytes = 20 << 20;
    std::uint32_t max_files = 5;
    RemoteLogSettings remote;
    bool compress = false;  // rotated files but the newest of them
    template <typename V>
    void fields(V& v) {
        v(1, path), v(2, max_bytes), v(3, max_files), v(4, remote), v(5, compress);
    }
};

/// What a health check does: run a command in the container, or ask a port of its network namespace
/// ourselves.
enum class ProbeKind : std::uint8_t { Command, Http, Tcp, Grpc };

struct HealthSettings {
    std::vector<std::string> command;  // argv; empty (and kind Command): no health check
    std::int64_t interval = 0, timeout = 0, start_period = 0, start_interval = 0;
    std::int32_t retries = 0;
    ProbeKind kind = ProbeKind::Command;
    std::uint16_t port = 0;
    std::string path;  // of Http; the service's name of Grpc
    template <typename V>
    void fields(V& v) {
        v(1, command), v(2, interval), v(3, timeout), v(4, start_period), v(5, start_interval),
            v(6, retries);
        v(7, kind), v(8, port), v(9, path);
    }
};

struct Configure {
    static constexpr MessageType type = MessageType::Configure;
    std::string id;         // container id
    std::string directory;  // <root>/containers/<id>: exit file, log
    std::string spec_path;  // the OCI config.json; read by the child of each start
    bool tty = false, open_stdin = false, stdin_once = false;
    bool own_netns =
        false;  // make a network namespace; else the spec or a passed descriptor says which
    bool joins_netns = false;  // the second descriptor is the namespace to join
    bool resolver = false;     // answer DNS on 127.0.0.11 in the own namespace
    std::string cgroup;  // path below the hierarchies' roots, "/berth/<id>"; made at each start,
                         // removed at the end
    std::string seccomp_cache;  // directory for compiled filters; empty: none
    std::int32_t restart_count = 0;
    RestartSettings restart;
    LogSettings log;
    HealthSettings health;
    std::int32_t stop_signal = 15;  // for stopping an unhealthy container
    std::int64_t stop_timeout = 10'000'000'000;
    bool root_wants_place = false;  // the kernel copies attached mounts only
    std::uint32_t
        first_id = 0,
        ids = 0;  // with ids: make a user namespace of so many, which begin there on the host
    template <typename V>
    void fields(V& v) {
        v(1, id), v(2, directory), v(3, spec_path), v(4, tty), v(5, open_stdin), v(6, stdin_once),
            v(7, own_netns);
        v(8, joins_netns), v(9, resolver), v(10, cgroup), v(11, seccomp_cache),
            v(12, restart_count);
        v(14, restart), v(15, log), v(16, health), v(17, stop_signal), v(18, stop_timeout),
            v(19, first_id), v(20, ids), v(21, root_wants_place);
    }
};

struct Start {
    static constexpr MessageType type = MessageType::Start;
    template <typename V>
    void fields(V&) {}
};

/// Ends the container and keeps it ended. The reply comes at once; Exited tells the end.
struct Stop {
    static constexpr MessageType type = MessageType::Stop;
    std::int32_t signal = 15;
    std::int64_t timeout = 0;  // then SIGKILL; negative: never
    template <typename V>
    void fields(V& v) {
        v(1, signal), v(2, timeout);
    }
};

struct Signal {
    static constexpr MessageType type = MessageType::Signal;
    std::int32_t signal = 0;
    bool manual_stop = false;  // the restart policy must not bring it back
    template <typename V>
    void fields(V& v) {
        v(1, signal), v(2, manual_stop);
    }
};

struct Pause {
    static constexpr MessageType type = MessageType::Pause;
    template <typename V>
    void fields(V&) {}
};
struct Resume {
    static constexpr MessageType type = MessageType::Resume;
    template <typename V>
    void fields(V&) {}
};

struct Resize {
    static constexpr MessageType type = MessageType::Resize;
    std::string exec_id;  // empty: the container itself
    std::uint16_t rows = 0, columns = 0;
    template <typename V>
    void fields(V& v) {
        v(1, exec_id), v(2, rows), v(3, columns);
    }
};

/// Carries one descriptor: a connected stream socket, which the shim owns from now on.
struct Attach {
    static constexpr MessageType type = MessageType::Attach;
    bool stdin_ = false, stdout_ = false, stderr_ = false;
    bool multiplex = false;   // Docker's 8-byte frames
    std::string detach_keys;  // raw bytes; empty: never detaches
    std::string early_input;
    template <typename V>
    void fields(V& v) {
        v(1, stdin_), v(2, stdout_), v(3, stderr_), v(4, multiplex), v(5, detach_keys),
            v(6, early_input);
    }
};

/// Carries the process (runtime-spec "process" object as JSON in a file descriptor) and, unless
/// detached, the stream socket. Answered by Started or Reply{error}.
struct Exec {
    static constexpr MessageType type = MessageType::Exec;
    std::string exec_id;
    bool tty = false;
    bool attached = false;  // the second descriptor is the stream
    Attach stream;
    template <typename V>
    void fields(V& v) {
        v(1, exec_id), v(2, tty), v(3, attached), v(4, stream);
    }
};

/// New restart policy; what else `update` changes is in the cgroup.
struct Update {
    static constexpr MessageType type = MessageType::Update;
    RestartSettings restart;
    template <typename V>
    void fields(V& v) {
        v(1, restart);
    }
};

/// One name and its addresses: 4 or 16 raw bytes each.
struct NameRecord {
    std::string name;
    std::vector<std::string> addresses;
    bool primary = false;  // the name that a reverse look-up gives
    template <typename V>
    void fields(V& v) {
        v(1, name), v(2, addresses), v(3, primary);
    }
};

/// The whole table of the resolver; replaces the one before.
struct Names {
    static constexpr MessageType type = MessageType::Names;
    std::vector<NameRecord> records;
    std::vector<std::string> servers;  // addresses as text, asked from the host's network namespace
    template <typename V>
    void fields(V& v) {
        v(1, records), v(2, servers);
    }
};

struct Query {
    static constexpr MessageType type = MessageType::Query;
    bool want_netns = false;  // State then carries the netns and netlink descriptors
    template <typename V>
    void fields(V& v) {
        v(1, want_netns);
    }
};

/// Ends a shim whose container does not run.
struct Quit {
    static constexpr MessageType type = MessageType::Quit;
    template <typename V>
    void fields(V&) {}
};

/// Forgets what the container wrote so far.
struct ClearLog {
    static constexpr MessageType type = MessageType::ClearLog;
    template <typename V>
    void fields(V&) {}
};

struct Ready {
    static constexpr MessageType type = MessageType::Ready;
    std::int32_t pid = 0;  // of the shim
    template <typename V>
    void fields(V& v) {
        v(1, pid);
    }
};

struct Reply {
    static constexpr MessageType type = MessageType::Reply;
    bool ok = true;
    std::uint8_t code = 0;  // ErrorCode when not ok
    std::string text;
    template <typename V>
    void fields(V& v) {
        v(1, ok), v(2, code), v(3, text);
    }
};

struct Started {
    static constexpr MessageType type = MessageType::Started;
    std::string exec_id;  // empty: the container
    std::int32_t pid = 0;
    std::int64_t time = 0;
    template <typename V>
    void fields(V& v) {
        v(1, exec_id), v(2, pid), v(3, time);
    }
};

/// How a stop went.
enum class StopOutcome : std::uint8_t {
    None,       // nobody asked for one
    Ended,      // the process ended by itself after the signal
    NoHandler,  // it could not receive the signal, and was killed at once
    TimedOut,   // it did not end in time, and was killed
};

/// The last process that the kernel killed in the container for want of memory.
struct OomVictim {
    std::int32_t pid = 0;  // of the host's pid namespace; 0: the kernel's log did not say
    std::string name;
    template <typename V>
    void fields(V& v) {
        v(1, pid), v(2, name);
    }
};

struct Exited {
    static constexpr MessageType type = MessageType::Exited;
    std::int32_t code = 0;  // 128+n after signal n
    bool oom_killed = false;
    bool restarts = false;  // the policy brings it back after restart_delay
    std::int64_t restart_delay = 0;
    std::int64_t started_at = 0, finished_at = 0;
    std::int32_t restart_count = 0;
    bool manually_stopped = false;
    std::string error;             // when a restart could not start it
    std::int32_t signal = 0;       // that killed process 1; 0: it exited
    bool signal_was_ours = false;  // an engine's request sent that signal
    StopOutcome stop_outcome = StopOutcome::None;
    std::int32_t stop_signal = 0;
    std::int64_t stop_waited = 0;  // from the stop's signal to the end
    bool was_unhealthy = false;    // stopped by the restart policy for its health
    OomVictim oom_victim;
    std::int32_t failures_in_row = 0;  // ends without a run of ten seconds in between
    template <typename V>
    void fields(V& v) {
        v(1, code), v(2, oom_killed), v(3, restarts), v(4, restart_delay), v(5, started_at),
            v(6, finished_at);
        v(7, restart_count), v(8, manually_stopped), v(9, error), v(10, signal),
            v(11, signal_was_ours);
        v(12, stop_outcome), v(13, stop_signal), v(14, stop_waited), v(15, was_unhealthy),
            v(16, oom_victim);
        v(17, failures_in_row);
    }
};

/// The restart policy has started it again.
struct Restarting {
    static constexpr MessageType type = MessageType::Restarting;
    std::int32_t pid = 0, restart_count = 0;
    std::int64_t time = 0;
    template <typename V>
    void fields(V& v) {
        v(1, pid), v(2, restart_count), v(3, time);
    }
};

struct HealthResult {
    std::int64_t start = 0, end = 0;
    std::int32_t exit_code = 0;
    std::string output;
    template <typename V>
    void fields(V& v) {
        v(1, start), v(2, end), v(3, exit_code), v(4, output);
    }
};

enum class HealthStatus : std::uint8_t { None, Starting, Healthy, Unhealthy };

struct Health {
    static constexpr MessageType type = MessageType::Health;
    HealthStatus status = HealthStatus::None;
    std::int32_t failing_streak = 0;
    bool changed = false;           // the status differs from the one before
    std::vector<HealthResult> log;  // oldest first, five at most
    template <typename V>
    void fields(V& v) {
        v(1, status), v(2, failing_streak), v(3, changed), v(4, log);
    }
};

struct Oom {
    static constexpr MessageType type = MessageType::Oom;
    std::int64_t time = 0;
    template <typename V>
    void fields(V& v) {
        v(1, time);
    }
};

struct ExecExited {
    static constexpr MessageType type = MessageType::ExecExited;
    std::string exec_id;
    std::int32_t code = 0, pid = 0;
    std::int64_t time = 0;
    template <typename V>
    void fields(V& v) {
        v(1, exec_id), v(2, code), v(3, pid), v(4, time);
    }
};

/// A client left with the detach keys.
struct Detached {
    static constexpr MessageType type = MessageType::Detached;
    std::string exec_id;
    template <typename V>
    void fields(V& v) {
        v(1, exec_id);
    }
};

struct ExecState {
    std::string exec_id;
    std::int32_t pid = 0;
    template <typename V>
    void fields(V& v) {
        v(1, exec_id), v(2, pid);
    }
};

enum class Phase : std::uint8_t { New, Configured, Running, Paused, Waiting, Exited };

/// All that an engine must know after connecting.
struct State {
    static constexpr MessageType type = MessageType::State;
    std::string id;
    Phase phase = Phase::New;
    std::int32_t pid = 0, shim_pid = 0;
    std::int64_t started_at = 0;
    Exited last_exit;  // meaningful in Waiting and Exited
    Health health;
    std::vector<ExecState> execs;
    std::vector<ExecExited> exec_exits;  // the last ones, for an engine that was away
    std::int32_t restart_count = 0;
    bool manually_stopped = false;
    template <typename V>
    void fields(V& v) {
        v(1, id), v(2, phase), v(3, pid), v(4, shim_pid), v(5, started_at), v(6, last_exit),
            v(7, health);
        v(8, execs), v(9, exec_exits), v(10, restart_count), v(11, manually_stopped);
    }
};

}  // namespace berth::shim
