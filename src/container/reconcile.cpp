#include <signal.h>

#include <algorithm>

#include "base/log.h"
#include "container/implementation_internal.h"
#include "network/manager.h"
#include "shim/exit_file.h"
#include "shim/run_directory.h"
#include "sys/file.h"
#include "volume/store.h"

// After the engine was away: rows, shims and directories are compared with each other, and what
// happened meanwhile is taken into account.
namespace berth::container {

Health health_of(const shim::Health& from);

namespace {

// Docker's rule when the engine starts: whatever should run and was not stopped by hand.
bool wants_start(const ContainerSpec& spec, const State& state) {
    if (state.status != Status::Exited) return false;
    switch (spec.host.restart.mode) {
        case RestartMode::No: return false;
        case RestartMode::Always: return true;
        case RestartMode::UnlessStopped: return !state.manually_stopped;
        case RestartMode::Unhealthy:
        case RestartMode::OnFailure: return state.exit_code != 0 && !state.manually_stopped;
    }
    return false;
}

void report(const char* module, const Result<std::vector<std::string>>& repairs) {
    if (!repairs)
        return log.warn("reconciling failed, continuing",
                        {{"module", module}, {"error", repairs.error().message()}});
    for (const std::string& line : *repairs)
        log.info("repaired after a restart", {{"module", module}, {"what", line}});
}

}  // namespace

Result<> Containers::Implementation::reconcile() {
    TRY(load_rows());
    complete_removals();
    std::vector<ContainerPtr> containers = all();
    for (const ContainerPtr& container : containers) adopt(container);
    sweep_directories();
    std::vector<std::string> ids, live;
    for (const ContainerPtr& container : containers) {
        ids.push_back(container->id);
        if (is_alive(container->state().status)) live.push_back(container->id);
    }
    report("volume", services_.volumes.reconcile(ids));
    report("network", services_.networks.reconcile(live));
    for (const ContainerPtr& container : containers) {
        if (is_alive(container->state().status)) push_names(*container);
    }
    policy_thread_ = std::jthread([this] { start_by_policy(); });
    return {};
}

// A removal moves the directory to the trash before it deletes the row: one that was cut off in
// between goes on.
void Containers::Implementation::complete_removals() {
    for (const ContainerPtr& container : all()) {
        if (sys::exists(container->directory) || !sys::exists(grave_of(*container))) continue;
        const std::lock_guard operation(container->operation);
        auto removed = remove_locked(container, container->spec()->host.auto_remove);
        if (!removed)
            log.warn("a removal that was cut off cannot be completed",
                     {{"id", container->id}, {"error", removed.error().message()}});
    }
}

// Finds the container's shim, or else what the shim left on disk.
void Containers::Implementation::adopt(const ContainerPtr& container) {
    const State stored = container->state();
    const auto client = hub_->connect(container->id, container->run_directory);
    if (client) {
        auto told = (*client)->call<shim::State>(shim::Query{});
        const bool runs =
            told && (told->phase == shim::Phase::Running || told->phase == shim::Phase::Paused ||
                     told->phase == shim::Phase::Waiting);
        if (runs) {
            auto live = container->live.lock();
            live->shim = *client;
            State& state = live->state;
            state.status = told->phase == shim::Phase::Paused    ? Status::Paused
                           : told->phase == shim::Phase::Waiting ? Status::Restarting
                                                                 : Status::Running;
            state.pid = told->pid;
            state.started_at = timestamp_of(told->started_at);
            state.restart_count = told->restart_count;
            state.manually_stopped = told->manually_stopped;
            state.health = health_of(told->health);
            if (told->phase == shim::Phase::Waiting) state.exit_code = told->last_exit.code;
            auto execs = execs_.lock();
            for (const shim::ExecState& exec : told->execs) {
                ExecRecord record;
                record.view = {.id = exec.exec_id,
                               .container_id = container->id,
                               .running = true,
                               .pid = exec.pid};
                execs->emplace(exec.exec_id, std::move(record));
            }
            return;
        }
        (*client)->ask(shim::Quit{}).ignore("it leaves by itself");
    }
    if (!is_alive(stored.status)) return;
    const std::int64_t now = clock_.now().time_since_epoch().count();
    shim::Exited exited{.code = 255,
                        .started_at = stored.started_at.time_since_epoch().count(),
                        .finished_at = now,
                        .restart_count = stored.restart_count};
    if (const auto left = shim::read_exit_file(container->directory)) {
        exited = *left;
    } else {
        end_cgroup(*container);  // the shim was killed
    }
    executor_.post(container->id, [this, container, exited] { on_exited(container, exited); });
}

void Containers::Implementation::sweep_directories() {
    const auto sweep = [&](const std::string& directory, bool in_trash) {
        const auto entries = sys::list_dir(directory);
        if (!entries) return;
        for (const sys::DirEntry& entry : *entries) {
            const std::string path = concat(directory, "/", entry.name);
            if (!in_trash && index_.lock()->by_id.contains(entry.name)) continue;
            if (in_trash && !entry.name.starts_with("container-")) continue;
            executor_.post("trash", [path] {
                sys::remove_tree(path).ignore("tried again at the next start");
            });
        }
    };
    sweep(settings_.root + "/containers", false);
    sweep(settings_.root + "/trash", true);
    // A shim of a container without a row belongs to a create or remove that was cut off: it goes
    // with its container.
    const auto shims = sys::list_dir(settings_.run + "/shims");
    if (!shims) return;
    for (const sys::DirEntry& entry : *shims) {
        if (index_.lock()->by_id.contains(entry.name)) continue;
        const std::string path = concat(settings_.run, "/shims/", entry.name);
        if (const auto client = hub_->connect(entry.name, path)) {
            (*client)
                ->ask(shim::Signal{.signal = SIGKILL, .manual_stop = true})
                .ignore("it does not run");
            (*client)->ask(shim::Quit{}).ignore("it leaves when its container has ended");
        }
        shim::remove_run_directory(path).ignore("tried again at the next start");
    }
}

void Containers::Implementation::start_by_policy() {
    executor_.drain();  // exits that happened meanwhile come first
    for (const ContainerPtr& container : all()) {
        if (!wants_start(*container->spec(), container->state())) continue;
        if (auto started = start(*container, {}); !started) {
            log.warn("container not started again, continuing",
                     {{"id", container->id}, {"error", started.error().message()}});
        }
    }
}

}  // namespace berth::container
