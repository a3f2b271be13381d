#include <signal.h>

#include <algorithm>

#include "base/log.h"
#include "container/implementation_internal.h"
#include "container/storage_limit.h"
#include "image/store.h"
#include "network/manager.h"
#include "shim/run_directory.h"
#include "sys/file.h"
#include "volume/store.h"

namespace berth::container {

namespace {

Error still_alive(const Live& live) {
    const Status status = live.state.status;
    return fail(ErrorCode::Conflict, "cannot remove container \"", live.name, "\": container is ",
                to_string(status),
                status == Status::Paused
                    ? ": unpause and then stop the container before removing or force remove"
                    : ": stop the container before removing or force remove");
}

}  // namespace

Result<> Containers::Implementation::end_by_force(const ContainerPtr& container,
                                                  const std::stop_token& stop) {
    if (!is_alive(container->state().status)) return {};
    auto killed = kill(*container, "SIGKILL");
    if (!killed && !killed.error().is(ErrorCode::Conflict)) return killed;
    auto live = container->live.lock();
    if (!live.wait(stop,
                   [](const Live& now) { return now.removed || !is_alive(now.state.status); })) {
        return fail(ErrorCode::Cancelled, "gave up waiting for container ", container->id,
                    " to end");
    }
    return {};
}

Result<> Containers::Implementation::remove(const ContainerPtr& container,
                                            const RemoveOptions& options, std::stop_token stop) {
    for (;;) {
        if (options.force) TRY(end_by_force(container, stop));
        const std::lock_guard operation(container->operation);
        {
            auto live = container->live.lock();
            // A container that removes itself is gone when its client's own removal comes.
            if (live->removed)
                return fail(ErrorCode::NotFound, "No such container: ", container->id);
            if (is_alive(live->state.status)) {
                // A start that was under way has won the lock: what it started is ended, too.
                if (options.force && !stop.stop_requested()) continue;
                return still_alive(*live);
            }
            live->state.status = Status::Removing;
        }
        return remove_locked(container, options.volumes);
    }
}

std::string Containers::Implementation::grave_of(const Container& container) const {
    return concat(settings_.root, "/trash/container-", container.id);
}

// The directory is renamed into the trash before the row goes, and emptied in the background:
// removing never waits for the disk, and a crash leaves nothing that is not swept.
Result<> Containers::Implementation::remove_locked(const ContainerPtr& container, bool volumes) {
    if (const auto client = container->shim())
        client->ask(shim::Quit{}).ignore("it leaves by itself");
    services_.networks.release(container->id).ignore("reconciled at the next start of the engine");
    unmount_private(*container);
    if (!container->spec()->host.storage_options.empty()) {
        release_storage({.upper = container->directory + "/upper", .work = {}})
            .ignore("a limit of a number that nothing has any more");
    }
    const std::string grave = grave_of(*container);
    TRY(sys::mkdir_all(settings_.root + "/trash", 0700));
    auto moved = sys::rename(container->directory, grave);
    if (!moved && !moved.error().is(ErrorCode::NotFound)) return moved;
    TRY(delete_row(*container));
    executor_.post("trash", [grave] {
        sys::remove_tree(grave).ignore("swept at the next start of the engine");
    });
    shim::remove_run_directory(container->run_directory)
        .ignore("swept at the next start of the engine");
    std::vector<volume::Volume> anonymous;
    if (auto released = services_.volumes.release(container->id)) anonymous = std::move(*released);
    for (const volume::Volume& volume : anonymous) {
        if (!volumes) break;
        if (auto removed = services_.volumes.remove(volume.name, {}); !removed) {
            log.warn("anonymous volume not removed, continuing",
                     {{"volume", volume.name}, {"error", removed.error().message()}});
        }
    }
    {
        auto execs = execs_.lock();
        std::erase_if(*execs, [&](const auto& entry) {
            return entry.second.view.container_id == container->id;
        });
    }
    {
        auto index = index_.lock();
        index->by_id.erase(container->id);
        std::erase_if(index->by_name,
                      [&](const auto& entry) { return entry.second == container->id; });
    }
    if (const auto image = oci::Digest::parse(container->image_id))
        services_.images.touch(*image).ignore("it may be gone by now");
    emit(*container, "destroy");
    {
        auto live = container->live.lock();
        live->removed = true;
        live->pending_attaches.clear();
    }
    container->live.notify_all();
    return {};
}

Result<> Containers::remove(std::string_view key, const RemoveOptions& options,
                            std::stop_token stop) {
    const ContainerPtr container = TRY(implementation_->find(key));
    return implementation_->remove(container, options, stop);
}

Result<PruneResult> Containers::prune(const PruneFilter& filter, std::stop_token stop) {
    PruneResult result;
    for (const ContainerPtr& container : implementation_->all()) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "prune was interrupted");
        const Status status = container->state().status;
        if (is_alive(status) || status == Status::Removing) continue;
        if (filter && !filter(implementation_->view(*container))) continue;
        const std::uint64_t bytes = sys::disk_usage(container->directory + "/upper").value_or(0);
        // One that was started or removed meanwhile is left alone.
        if (!implementation_->remove(container, {.volumes = false}, stop)) continue;
        result.ids.push_back(container->id);
        result.bytes += static_cast<std::int64_t>(bytes);
    }
    return result;
}

Result<std::int64_t> Containers::remove_unchanged(const std::string& id, std::string_view name,
                                                  Timestamp since, std::stop_token stop) {
    const auto found = implementation_->find(id);
    if (!found) return fail(ErrorCode::NotFound, "it is gone already");
    const ContainerPtr& container = *found;
    const ContainerView view = implementation_->view(*container);
    if (view.name != name) return fail(ErrorCode::Conflict, "it is called ", view.name, " now");
    if (is_alive(view.state.status))
        return fail(ErrorCode::Conflict, "it is ", to_string(view.state.status));
    if (view.state.started_at > since) return fail(ErrorCode::Conflict, "it was started since");
    const auto bytes = disk_usage(id).value_or(0);
    TRY(implementation_->remove(container, {.volumes = false}, std::move(stop)));
    return bytes;
}

Result<std::int64_t> Containers::disk_usage(const std::string& id) const {
    const ContainerPtr container = TRY(implementation_->find(id));
    return static_cast<std::int64_t>(TRY(sys::disk_usage(container->directory)));
}

}  // namespace berth::container
