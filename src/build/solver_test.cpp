#include "build/solver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>

#include "codec/sha256.h"
#include "record/database.h"

namespace berth::build {
namespace {

class NoFiles final : public LocalTree {
public:
    Result<sys::Fd> open(std::stop_token) override {
        return fail(ErrorCode::NotFound, "there are none");
    }
};

/// Gives every execution a layer whose digest depends on what ran on what; remembers what was
/// executed.
class MemoryExecutor final : public Executor {
public:
    Result<Tree> load(const Vertex& source, std::stop_token) override {
        Tree tree;
        if (std::holds_alternative<ImageSource>(source.op)) tree.layers = {layer_of("image")};
        if (std::holds_alternative<ContextSource>(source.op))
            tree.local = std::make_shared<NoFiles>();
        return tree;
    }
    Result<std::string> digest(const Tree& tree, const Selection& selection,
                               std::stop_token) override {
        ++digests;
        return concat(files, tree.layers.empty() ? "" : tree.layers.back().diff_id.to_string(),
                      selection.to_text());
    }
    Result<Tree> execute(const Vertex& vertex, const std::vector<Tree>& inputs,
                         std::stop_token stop) override {
        const std::string what = name_of(vertex);
        {
            const std::lock_guard lock(mutex_);
            executed.push_back(what);
        }
        if (on_execute) TRY(on_execute(what, stop));
        Tree tree = inputs[0];
        std::string below;
        for (const auto& input : inputs) below += input.identity();
        tree.added = layer_of(what + (reproducible.contains(what) ? "" : below));
        tree.layers.push_back(*tree.added);
        tree.created.reset();
        return tree;
    }
    static image::Layer layer_of(const std::string& text) {
        image::Layer layer;
        layer.diff_id = oci::Digest::of(text);
        layer.blob.digest = oci::Digest::of("blob " + text);
        layer.blob.size = 1;
        return layer;
    }
    static std::string name_of(const Vertex& vertex) {
        if (const auto* exec = std::get_if<ExecOp>(&vertex.op)) return exec->args.front();
        return "copy";
    }
    std::vector<std::string> take() {
        std::ranges::sort(executed);
        return std::exchange(executed, {});
    }

    std::string files = "v1";
    std::set<std::string> reproducible;  // whose results do not depend on their inputs
    std::function<Result<>(const std::string&, std::stop_token)> on_execute;
    std::vector<std::string> executed;
    std::atomic<int> digests{0};

private:
    std::mutex mutex_;
};

class SolverTest : public testing::Test {
protected:
    void SetUp() override {
        const std::vector<record::Schema> schemas{schema()};
        auto opened = record::Database::open_in_memory(schemas);
        ASSERT_TRUE(opened);
        database_ = std::move(*opened);
        cache_.emplace(*database_, [this](const image::Layer& layer) {
            return !gone_.contains(layer.diff_id.to_string());
        });
        base_ = graph_.add({.op = ImageSource{"base", {}, oci::Digest::of("base")}, .inputs = {}});
    }

    VertexId exec(const std::string& name, VertexId root, bool ignore_cache = false) {
        ExecOp op;
        op.args = {name};
        return graph_.add({.op = op, .inputs = {root}, .ignore_cache = ignore_cache});
    }
    VertexId copy(VertexId root, VertexId from) {
        CopyAction action{.sources = {"/a"}, .destination = "/"};
        return graph_.add({.op = FileOp{.actions = {action}}, .inputs = {root, from}});
    }
    Result<Tree> solve(VertexId root, std::stop_token stop = {}) {
        const auto ignore = [](const auto&...) {};
        Solver solver(graph_, executor_, *cache_, clock_,
                      {.started = ignore,
                       .cached = [this](const Vertex&, const Tree&) { ++cached_; },
                       .finished = ignore,
                       .failed =
                           [this](const Vertex& vertex, const Error&) {
                               const std::lock_guard lock(mutex_);
                               failed_.push_back(MemoryExecutor::name_of(vertex));
                           }});
        auto tree = solver.solve(root, stop);
        failed_vertex_ = solver.failed_vertex();
        return tree;
    }

