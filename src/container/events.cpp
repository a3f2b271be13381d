#include "base/log.h"
#include "container/implementation_internal.h"
#include "container/why.h"
#include "network/manager.h"
#include "shim/exit_file.h"
#include "sys/cgroup.h"
#include "sys/signal.h"

// What shims tell becomes state, rows and events. The hub's thread only hands messages on: each
// container's are taken in their order by the executor.
namespace berth::container {
namespace {

std::string_view health_text(shim::HealthStatus status) {
    switch (status) {
        case shim::HealthStatus::None: return "";
        case shim::HealthStatus::Starting: return "starting";
        case shim::HealthStatus::Healthy: return "healthy";
        case shim::HealthStatus::Unhealthy: return "unhealthy";
    }
    return "";
}

template <typename T, typename Act>
void with(std::string_view body, Act act) {
    if (auto message = shim::decode<T>(body))
        act(*message);
    else
        log.warn("a shim sent a damaged message, continuing");
}

}  // namespace

Health health_of(const shim::Health& from) {
    Health out{.status = std::string(health_text(from.status)),
               .failing_streak = from.failing_streak,
               .log = {}};
    for (const shim::HealthResult& result : from.log) {
        out.log.push_back({timestamp_of(result.start), timestamp_of(result.end), result.exit_code,
                           result.output});
    }
    return out;
}

void Containers::Implementation::emit(Container& container, const std::string& action,
                                      std::vector<std::pair<std::string, std::string>> extra) {
    record::Event event{
        .type = "container", .action = action, .actor_id = container.id, .attributes = {}};
    {
        auto live = container.live.lock();
        for (const auto& [key, value] : live->spec->labels)
            event.attributes.emplace_back(key, value);
        event.attributes.emplace_back("image", live->spec->image);
        event.attributes.emplace_back("name", live->name);
    }
    for (auto& attribute : extra) event.attributes.push_back(std::move(attribute));
    services_.events.append(std::move(event));
}

void Containers::Implementation::on_shim_message(const std::string& id,
                                                 const shim::Message* message) {
    const auto found = find(id);
    if (!found) return;
    const ContainerPtr container = *found;
    if (message == nullptr) {
        executor_.post(id, [this, container] { on_shim_gone(container); });
        return;
    }
    const auto type = static_cast<shim::MessageType>(message->header.type);
    if (type == shim::MessageType::ExecExited) {
        // At once: exec_inspect() relies on what came before an answer having been taken.
        return with<shim::ExecExited>(
            message->body, [&](const shim::ExecExited& m) { on_exec_exited(container, m); });
    }
    executor_.post(id, [this, container, type, body = message->body] {
        switch (type) {
            case shim::MessageType::Exited:
                return with<shim::Exited>(body,
                                          [&](const shim::Exited& m) { on_exited(container, m); });
            case shim::MessageType::Restarting:
                return with<shim::Restarting>(
                    body, [&](const shim::Restarting& m) { on_restarting(container, m); });
            case shim::MessageType::Health:
                return with<shim::Health>(body,
                                          [&](const shim::Health& m) { on_health(container, m); });
            case shim::MessageType::Oom: return emit(*container, "oom");
            case shim::MessageType::Detached:
                return with<shim::Detached>(body, [&](const shim::Detached& m) {
                    if (m.exec_id.empty())
                        emit(*container, "detach");
                    else
                        emit(*container, "exec_detach", {{"execID", m.exec_id}});
                });
            default: return;
        }
    });
}

void Containers::Implementation::on_exited(const ContainerPtr& container,
                                           const shim::Exited& exited) {
    {
        // A start that is being finished comes first, in events and in rows.
        const std::lock_guard barrier(container->operation);
    }
    {
        auto live = container->live.lock();
        State& state = live->state;
        state.pid = 0;
        state.exit_code = exited.code;
        state.oom_killed = exited.oom_killed;
        state.started_at = timestamp_of(exited.started_at);
        state.finished_at = timestamp_of(exited.finished_at);
        state.restart_count = exited.restart_count;
        state.manually_stopped = exited.manually_stopped;
        state.error = exited.error;
        state.status = exited.restarts ? Status::Restarting : Status::Exited;
        if (!exited.restarts) live->shim.reset();
    }
    if (exited.oom_killed) emit(*container, "oom");
    const auto ran_for = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::nanoseconds(exited.finished_at - exited.started_at));
    emit(*container, "die",
         {{"exitCode", std::to_string(exited.code)},
          {"execDuration", std::to_string(ran_for.count())}});
    if (exited.restarts) {
        container->live.notify_all();
        save_state(*container).ignore("the shim's exit file has it as well");
        return;
    }
    finish_exit(container, exited);
}

