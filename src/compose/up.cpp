// Executing a plan: one thread a service. A service's thread waits until the threads of its
// dependencies are done and their conditions hold, then works through its steps. The first error
// stops the others.
#include "compose/up.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "codec/json.h"
#include "compose/container_request.h"
#include "compose/health_board.h"
#include "compose/inline_files.h"
#include "compose/resources.h"

namespace berth::compose {

using codec::Json;

namespace {

class Execution {
public:
    Execution(const client::Client& client, const Project& project, const UpOptions& options,
              const std::map<std::string, std::string>& image_ids, const ProgressSink& progress)
        : client_(client),
          project_(project),
          options_(options),
          image_ids_(image_ids),
          progress_(progress),
          board_(client, project.name) {}

    Result<> run(const Plan& plan, const std::stop_token& stop) {
        const std::stop_callback chain(stop, [this] { stop_.request_stop(); });
        {
            std::vector<std::jthread> threads;
            for (const auto& service : plan.services) {
                threads.emplace_back(
                    [this, &service] { finish(service.service, run_service(service)); });
            }
        }
        if (first_error_) return std::move(*first_error_);
        return options_.wait ? wait_in_time() : Result<>();
    }

private:
    struct Container {
        std::string id;
        std::string name;
    };
    struct Services {
        std::map<std::string, std::vector<Container>> containers;
        std::set<std::string> done;
        std::set<std::string> recreated;
    };

    void report(Progress event) {
        const std::lock_guard lock(progress_mutex_);
        progress_(event);
    }

    void finish(const std::string& service, Result<> result) {
        if (result.is_error()) {
            const std::lock_guard lock(progress_mutex_);
            // The errors of those who were stopped because of the first one tell nothing new.
            if (!first_error_) first_error_ = std::move(result).error();
            stop_.request_stop();
        }
        services_.lock()->done.insert(service);
        services_.notify_all();
    }

    Result<> run_service(const ServicePlan& plan) {
        const Service& service = *project_.find_service(plan.service);
        TRY(wait_for_dependencies(service));
        const bool dependency_changed = must_follow(service);
        for (const auto& step : plan.steps) {
            if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
            TRY(run_step(service, step, dependency_changed));
        }
        return {};
    }

    Result<> wait_for_dependencies(const Service& service) {
        for (const auto& dependency : service.depends_on) {
            std::vector<Container> containers;
            {
                auto services = services_.lock();
                const bool is_done = services.wait(stop_.get_token(), [&](Services& s) {
                    return s.done.contains(dependency.service);
                });
                if (!is_done) return fail(ErrorCode::Cancelled, "interrupted");
                containers = services->containers[dependency.service];
            }
            if (options_.no_start || dependency.condition == Condition::Started) continue;
            for (const auto& container : containers) {
                report({"Container", container.name, "Waiting"});
                auto reached = board_.wait_for(container.id, container.name, dependency.condition,
                                               stop_.get_token());
                if (reached.is_error()) {
                    report({"Container", container.name, "Error", true, true});
                    return std::move(reached).context("dependency ", dependency.service, " of ",
                                                      service.name, " failed to start");
                }
                const bool is_healthy = dependency.condition == Condition::Healthy;
                report({"Container", container.name, is_healthy ? "Healthy" : "Exited", true});
            }
        }
        return {};
    }

    // depends_on.restart, or --always-recreate-deps' other side: a new dependency asks for a
    // restart of the dependent.
    bool must_follow(const Service& service) {
        auto services = services_.lock();
        for (const auto& dependency : service.depends_on)
            if (dependency.restart && services->recreated.contains(dependency.service)) return true;
        return false;
    }

    void remember(const Service& service, std::string id, std::string name) {
        services_.lock()->containers[service.name].push_back({std::move(id), std::move(name)});
    }

    Result<> run_step(const Service& service, const Step& step, bool dependency_changed) {
        const ObservedContainer& old = step.existing;
        switch (step.kind) {
            case Step::Kind::Keep:
                remember(service, old.id, old.name);
                if (dependency_changed) {
                    report({"Container", old.name, "Restarting"});
                    TRY(client_.restart_container(old.id));
                    report({"Container", old.name, "Started", true});
                } else {
                    report({"Container", old.name, "Running", true});
                }
                return {};
            case Step::Kind::Start:
                remember(service, old.id, old.name);
                return start(old.id, old.name);
            case Step::Kind::Remove: return remove(old);
            case Step::Kind::Create: return create(service, step.number, nullptr);
            case Step::Kind::Recreate: {
                services_.lock()->recreated.insert(service.name);
                return create(service, step.number, &old);
            }
        }
        return {};
    }

    Result<> start(const std::string& id, const std::string& name) {
        if (options_.no_start) return {};
        report({"Container", name, "Starting"});
        auto started = client_.start_container(id);
        if (started.is_error()) {
            report({"Container", name, "Error", true, true});
            return std::move(started).error();
        }
        report({"Container", name, "Started", true});
        return {};
    }

    Result<> remove(const ObservedContainer& container) {
        report({"Container", container.name, "Stopping"});
        if (container.is_running())
            TRY(client_.stop_container(container.id, options_.stop_timeout, {}, stop_.get_token()));
        TRY(client_.remove_container(container.id, {.force = true}));
        report({"Container", container.name, "Removed", true});
        return {};
    }