    Graph graph_;
    VertexId base_ = 0;
    MemoryExecutor executor_;
    std::unique_ptr<record::Database> database_;
    std::optional<Cache> cache_;
    SystemClock clock_;
    std::set<std::string> gone_;
    std::mutex mutex_;
    std::vector<std::string> failed_;
    std::optional<VertexId> failed_vertex_;
    std::atomic<int> cached_{0};
};

using Names = std::vector<std::string>;

TEST_F(SolverTest, RunsOnceAndThenFindsEverythingInTheCache) {
    const VertexId top = exec("two", exec("one", base_));
    const auto first = solve(top);
    ASSERT_TRUE(first);
    EXPECT_EQ(executor_.take(), (Names{"one", "two"}));
    EXPECT_EQ(first->layers.size(), 3u);
    const auto second = solve(top);
    ASSERT_TRUE(second);
    EXPECT_EQ(executor_.take(), Names{});
    EXPECT_EQ(second->layers, first->layers);
    EXPECT_EQ(cached_, 2);
}

TEST_F(SolverTest, LeavesWhatTheTargetDoesNotNeed) {
    const VertexId one = exec("one", base_);
    exec("unneeded", one);
    ASSERT_TRUE(solve(one));
    EXPECT_EQ(executor_.take(), (Names{"one"}));
}

TEST_F(SolverTest, RunsEqualVerticesOnce) {
    const VertexId a = exec("same", base_);
    const VertexId b = exec("same", base_);
    EXPECT_EQ(a, b);
    ASSERT_TRUE(solve(copy(copy(base_, a), b)));
    EXPECT_EQ(std::ranges::count(executor_.take(), "same"), 1);
}

TEST_F(SolverTest, CopiesAgainOnlyWhenTheFilesDiffer) {
    const VertexId context = graph_.add({.op = ContextSource{}, .inputs = {}});
    const VertexId top = exec("after", copy(base_, context));
    ASSERT_TRUE(solve(top));
    EXPECT_EQ(executor_.take(), (Names{"after", "copy"}));
    ASSERT_TRUE(solve(top));
    EXPECT_EQ(executor_.take(), Names{});
    executor_.files = "v2";
    ASSERT_TRUE(solve(top));
    EXPECT_EQ(executor_.take(), (Names{"copy"}))
        << "the copy gave the same layer, so what follows is still right";
}

TEST_F(SolverTest, AStageThatComesOutTheSameInvalidatesNothing) {
    executor_.reproducible = {"stage"};
    ASSERT_TRUE(solve(copy(base_, exec("stage", base_, true))));
    EXPECT_EQ(executor_.take(), (Names{"copy", "stage"}));
    ASSERT_TRUE(solve(copy(base_, exec("stage", base_, true))));
    EXPECT_EQ(executor_.take(), (Names{"stage"}));
}

TEST_F(SolverTest, ForgetsARecordWhoseLayerIsGone) {
    const VertexId one = exec("one", base_);
    const auto tree = solve(one);
    ASSERT_TRUE(tree);
    executor_.take();
    gone_.insert(tree->added->diff_id.to_string());
    ASSERT_TRUE(solve(one));
    EXPECT_EQ(executor_.take(), (Names{"one"}));
}

TEST_F(SolverTest, RemembersDigestsOfLayers) {
    const VertexId top = copy(base_, exec("stage", base_));
    ASSERT_TRUE(solve(top));
    ASSERT_TRUE(solve(top));
    EXPECT_EQ(executor_.digests, 1);
}

// Both must be running at the same time for either to finish.
TEST_F(SolverTest, RunsIndependentBranchesTogether) {
    std::latch both(2);
    executor_.on_execute = [&](const std::string& name, std::stop_token) -> Result<> {
        if (name == "left" || name == "right") both.arrive_and_wait();
        return {};
    };
    ASSERT_TRUE(solve(copy(exec("left", base_), exec("right", base_))));
    EXPECT_EQ(executor_.take(), (Names{"copy", "left", "right"}));
}

TEST_F(SolverTest, OneFailureStopsTheOthersAndIsTheOneReported) {
    executor_.on_execute = [&](const std::string& name, std::stop_token stop) -> Result<> {
        if (name == "bad") return fail(ErrorCode::Conflict, "exit code: 1");
        if (name != "slow") return {};
        // Would wait for ever without the stop.
        std::mutex mutex;
        std::condition_variable_any changed;
        std::unique_lock lock(mutex);
        changed.wait(lock, stop, [] { return false; });
        return fail(ErrorCode::Cancelled, "cancelled");
    };
    const VertexId bad = exec("bad", base_);
    const auto tree = solve(copy(exec("slow", base_), bad));
    ASSERT_TRUE(tree.is_error());
    EXPECT_TRUE(tree.error().is(ErrorCode::Conflict));
    EXPECT_EQ(failed_vertex_, bad);
    executor_.on_execute = nullptr;
    executor_.take();
    ASSERT_TRUE(solve(bad)) << "a failure is not cached";
}

TEST_F(SolverTest, StopsWhenAskedTo) {
    std::stop_source stop;
    executor_.on_execute = [&](const std::string&, std::stop_token) -> Result<> {
        stop.request_stop();
        return {};
    };
    const auto tree = solve(exec("two", exec("one", base_)), stop.get_token());
    ASSERT_TRUE(tree.is_error());
    EXPECT_TRUE(tree.error().is(ErrorCode::Cancelled));
    EXPECT_EQ(executor_.take(), (Names{"one"}));
}

TEST_F(SolverTest, TwoBuildsShareAStepThatBothNeed) {
    std::latch started(1);
    executor_.on_execute = [&](const std::string&, std::stop_token) -> Result<> {
        started.wait();
        return {};
    };
    const VertexId one = exec("one", base_);
    std::atomic<int> good{0};
    {
        std::vector<std::jthread> builds;
        for (int i = 0; i < 4; ++i)
            builds.emplace_back([&] { good += static_cast<bool>(solve(one)); });
        started.count_down();
    }
    EXPECT_EQ(good, 4);
    EXPECT_EQ(executor_.take(), (Names{"one"}));
}

}  // namespace
}  // namespace berth::build
