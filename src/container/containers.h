#pragma once
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "container/spec.h"
#include "container/state.h"
#include "container/why.h"
#include "record/schema.h"
#include "sys/fd.h"

namespace berth::record {
class Database;
class EventLog;
}  // namespace berth::record
namespace berth::image {
class Store;
}
namespace berth::snapshot {
class Driver;
}
namespace berth::content {
class Store;
}
namespace berth::network {
class Manager;
}
namespace berth::volume {
class Store;
class HostCa;
}  // namespace berth::volume

namespace berth::container {

/// Tables of this module; the engine hands them to record::Database::open().
record::Schema schema();

/// One endpoint as inspect shows it.
struct EndpointView {
    std::string network_name, network_id, endpoint_id;
    std::string ipv4_address, gateway, ipv6_address, ipv6_gateway, mac_address;
    int ipv4_prefix = 0, ipv6_prefix = 0;
    std::vector<std::string> aliases, links, dns_names;
    StringMap driver_options;
    std::string wanted_ipv4, wanted_ipv6;  // IPAMConfig
    std::vector<std::string> wanted_link_local;
    int gw_priority = 0;
};

/// A published port as it is now.
struct PublishedPort {
    Port port;
    std::string host_address;
    std::uint16_t host_port = 0;  // 0: exposed only
    bool operator==(const PublishedPort&) const = default;
};

/// A mount as inspect and list show it.
struct MountView {
    std::string type, name, source, destination, driver, mode, propagation;
    bool writable = true;
};

/// Everything `inspect` tells. `spec` has the image's settings merged in (Config), `path`/`args`
/// are what runs.
struct ContainerView {
    std::string id, name;  // name without the slash
    Timestamp created_at{};
    ContainerSpec spec;
    std::string image_id, image_manifest_digest, platform;
    std::string path;
    std::vector<std::string> args;
    State state;
    std::vector<EndpointView> endpoints;
    std::vector<PublishedPort> ports;
    std::vector<MountView> mounts;
    std::string log_path, hosts_path, hostname_path, resolv_conf_path;
    std::string sandbox_id, sandbox_key;
    std::vector<std::string> exec_ids;
    std::int64_t size_rw = -1, size_root = -1;  // -1: not asked for
};

struct ListFilter {
    bool all = false;  // also what is not running
    int limit = 0;     // the newest n, whatever their state; 0: no limit
    bool sizes = false;
};

/// Where an attached stream goes. The stream is a connected socket that the shim takes over, so it
/// survives the engine.
struct AttachOptions {
    bool stdin_ = false, stdout_ = false, stderr_ = false;
    bool logs = false;                     // replay the log first
    bool stream = true;                    // follow what comes
    bool multiplex = false;                // Docker's 8-byte frames; never with a terminal
    std::string detach_keys = "\x10\x11";  // raw bytes, ctrl-p ctrl-q; empty never detaches
    std::string early_input;               // bytes of the client that were read already
};

struct LogOptions {
    bool stdout_ = true, stderr_ = true;
    bool follow = false, timestamps = false, details = false;
    std::int64_t tail = -1;      // -1: all
    Timestamp since{}, until{};  // epoch: no bound
};

struct LogEntry {
    int stream = 1;  // 1 stdout, 2 stderr
    Timestamp time{};
    std::string_view text;     // with its line end, if it had one
    std::string_view details;  // "key=value,..." when asked for
};
/// Returns false to end the reading.
using LogSink = std::function<bool(const LogEntry&)>;

enum class WaitCondition { NotRunning, NextExit, Removed };
struct WaitResult {
    int exit_code = 0;
    std::string error;
};

struct ExecSpec {
    std::vector<std::string> args, env;
    std::string user, working_dir;
    std::string detach_keys;
    bool tty = false, privileged = false;
    bool attach_stdin = false, attach_stdout = false, attach_stderr = false;
    std::pair<int, int> console_size{0, 0};  // rows, columns
};
struct ExecView {
    std::string id, container_id;
    ExecSpec spec;
    bool running = false;
    std::optional<int> exit_code;
    int pid = 0;
};

struct TopResult {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> processes;
};

/// One sample for `stats`; zero where the kernel does not tell. Times in ns.
struct StatsSample {
    Timestamp read{};
    bool running = false;
    std::uint64_t cpu_total = 0, cpu_user = 0, cpu_kernel = 0, system_cpu = 0;
    unsigned online_cpus = 0;
    std::vector<std::uint64_t> per_cpu;
    std::uint64_t throttling_periods = 0, throttled_periods = 0, throttled_time = 0;
    std::uint64_t memory_usage = 0, memory_max_usage = 0, memory_limit = 0, memory_failcnt = 0;
    std::vector<std::pair<std::string, std::uint64_t>> memory_stats;
    std::uint64_t pids_current = 0, pids_limit = 0;
    struct Interface {
        std::string name;
        std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
        std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
    };
    std::vector<Interface> interfaces;
    struct Blkio {
        std::uint64_t major = 0, minor = 0;
        std::string op;  // read write
        std::uint64_t value = 0;
    };
    std::vector<Blkio> blkio_bytes, blkio_operations;
};

enum class ChangeKind { Modified = 0, Added = 1, Deleted = 2 };
struct Change {
    std::string path;
    ChangeKind kind;
};

/// X-Docker-Container-Path-Stat.
struct PathStat {
    std::string name;
    std::int64_t size = 0;
    std::uint32_t go_mode = 0;  // Go's FileMode bits
    Timestamp modified{};
    std::string link_target;
};

struct CopyInOptions {
    bool no_overwrite_dir_non_dir = false;
    bool copy_uid_gid = false;
};

/// A source or sink of tar bytes. A sink returns an error to end the transfer.
using ByteSource = std::function<Result<std::size_t>(std::span<std::byte>)>;  // 0: end
using ByteSink = std::function<Result<>(std::span<const std::byte>)>;

struct CommitOptions {
    std::string reference;  // "" leaves it without a name
    std::string author, comment;
    std::vector<std::string> changes;  // Dockerfile lines, for the record
    /// What those lines make: the JSON of an image configuration's member "config", laid over the
    /// container's own.
    std::string config_json;
    bool pause = true;
};

struct UpdateRequest {
    Resources resources;
    std::optional<RestartPolicy> restart;
};

struct CreateResult {
    std::string id;
    std::vector<std::string> warnings;
};
struct PruneResult {
    std::vector<std::string> ids;
    std::int64_t bytes = 0;
};

/// What the containers of one engine stand on. All must outlive Containers.
struct Services {
    record::Database& database;
    record::EventLog& events;
    image::Store& images;
    snapshot::Driver& snapshots;
    content::Store& content;
    network::Manager& networks;
    volume::Store& volumes;
};

struct Settings {
    std::string root;     // data root
    std::string run;      // run directory
    std::string libexec;  // where berth-shim is
    std::string log_driver = "json-file";
    StringMap log_options;  // defaults max-size=20m max-file=5
    bool host_ca = false;
    bool init = false;
    std::int64_t default_pids_limit = 0;  // 0: none
    std::int64_t default_shm_size = 64 << 20;
    std::string default_userns_mode;  // "host" or "auto"; "" is what each caller prefers
    std::string host_ids =
        "/var/lib/berth-ids";  // where the engines of a host record which ids are whose
    int default_stop_timeout = 10;
    std::vector<Ulimit> default_ulimits;
    std::vector<std::string> dns, dns_options, dns_search;
    std::string cgroup_parent = "berth";
    StringMap proxies;  // environment added at create, HTTP_PROXY and such
};

/// All containers of an engine. Every function may be called from any thread; work on one container
/// is serialised, work on different ones never waits for each other. `key` is a name, a full id or
/// a unique prefix of one; an unknown one gives NotFound "No such container: KEY". Text of errors
/// is Docker's where its clients look at it.
class Containers {
public:
    /// Reads the rows, finds the live shims and takes the exits that happened meanwhile into
    /// account.
    static Result<std::unique_ptr<Containers>> open(const Services& services, Settings settings);
    ~Containers();

