#include "compose/down.h"

#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "compose/resources.h"

namespace berth::compose {

namespace {

/// Services grouped by rank: every service's dependencies stand in earlier groups.
std::vector<std::vector<std::string>> ranks(const Project& project) {
    std::map<std::string, std::size_t> rank_of;
    std::vector<std::vector<std::string>> out;
    for (const Service* service : in_dependency_order(project)) {
        std::size_t rank = 0;
        for (const auto& dependency : service->depends_on) {
            const auto found = rank_of.find(dependency.service);
            if (found != rank_of.end()) rank = std::max(rank, found->second + 1);
        }
        rank_of[service->name] = rank;
        if (out.size() <= rank) out.resize(rank + 1);
        out[rank].push_back(service->name);
    }
    return out;
}

/// Runs `work` for all containers at once; the first error is returned when all are done.
Result<> in_parallel(const std::vector<ObservedContainer>& containers,
                     const std::function<Result<>(const ObservedContainer&)>& work) {
    std::mutex mutex;
    std::optional<Error> first_error;
    {
        std::vector<std::jthread> threads;
        for (const auto& container : containers) {
            threads.emplace_back([&] {
                auto result = work(container);
                const std::lock_guard lock(mutex);
                if (result.is_error() && !first_error) first_error = std::move(result).error();
            });
        }
    }
    if (first_error) return std::move(*first_error);
    return {};
}

std::vector<ObservedContainer> of_services(const std::vector<ObservedContainer>& all,
                                           const std::vector<std::string>& names) {
    std::vector<ObservedContainer> out;
    for (const auto& container : all)
        for (const auto& name : names)
            if (container.service == name) out.push_back(container);
    return out;
}

/// One progress line at a time, whoever calls.
class Reporter {
public:
    explicit Reporter(const ProgressSink& sink) : sink_(sink) {}
    void operator()(const std::string& name, const std::string& status, bool is_final = false,
                    bool is_error = false) {
        const std::lock_guard lock(mutex_);
        sink_({"Container", name, status, is_final, is_error});
    }

private:
    const ProgressSink& sink_;
    std::mutex mutex_;
};

Result<> stop_and_remove(const client::Client& client, const ObservedContainer& container,
                         const DownOptions& options, Reporter& report,
                         const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
    if (container.is_running()) {
        report(container.name, "Stopping");
        auto stopped = client.stop_container(container.id, options.timeout, {}, stop);
        if (stopped.is_error() && !stopped.error().is(ErrorCode::NotFound)) return stopped;
        report(container.name, "Stopped");
    }
    report(container.name, "Removing");
    auto removed =
        client.remove_container(container.id, {.force = true, .volumes = options.volumes});
    if (removed.is_error() && !removed.error().is(ErrorCode::NotFound)) {
        report(container.name, "Error", true, true);
        return removed;
    }
    report(container.name, "Removed", true);
    return {};
}

Result<> remove_images(const client::Client& client, const Project& project, RemoveImages which,
                       const ProgressSink& progress) {
    for (const auto& service : project.services) {
        const bool is_local = !service.definition.find("image");
        if (which == RemoveImages::None || (which == RemoveImages::Local && !is_local)) continue;
        const std::string image = service.image(project.name);
        auto removed = client.remove_image(image, {});
        if (removed.is_error() && removed.error().is(ErrorCode::NotFound)) continue;
        if (removed.is_error()) return std::move(removed).error();
        progress({"Image", image, "Removed", true});
    }
    return {};
}

struct VerbText {
    const char* doing;
    const char* done;
};

VerbText text_of(Verb verb) {
    switch (verb) {
        case Verb::Start: return {"Starting", "Started"};
        case Verb::Stop: return {"Stopping", "Stopped"};
        case Verb::Restart: return {"Restarting", "Started"};
        case Verb::Kill: return {"Killing", "Killed"};
        case Verb::Pause: return {"Pausing", "Paused"};
        case Verb::Unpause: return {"Unpausing", "Unpaused"};
        case Verb::Remove: return {"Removing", "Removed"};
    }
    return {"", ""};
}

bool concerns(Verb verb, const ObservedContainer& container, const VerbOptions& options) {
    switch (verb) {
        case Verb::Start: return !container.is_running();
        case Verb::Stop: return container.is_running();
        case Verb::Restart: return true;
        case Verb::Kill: return container.is_running();
        case Verb::Pause: return container.state == "running";
        case Verb::Unpause: return container.state == "paused";
        case Verb::Remove: return options.force || !container.is_running();
    }
    return false;
}

Result<> call(const client::Client& client, const ObservedContainer& container, Verb verb,
              const VerbOptions& options, const std::stop_token& stop) {
    switch (verb) {
        case Verb::Start: {
            TRY(client.start_container(container.id));
            return {};
        }
        case Verb::Stop:
            return client.stop_container(container.id, options.timeout, options.signal, stop);
        case Verb::Restart:
            return client.restart_container(container.id, options.timeout, options.signal);
        case Verb::Kill: return client.kill_container(container.id, options.signal);
        case Verb::Pause: return client.pause_container(container.id);
        case Verb::Unpause: return client.unpause_container(container.id);
        case Verb::Remove:
            return client.remove_container(container.id,
                                           {.force = options.force, .volumes = options.volumes});
    }
    return {};
}

}  // namespace

Result<> down(const client::Client& client, const Project& project, const DownOptions& options,
              const ProgressSink& progress, const std::stop_token& stop) {
    const auto observed = TRY(observe_containers(client, project.name, true));
    Reporter report(progress);
    const auto remove = [&](const ObservedContainer& container) {
        return stop_and_remove(client, container, options, report, stop);
    };

    // One-off containers and services without an enabled profile depend on others and go first.
    std::vector<ObservedContainer> first;
    for (const auto& container : observed) {
        if (options.services_only) break;
        const bool is_disabled =
            std::any_of(project.disabled.begin(), project.disabled.end(),
                        [&](const Service& service) { return service.name == container.service; });
        const bool is_orphan = !is_disabled && !project.find_service(container.service);
        if ((container.is_oneoff || is_disabled) || (is_orphan && options.remove_orphans))
            first.push_back(container);
    }
    TRY(in_parallel(first, remove));
    const auto groups = ranks(project);
    for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
        std::vector<ObservedContainer> containers;
        for (const auto& container : of_services(observed, *group))
            if (!container.is_oneoff) containers.push_back(container);
        TRY(in_parallel(containers, remove));
    }
    TRY(remove_images(client, project, options.images, progress));
    if (options.services_only) return {};
    return remove_resources(client, project, options.volumes, progress);
}

Result<> apply(const client::Client& client, const Project& project, Verb verb,
               const VerbOptions& options, const ProgressSink& progress,
               const std::stop_token& stop) {
    const auto observed = TRY(observe_containers(client, project.name));
    Reporter report(progress);
    auto groups = ranks(project);
    if (verb != Verb::Start && verb != Verb::Restart) std::reverse(groups.begin(), groups.end());
    for (const auto& group : groups) {
        std::vector<ObservedContainer> containers;
        for (const auto& container : of_services(observed, group))
            if (concerns(verb, container, options)) containers.push_back(container);
        TRY(in_parallel(containers, [&](const ObservedContainer& container) -> Result<> {
            if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
            report(container.name, text_of(verb).doing);
            auto result = call(client, container, verb, options, stop);
            report(container.name, result ? text_of(verb).done : "Error", true, result.is_error());
            return result;
        }));
    }
    return {};
}

}  // namespace berth::compose