    Result<std::vector<std::pair<std::string, std::string>>> anonymous_volumes(
        const std::string& id) {
        std::vector<std::pair<std::string, std::string>> out;
        if (options_.renew_anonymous_volumes) return out;
        const Json inspected = TRY(client_.inspect_container(id));
        const Json* mounts = codec::find_member(inspected, "Mounts");
        for (const auto& mount : mounts ? *mounts : Json::array()) {
            const std::string name = codec::get_string(mount, "Name");
            const bool is_anonymous =
                name.size() == 64 &&
                name.find_first_not_of("0123456789abcdef") == std::string::npos;
            if (codec::get_string(mount, "Type") == "volume" && is_anonymous)
                out.emplace_back(codec::get_string(mount, "Destination"), name);
        }
        return out;
    }

    // The old container gives its name away, runs on until the new one exists, and is only then
    // stopped and removed: a mistake in the new configuration does not take the service down.
    Result<> create(const Service& service, int number, const ObservedContainer* old) {
        const std::string name = container_name(project_, service, number);
        report({"Container", name, old ? "Recreate" : "Creating"});
        ContainerRequestOptions request_options{.number = number, .image_id = image_of(service)};
        request_options.container_of = [this](const std::string& other) {
            return first_container(other);
        };
        if (old) request_options.inherited_volumes = TRY(anonymous_volumes(old->id));
        const auto request = TRY(container_request(project_, service, request_options));
        if (old) TRY(client_.rename_container(old->id, concat(old->id.substr(0, 12), "_", name)));
        auto created = client_.create_container(request, name, platform_of(service));
        if (created.is_error()) {
            if (old)
                client_.rename_container(old->id, name)
                    .ignore("the first error is the one to tell");
            report({"Container", name, "Error", true, true});
            return std::move(created).context("create container ", name).error();
        }
        TRY(copy_inline_files(client_, project_, service, created->id));
        if (old) {
            if (old->is_running())
                TRY(client_.stop_container(old->id, options_.stop_timeout, {}, stop_.get_token()));
            TRY(client_.remove_container(old->id, {.force = true}));
        }
        report({"Container", name, old ? "Recreated" : "Created", options_.no_start});
        remember(service, created->id, name);
        return start(created->id, name);
    }

    std::string image_of(const Service& service) const {
        const auto found = image_ids_.find(service.name);
        return found == image_ids_.end() ? std::string() : found->second;
    }

    static std::string platform_of(const Service& service) {
        const codec::YamlNode* platform = service.definition.find("platform");
        return platform ? platform->scalar : std::string();
    }

    Result<std::string> first_container(const std::string& service) {
        auto services = services_.lock();
        const auto& containers = services->containers[service];
        if (containers.empty())
            return fail(ErrorCode::NotFound, "service \"", service, "\" has no container");
        return containers.front().id;
    }

    Result<> wait_in_time() {
        if (!options_.wait_timeout) return wait_for_all();
        std::mutex mutex;
        std::condition_variable_any condition;
        std::atomic<bool> is_late = false;
        std::jthread timer([&](const std::stop_token& done) {
            std::unique_lock lock(mutex);
            condition.wait_for(lock, done, *options_.wait_timeout, [] { return false; });
            if (done.stop_requested()) return;
            is_late = true;
            stop_.request_stop();
        });
        auto result = wait_for_all();
        timer.request_stop();
        timer.join();
        if (result.is_error() && is_late) {
            return Error(ErrorCode::TimedOut, concat("application not healthy after ",
                                                     options_.wait_timeout->count(), "s"))
                .with_hint("see which service is not: berth compose ps -a");
        }
        return result;
    }

    Result<> wait_for_all() {
        std::map<std::string, std::vector<Container>> all = services_.lock()->containers;
        for (const auto& [service, containers] : all) {
            for (const auto& container : containers) {
                report({"Container", container.name, "Waiting"});
                auto up = board_.wait_until_up(container.id, container.name, stop_.get_token());
                report(
                    {"Container", container.name, up ? "Healthy" : "Error", true, up.is_error()});
                TRY(std::move(up));
            }
        }
        return {};
    }

    const client::Client& client_;
    const Project& project_;
    const UpOptions& options_;
    const std::map<std::string, std::string>& image_ids_;
    const ProgressSink& progress_;
    HealthBoard board_;
    Guarded<Services> services_;
    std::mutex progress_mutex_;
    std::optional<Error> first_error_;
    std::stop_source stop_;
};

}  // namespace

Result<> up(const client::Client& client, const Project& project, const UpOptions& options,
            const ProgressSink& progress, const std::stop_token& stop) {
    const auto image_ids = TRY(provide_images(client, project, options));
    TRY(create_resources(client, project, progress));
    const auto observed = TRY(observe_containers(client, project.name));
    const Plan plan = make_plan(project, observed,
                                {.force_recreate = options.force_recreate,
                                 .no_recreate = options.no_recreate,
                                 .scale = options.scale,
                                 .image_ids = image_ids});
    if (options.remove_orphans) {
        for (const auto& orphan : plan.orphans) {
            TRY(client.remove_container(orphan.id, {.force = true})
                    .context("remove orphan ", orphan.name));
            progress({"Container", orphan.name, "Removed", true});
        }
    } else if (!plan.orphans.empty()) {
        std::vector<std::string> names;
        for (const auto& orphan : plan.orphans) names.push_back(orphan.name);
        progress({"Project", project.name,
                  concat("has containers of services it no longer defines: ", join(names, ", "),
                         " (remove them with --remove-orphans)"),
                  true});
    }
    return Execution(client, project, options, image_ids, progress).run(plan, stop);
}

}  // namespace berth::compose