    // --- life ------------------------------------------------------------------------------------
    /// `name` may be empty. NotFound "No such image: X" when the image is absent; Conflict when the
    /// name is taken.
    Result<CreateResult> create(const std::string& name, ContainerSpec spec, std::stop_token stop);
    /// Returns false when it ran already (HTTP 304). A start that failed leaves the container
    /// created/exited.
    Result<bool> start(std::string_view key, std::stop_token stop);
    /// false: it was not running. `timeout` in seconds, -1 for ever, nullopt the container's own.
    Result<bool> stop(std::string_view key, std::optional<int> timeout, const std::string& signal,
                      std::stop_token stop);
    Result<> restart(std::string_view key, std::optional<int> timeout, const std::string& signal,
                     std::stop_token stop);
    /// "KILL", "SIGKILL", "9". Conflict when not running.
    Result<> kill(std::string_view key, const std::string& signal);
    Result<> pause(std::string_view key);
    Result<> unpause(std::string_view key);
    /// Conflict when running and not forced.
    struct RemoveOptions {
        bool force = false, volumes = false;
    };
    Result<> remove(std::string_view key, const RemoveOptions& options, std::stop_token stop);
    Result<> rename(std::string_view key, const std::string& name);
    Result<std::vector<std::string>> update(std::string_view key, const UpdateRequest& request);
    /// Calls `waiting` once the wait is registered, so that a client may start the container then.
    Result<WaitResult> wait(std::string_view key, WaitCondition condition,
                            const std::function<void()>& waiting, std::stop_token stop);
    using PruneFilter = std::function<bool(const ContainerView&)>;
    Result<PruneResult> prune(const PruneFilter& filter, std::stop_token stop);
    /// Removes a container that somebody decided on at `since`, when it had this name; returns the
    /// bytes that this gives back. Conflict says what became of it: another name, a start.
    Result<std::int64_t> remove_unchanged(const std::string& id, std::string_view name,
                                          Timestamp since, std::stop_token stop);
    /// All that is on the disk for a container: what it wrote, its logs, its settings.
    Result<std::int64_t> disk_usage(const std::string& id) const;

