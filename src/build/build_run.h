#pragma once
#include <map>
#include <mutex>
#include <semaphore>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"
#include "build/build_log.h"
#include "build/builder.h"
#include "build/cache.h"
#include "build/context.h"
#include "build/dockerfile/compile.h"
#include "build/ops/cache_mounts.h"
#include "build/solver.h"
#include "content/store.h"
#include "http/transfer.h"
#include "oci/reference.h"
#include "snapshot/driver.h"

namespace berth::build {

/// Layers that running builds need although no image or cache record may name them (any more):
/// garbage collection asks.
using LayersInUse = Guarded<std::multiset<oci::Digest>>;

/// What all builds of an engine share.
struct Shared {
    Services services;
    Cache& cache;
    CacheMounts& cache_mounts;
    http::Transfers& transfers;
    std::counting_semaphore<>& slots;
    const Clock& clock;
    LayersInUse& layers_in_use;
    std::string temp_root;  // <root>/tmp
    std::string logs;       // <root>/builds
};

/// One build from the request to the image. Used once.
class BuildRun {
public:
    static Result<BuildResult> perform(Shared shared, const BuildRequest& request,
                                       std::stop_token stop);
    ~BuildRun();
    BuildRun(const BuildRun&) = delete;

private:
    BuildRun(Shared shared, const BuildRequest& request, std::string id, BuildLog log,
             std::stop_token stop)
        : shared_(shared),
          request_(request),
          id_(std::move(id)),
          log_(std::move(log)),
          stop_(std::move(stop)) {}

    Result<BuildResult> run();
    Result<std::vector<oci::Reference>> parse_tags() const;
    Result<dockerfile::Plan> make_plan(const dockerfile::Dockerfile& file,
                                       const dockerfile::Source& source);
    Result<dockerfile::ResolvedImage> resolve(const std::string& name,
                                              const oci::Platform& platform);
    Error explain(const dockerfile::Plan& plan, const dockerfile::Source& source,
                  const Vertex& vertex, const Error& error);
    Result<image::Image> commit(const dockerfile::Plan& plan, const Solver& solver,
                                const Tree& tree, const std::vector<oci::Reference>& tags);

    void keep_layer(const oci::Digest& diff_id);
    std::optional<image::Image> find_existing(const std::string& config_json,
                                              const std::vector<oci::Reference>& tags);

    void send(Progress event);
    void send_to_aliases(const dockerfile::Plan& plan, const Progress& event);
    void announce(const dockerfile::Plan& plan);
    void finish_unseen(const dockerfile::Plan& plan);
    SolverObserver observer(const dockerfile::Plan& plan);

    Shared shared_;
    const BuildRequest& request_;
    std::string id_;
    BuildLog log_;
    std::stop_token stop_;
    std::map<std::string, image::Image> images_;     // by manifest digest
    Guarded<std::vector<oci::Digest>> kept_layers_;  // our share of shared_.layers_in_use
    std::mutex mutex_;                               // one event at a time
    std::set<std::size_t> seen_;
    std::map<std::size_t, FailedCommand> failed_commands_;  // by step
};

}  // namespace berth::build
