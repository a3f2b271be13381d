#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "build/progress.h"
#include "codec/stream.h"
#include "container/step.h"
#include "image/store.h"
#include "oci/platform.h"
#include "record/schema.h"

namespace berth::record {
class Database;
}
namespace berth::content {
class Store;
}
namespace berth::snapshot {
class Driver;
}
namespace berth::network {
class Manager;
}

// Images from Dockerfiles: the front end (dockerfile/) makes a graph of it, the solver runs what
// the cache lacks.
namespace berth::build {

/// Tables of this module; the engine hands them to record::Database::open().
record::Schema schema();

/// One build, as POST /build and its relatives ask for it.
struct BuildRequest {
    /// The context as a tar of any compression; may be null for an empty context. Read once, to its
    /// end.
    codec::ByteSource* context = nullptr;
    /// Instead of a stream: a directory of this machine.
    std::string context_directory;
    /// The Dockerfile's path in the context.
    std::string dockerfile = "Dockerfile";
    /// The Dockerfile itself, when it is not in the context (`-f -`).
    std::optional<std::string> dockerfile_text;
    /// `remote=`: a git repository, or the URL of a Dockerfile or of a tar that is the context.
    std::string remote;

    std::vector<std::string> tags;  // as users type them; empty makes an image without a name
    std::string target;             // stage; empty is the last
    oci::Platform platform;         // empty: this machine's
    std::vector<std::pair<std::string, std::optional<std::string>>>
        args;  // nullopt: mentioned but unset
    std::vector<std::pair<std::string, std::string>> labels;
    std::map<std::string, std::string> secrets;  // id -> content
    std::map<std::string, std::string>
        ssh_agents;  // id -> path of an agent's socket on this machine
    std::map<std::string, std::string>
        named_contexts;  // --build-context: name -> "docker-image://..." or a stage
    std::vector<std::pair<std::string, std::string>> extra_hosts;
    bool no_cache = false;
    std::vector<std::string> no_cache_filter;  // stages
    bool pull = false;
    bool squash = false;
    bool host_ca = false;  // RUN trusts what the host trusts; nothing of it stays in a layer
    bool oci_media_types = false;
    bool check_only = false;  // parse and plan, build nothing
    container::StepNetwork network = container::StepNetwork::Bridge;
    bool allow_host_network = true;  // RUN --network=host
    bool allow_insecure = false;     // RUN --security=insecure
    std::int64_t shm_size = 0, memory = 0, memory_swap = 0;
    std::string cpuset_cpus;
    std::int64_t cpu_shares = 0, cpu_quota = 0, cpu_period = 0;
    remote::CredentialsProvider credentials;
    ProgressSink progress;
};

struct BuildResult {
    std::optional<image::Image> image;    // absent after check_only
    std::vector<std::string> references;  // familiar names that it has now
    std::vector<std::string> warnings;
    std::string build_id;
    std::string log_path;
};

/// A row of `builder du`.
struct CacheRecord {
    std::string id;
    std::string type;  // "regular", "source.local", "exec.cachemount"
    std::string description;
    std::string parent;
    std::int64_t bytes = 0;
    Timestamp created{}, last_used{};
    std::int64_t usage_count = 0;
    bool in_use = false, shared = false;  // shared: some of it has another holder, too
    std::int64_t own_bytes = 0;           // what goes with this record alone
    std::optional<image::Layer> layer;    // what it keeps
};

struct CachePrune {
    bool all = false;  // also records that are not dangling; false is the same here, as the cache
                       // knows no names
    std::optional<Timestamp> until;
    std::int64_t keep_bytes = 0;
    std::vector<std::string> ids, types;
};
struct CachePruned {
    std::vector<std::string> ids;
    std::int64_t bytes = 0;
};
/// The log of a build that ended.
struct EndedLog {
    std::string id;  // of the build
    std::int64_t bytes = 0;
};
struct RecordsRemoved {
    struct Left {
        std::string id, why;
    };
    std::vector<Left> left;
    std::int64_t mount_bytes = 0;  // of cache mounts; layers go with the next collection
};
/// What a prune would take of the builder's.
struct CacheSelection {
    std::vector<CacheRecord> records;
    std::vector<EndedLog> logs;
};

struct Services {
    std::string root;     // data root
    std::string run_dir;  // exec root
    record::Database& database;
    content::Store& content;
    snapshot::Driver& snapshots;
    image::Store& images;
    network::Manager* networks = nullptr;  // null: RUN has no network
};

/// Builds images. Thread-safe: builds at the same time share their cache, and a step that two of
/// them need runs once.
class Builder {
public:
    /// Sweeps what a crash left below <root>/tmp and <root>/builds.
    static Result<std::unique_ptr<Builder>> open(const Services& services);
    ~Builder();

    /// Blocks until the image is stored and tagged. Errors carry the text for the user: place in
    /// the Dockerfile with the line and a caret, the step's last output, and where the whole log
    /// is. InvalidArgument for a broken Dockerfile.
    Result<BuildResult> build(const BuildRequest& request, std::stop_token stop);
    Result<std::vector<CacheRecord>> cache_records() const;
    Result<CachePruned> prune(const CachePrune& filter);
    /// What prune() would take now.
    Result<CacheSelection> select(const CachePrune& filter) const;
    /// The logs of builds that ended before then; of all without a time.
    Result<std::vector<EndedLog>> ended_logs(const std::optional<Timestamp>& until) const;
    /// Removes records and cache mounts that were not used since then.
    Result<RecordsRemoved> remove_records(const std::set<std::string>& ids, Timestamp since);
    /// Removes the log of a build that ended; returns its bytes. NotFound without it.
    Result<std::int64_t> remove_log(const std::string& id);
    /// What the cache keeps alive; give it to image::Store::add_root_provider.
    void add_roots(image::Roots& roots) const;

private:
    class Implementation;
    explicit Builder(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace berth::build