    // --- looking ---------------------------------------------------------------------------------
    Result<std::string> find_id(std::string_view key) const;
    /// Newest first.
    Result<std::vector<ContainerView>> list(const ListFilter& filter) const;
    Result<ContainerView> inspect(std::string_view key, bool sizes = false) const;
    Result<TopResult> top(std::string_view key, const std::string& ps_arguments) const;
    Result<StatsSample> stats(std::string_view key) const;
    /// Forgets what the container wrote so far. Conflict when its driver keeps no files.
    Result<> clear_logs(std::string_view key);
    Result<> logs(std::string_view key, const LogOptions& options, const LogSink& sink,
                  std::stop_token stop) const;
    Result<std::vector<Change>> changes(std::string_view key) const;
    /// Why the container is as it is, or how it ended.
    Result<Explanation> why(std::string_view key) const;

    // --- streams ---------------------------------------------------------------------------------
    /// Hands `stream` (a connected stream socket) over to the container; works before the start
    /// too. The engine must not use the descriptor afterwards.
    Result<> attach(std::string_view key, const AttachOptions& options, sys::Fd stream);
    Result<> resize(std::string_view key, int rows, int columns);
    Result<std::string> exec_create(std::string_view key, ExecSpec spec);
    /// Starts the exec with its streams on `stream` (nullopt: detached) and returns when the
    /// process runs. Text of a failure is Docker's OCI one. With `done` empty it does not wait for
    /// the end.
    struct ExecStartOptions {
        bool multiplex = false;
        std::string early_input;
        std::pair<int, int> console_size{0, 0};
    };
    Result<> exec_start(const std::string& exec_id, const ExecStartOptions& options,
                        std::optional<sys::Fd> stream);
    Result<> exec_resize(const std::string& exec_id, int rows, int columns);
    Result<ExecView> exec_inspect(const std::string& exec_id) const;

    // --- files -----------------------------------------------------------------------------------
    Result<PathStat> stat_path(std::string_view key, const std::string& path);
    /// The file or tree at `path` as tar whose root is the base name.
    Result<PathStat> copy_out(std::string_view key, const std::string& path,
                              const std::function<Result<>(const PathStat&)>& begin,
                              const ByteSink& sink, std::stop_token stop);
    /// Extracts an uncompressed tar into the directory at `path`.
    Result<> copy_in(std::string_view key, const std::string& path, const CopyInOptions& options,
                     const ByteSource& source, std::stop_token stop);
    Result<> export_tree(std::string_view key, const ByteSink& sink, std::stop_token stop);
    /// Returns the new image's id.
    Result<std::string> commit(std::string_view key, const CommitOptions& options,
                               std::stop_token stop);

    // --- for network connect/disconnect of a running container -----------------------------------
    Result<> connect_network(std::string_view key, const std::string& network,
                             const EndpointSpec& endpoint);
    Result<> disconnect_network(std::string_view key, const std::string& network, bool force);
    /// Ids of containers that use the volume, network or image; for "in use" errors and lists.
    std::vector<std::string> using_volume(std::string_view volume_name) const;
    /// An image is used by what was made of it and by what mounts it.
    std::vector<std::string> using_image(std::string_view image_id) const;

private:
    class Implementation;
    explicit Containers(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace berth::container