// The container has ended for good: its network goes, its state is kept, its waiters are told.
void Containers::Implementation::finish_exit(const ContainerPtr& container,
                                             const shim::Exited& exited) {
    if (auto released = services_.networks.release(container->id); !released) {
        log.warn("network of an ended container not released, continuing",
                 {{"id", container->id}, {"error", released.error().message()}});
    }
    {
        // Its other processes have ended with it.
        auto execs = execs_.lock();
        for (auto& [id, record] : *execs) {
            if (record.view.container_id != container->id || !record.view.running) continue;
            record.view.running = false;
            record.view.exit_code = 137;
            record.ended = clock_.now();
        }
    }
    unmount_private(*container);
    const bool removes = container->spec()->host.auto_remove;
    if (!removes) save_state(*container).ignore("the shim's exit file has it as well");
    {
        auto live = container->live.lock();
        ++live->exits;
    }
    container->live.notify_all();
    if (exited.manually_stopped) emit(*container, "stop");
    if (!removes) return;
    if (auto removed = remove(container, {.force = true, .volumes = true}, {});
        !removed && !removed.error().is(ErrorCode::NotFound)) {
        log.warn("container not removed after its end",
                 {{"id", container->id}, {"error", removed.error().message()}});
    }
}

void Containers::Implementation::on_restarting(const ContainerPtr& container,
                                               const shim::Restarting& restarting) {
    {
        auto live = container->live.lock();
        live->state.status = Status::Running;
        live->state.pid = restarting.pid;
        live->state.restart_count = restarting.restart_count;
        live->state.started_at = timestamp_of(restarting.time);
        live->state.error.clear();
        live->state.oom_killed = false;
    }
    container->live.notify_all();
    save_state(*container).ignore("asked of the shim after a restart of the engine");
    emit(*container, "start");
}

void Containers::Implementation::on_health(const ContainerPtr& container,
                                           const shim::Health& health) {
    Health now = health_of(health);
    const std::string status = now.status;
    bool changed = false;
    {
        auto live = container->live.lock();
        changed = health.changed && live->state.health.status != status;
        live->state.health = std::move(now);
    }
    container->live.notify_all();
    if (changed) emit(*container, "health_status: " + status);
}

void Containers::Implementation::on_exec_exited(const ContainerPtr& container,
                                                const shim::ExecExited& exited) {
    {
        auto execs = execs_.lock();
        const auto found = execs->find(exited.exec_id);
        if (found == execs->end()) return;
        found->second.view.running = false;
        found->second.view.exit_code = exited.code;
        found->second.ended = timestamp_of(exited.time);
    }
    execs_.notify_all();
    emit(*container, "exec_die",
         {{"execID", exited.exec_id}, {"exitCode", std::to_string(exited.code)}});
}

// Without its shim, what runs there would have no parent.
void Containers::Implementation::end_cgroup(Container& container) const {
    const auto layout = sys::cgroup_layout();
    if (!layout) return;
    const auto group = sys::Cgroup::open(*layout, cgroup_path(container, *container.spec()));
    if (!group) return;
    group->kill_all(SIGKILL).ignore("then removing tells");
    group->remove().ignore("made anew at the next start of the container");
}

// The shim's connection ended. After a settled end that is expected; otherwise the shim died, and
// the container with it.
void Containers::Implementation::on_shim_gone(const ContainerPtr& container) {
    State state;
    {
        auto live = container->live.lock();
        if (!live->shim || !live->shim->is_gone())
            return;  // settled, or another one has taken its place
        live->shim.reset();
        state = live->state;
    }
    if (!is_alive(state.status)) return container->live.notify_all();
    log.warn("a container's shim died, ending the container", {{"id", container->id}});
    end_cgroup(*container);
    const std::int64_t now = clock_.now().time_since_epoch().count();
    on_exited(container,
              shim::read_exit_file(container->directory)
                  .value_or(shim::Exited{.code = 137,
                                         .started_at = state.started_at.time_since_epoch().count(),
                                         .finished_at = now,
                                         .restart_count = state.restart_count,
                                         .error = std::string(shim_died)}));
}

}  // namespace berth::container
