#include "build/solver.h"

#include <thread>

#include "codec/sha256.h"

namespace berth::build {
namespace {

bool is_source(const Op& op) {
    return !std::holds_alternative<ExecOp>(op) && !std::holds_alternative<FileOp>(op);
}

std::string describe(const Op& op) {
    if (const auto* exec = std::get_if<ExecOp>(&op)) return join(exec->args, " ").substr(0, 500);
    return definition_of(op).substr(0, 500);
}

}  // namespace

std::string Tree::identity() const {
    std::string text;
    for (const auto& layer : layers) text += layer.diff_id.to_string() + "\n";
    return codec::sha256_hex(as_bytes(text));
}

Result<Tree> Solver::solve(VertexId root, std::stop_token stop) {
    const std::stop_callback forward(stop, [&] { stop_.request_stop(); });
    Outcome outcome = get(root);
    if (outcome.tree) return std::move(*outcome.tree);
    const std::lock_guard lock(mutex_);
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "build was cancelled");
    if (error_) return error_->clone();
    return fail(ErrorCode::Cancelled, "build was cancelled");
}

const Tree* Solver::result(VertexId id) const {
    const auto found = results_.find(id);
    return found == results_.end() ? nullptr : &found->second;
}

Solver::Outcome Solver::get(VertexId id) {
    std::promise<Outcome> promise;
    Pending other;
    {
        const std::lock_guard lock(mutex_);
        const auto found = pending_.find(id);
        if (found != pending_.end()) {
            other = found->second;
        } else {
            pending_.emplace(id, promise.get_future().share());
        }
    }
    // Whoever came first works in its own thread; the graph has no cycles, so waiting ends.
    if (other.valid()) return other.get();
    Outcome outcome = run(id);
    promise.set_value(outcome);
    return outcome;
}

Solver::Outcome Solver::run(VertexId id) {
    const Vertex& vertex = graph_.at(id);
    std::vector<Outcome> outcomes(vertex.inputs.size());
    {
        std::vector<std::jthread> helpers;
        for (std::size_t i = 1; i < vertex.inputs.size(); ++i)
            helpers.emplace_back([&, i] { outcomes[i] = get(vertex.inputs[i]); });
        if (!outcomes.empty()) outcomes[0] = get(vertex.inputs[0]);
    }
    std::vector<Tree> inputs;
    for (auto& outcome : outcomes) {
        if (!outcome.tree) return {};
        inputs.push_back(std::move(*outcome.tree));
    }
    if (stop_.stop_requested()) return {};
    auto tree = solve_vertex(vertex, inputs);
    if (tree.is_error()) {
        note_failure(id, std::move(tree).error());
        return {};
    }
    const std::lock_guard lock(mutex_);
    results_[id] = *tree;
    return {std::move(*tree)};
}

Result<Tree> Solver::solve_vertex(const Vertex& vertex, const std::vector<Tree>& inputs) {
    const auto stop = stop_.get_token();
    const auto began = clock_.steady_now();
    const auto seconds = [&] {
        return std::chrono::duration<double>(clock_.steady_now() - began).count();
    };
    if (is_source(vertex.op)) {
        observer_.started(vertex);
        Tree tree = TRY(executor_.load(vertex, stop));
        observer_.finished(vertex, tree, seconds());
        return tree;
    }
    const std::string key = TRY(key_of(vertex, inputs));
    if (!vertex.ignore_cache) {
        auto found = TRY(find(vertex, key, &inputs[0]));
        if (found) return std::move(*found);
    }
    const auto turn = TRY(cache_.take_turn(key, stop));
    // Another build may have done it while this one waited.
    if (!vertex.ignore_cache) {
        auto found = TRY(find(vertex, key, &inputs[0]));
        if (found) return std::move(*found);
    }
    observer_.started(vertex);
    Tree tree = TRY(executor_.execute(vertex, inputs, stop));
    if (!tree.created) tree.created = clock_.now();
    TRY(cache_.store({.key = key,
                      .parent = inputs[0].identity(),
                      .type = "regular",
                      .description = describe(vertex.op),
                      .added = tree.added,
                      .bytes = tree.added ? tree.added->blob.size : 0,
                      .created = *tree.created}));
    note_key(key);
    observer_.finished(vertex, tree, seconds());
    return tree;
}

Result<std::optional<Tree>> Solver::find(const Vertex& vertex, const std::string& key,
                                         const Tree* root) {
    auto found = TRY(cache_.find(key));
    if (!found) return std::optional<Tree>();
    Tree tree = *root;
    tree.added = found->added;
    tree.created = found->created;
    if (tree.added) tree.layers.push_back(*tree.added);
    note_key(key);
    observer_.cached(vertex, tree);
    return std::optional<Tree>(std::move(tree));
}

Result<std::string> Solver::key_of(const Vertex& vertex, const std::vector<Tree>& inputs) {
    std::string text = concat("v1\n", definition_of(vertex.op), "\n", inputs[0].identity(), "\n");
    if (const auto* exec = std::get_if<ExecOp>(&vertex.op)) {
        for (const auto& mount : exec->mounts) {
            // A cache's content never counts, nor what it began with.
            if (mount.kind != ExecMountKind::Bind || mount.input == 0) continue;
            const std::string content = TRY(
                digest(inputs[mount.input], Selection{.sources = {mount.source}, .excludes = {}}));
            text += content + "\n";
        }
    }
    if (const auto* file = std::get_if<FileOp>(&vertex.op)) {
        for (const auto& action : file->actions) {
            const auto* copy = std::get_if<CopyAction>(&action);
            if (!copy) continue;
            const std::string content =
                TRY(digest(inputs[copy->input], Selection{.sources = copy->sources,
                                                          .excludes = copy->excludes,
                                                          .parents = copy->parents}));
            text += content + "\n";
        }
    }
    return codec::sha256_hex(as_bytes(text));
}

Result<std::string> Solver::digest(const Tree& tree, const Selection& selection) {
    if (tree.local) return executor_.digest(tree, selection, stop_.get_token());
    const std::string identity = tree.identity();
    const std::string text = selection.to_text();
    const auto known = TRY(cache_.find_digest(identity, text));
    if (known) return *known;
    std::string found = TRY(executor_.digest(tree, selection, stop_.get_token()));
    TRY(cache_.store_digest(identity, text, found));
    return found;
}

void Solver::note_failure(VertexId id, Error error) {
    // What was stopped because something else failed is not what went wrong.
    const bool is_first = [&] {
        const std::lock_guard lock(mutex_);
        if (error_ || (stop_.stop_requested() && error.is(ErrorCode::Cancelled))) return false;
        failed_ = id;
        error_ = error.clone();
        return true;
    }();
    observer_.failed(graph_.at(id), error);
    if (is_first) stop_.request_stop();
}

void Solver::note_key(const std::string& key) {
    const std::lock_guard lock(mutex_);
    used_keys_.insert(key);
}

}  // namespace berth::build
