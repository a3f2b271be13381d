#pragma once
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "build/cache.h"
#include "build/executor.h"
#include "build/graph.h"

namespace berth::build {

/// What the solver tells while it works; called from several threads.
struct SolverObserver {
    std::function<void(const Vertex&)> started;
    std::function<void(const Vertex&, const Tree&)> cached;
    std::function<void(const Vertex&, const Tree&, double seconds)> finished;
    std::function<void(const Vertex&, const Error&)> failed;
};

/// Finds the result of one vertex of a graph: from the cache where inputs, command and files are
/// what they were, else by running it. Inputs that do not depend on each other are solved at the
/// same time; nothing is solved that is not needed. Knows nothing of Dockerfiles.
///
/// A key is the hash of the operation and of what its inputs contain: the root's layers, and of
/// other inputs only the files that the operation can see. So a stage that was built anew and came
/// out the same invalidates nothing.
class Solver {
public:
    Solver(const Graph& graph, Executor& executor, Cache& cache, const Clock& clock,
           SolverObserver observer)
        : graph_(graph),
          executor_(executor),
          cache_(cache),
          clock_(clock),
          observer_(std::move(observer)) {}

    /// The first failure stops everything else that runs.
    Result<Tree> solve(VertexId root, std::stop_token stop);

    /// After solve(): the result of a vertex that was needed.
    const Tree* result(VertexId id) const;
    /// After a failure: which vertex it was.
    std::optional<VertexId> failed_vertex() const { return failed_; }
    const std::set<std::string>& used_keys() const { return used_keys_; }

private:
    struct Outcome {
        std::optional<Tree> tree;  // absent: failed or cancelled
    };
    using Pending = std::shared_future<Outcome>;

    Outcome get(VertexId id);
    Outcome run(VertexId id);
    Result<Tree> solve_vertex(const Vertex& vertex, const std::vector<Tree>& inputs);
    Result<std::string> key_of(const Vertex& vertex, const std::vector<Tree>& inputs);
    Result<std::optional<Tree>> find(const Vertex& vertex, const std::string& key,
                                     const Tree* root);
    Result<std::string> digest(const Tree& tree, const Selection& selection);
    void note_failure(VertexId id, Error error);
    void note_key(const std::string& key);

    const Graph& graph_;
    Executor& executor_;
    Cache& cache_;
    const Clock& clock_;
    SolverObserver observer_;
    std::stop_source stop_;
    std::mutex mutex_;  // protects everything below
    std::map<VertexId, Pending> pending_;
    std::map<VertexId, Tree> results_;
    std::set<std::string> used_keys_;
    std::optional<VertexId> failed_;
    std::optional<Error> error_;
};

}  // namespace berth::build
