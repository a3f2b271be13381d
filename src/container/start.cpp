#include <algorithm>
#include <map>

#include "base/log.h"
#include "container/host_files.h"
#include "container/implementation_internal.h"
#include "container/native_probe.h"
#include "container/runtime_plan.h"
#include "image/store.h"
#include "network/manager.h"
#include "shim/exit_file.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/signal.h"

// From a created container to a running one, as named steps: start the shim, mount the root, plan,
// write the files, furnish the network, let it go. Each step's product is owned by a local until
// the last one has succeeded.
namespace berth::container {
namespace {

// The text that Docker's clients know; they derive the exit status 126 and 127 from it.
Error as_start_failure(Error error) {
    const bool is_program = error.is(ErrorCode::NotFound) || error.is(ErrorCode::PermissionDenied);
    const std::string text = error.message();
    if (is_program && text.find("exec: ") != std::string::npos) {
        return Error(ErrorCode::InvalidArgument,
                     concat("failed to create task for container: failed to create shim task: OCI "
                            "runtime create failed: "
                            "container init: unable to start container process: ",
                            text, ": unknown"));
    }
    return error;
}

int start_exit_code(const std::string& text) {
    if (text.find("executable file not found") != text.npos ||
        text.find("no such file or directory") != text.npos ||
        text.find("No such file or directory") != text.npos) {
        return 127;
    }
    if (text.find("permission denied") != text.npos ||
        text.find("Permission denied") != text.npos || text.find("is a directory") != text.npos) {
        return 126;
    }
    return 128;
}

/// Sends a shim away whose container did not come to life.
struct QuitUnlessStarted {
    std::shared_ptr<shim::Client> client;
    ~QuitUnlessStarted() {
        if (client) client->ask(shim::Quit{}).ignore("it has gone by itself");
    }
};

std::vector<std::string> probe_command(const ContainerSpec& spec) {
    if (!spec.healthcheck || spec.healthcheck->test.empty()) return {};
    const std::vector<std::string>& test = spec.healthcheck->test;
    if (test[0] == "CMD") return {test.begin() + 1, test.end()};
    if (test[0] != "CMD-SHELL" || test.size() < 2) return {};
    std::vector<std::string> command = spec.shell && !spec.shell->empty()
                                           ? *spec.shell
                                           : std::vector<std::string>{"/bin/sh", "-c"};
    command.push_back(test[1]);
    return command;
}

}  // namespace

shim::RestartSettings shim_restart(const RestartPolicy& policy) {
    // The same words in the same order on both sides.
    static_assert(static_cast<int>(shim::RestartMode::OnFailure) ==
                  static_cast<int>(RestartMode::OnFailure));
    static_assert(static_cast<int>(shim::RestartMode::UnlessStopped) ==
                  static_cast<int>(RestartMode::UnlessStopped));
    static_assert(static_cast<int>(shim::RestartMode::Unhealthy) ==
                  static_cast<int>(RestartMode::Unhealthy));
    return {.mode = static_cast<shim::RestartMode>(policy.mode), .max_retries = policy.max_retries};
}

Result<bool> Containers::Implementation::start(Container& container, std::stop_token stop) {
    const std::lock_guard operation(container.operation);
    switch (container.state().status) {
        case Status::Running:
        case Status::Restarting: return false;
        case Status::Paused:
            return fail(ErrorCode::Conflict,
                        "cannot start a paused container, try unpause instead");
        case Status::Removing:
        case Status::Dead:
            return fail(ErrorCode::Conflict,
                        "container is marked for removal and cannot be started");
        case Status::Created:
        case Status::Exited: break;
    }
    auto started = start_locked(container, stop);
    if (started) return true;
    Error error = as_start_failure(std::move(started).error());
    if (error.message().find("exec") != std::string::npos) {
        if (const auto problem = program_problem(container))
            error = std::move(error).with_hint(*problem);
    }
    {
        auto live = container.live.lock();
        live->shim.reset();
        live->state.error = error.message();
        live->state.exit_code = start_exit_code(error.message());
        live->pending_attaches.clear();
    }
    container.live.notify_all();
    save_state(container).ignore("the start's own error matters more");
    services_.networks.release(container.id).ignore("reconciled at the next start of the engine");
    unmount_private(container);
    end_cgroup(container);  // its shim has done so unless it was killed
    return error;
}

Result<> Containers::Implementation::start_locked(Container& container, std::stop_token) {
    const auto spec = container.spec();
    const bool own_network = has_own_network(*spec);
    TRY(shim::remove_exit_file(container.directory));
    // First, so that the other processor starts it meanwhile.
    const UserIds ids = spec->user_ids.value_or(UserIds{});
    const shim::Hub::Ahead ahead{.network_namespace = own_network,
                                 .first_id = ids.first,
                                 .ids = ids.count,
                                 .cgroup = cgroup_path(container, *spec)};
    std::shared_ptr<shim::Client> client =
        TRY(hub_->spawn(container.id, container.run_directory, ahead));
    QuitUnlessStarted guard{client};
    const sys::DetachedMount root = TRY(mount_root(container, *spec));
    const oci::RuntimeSpec runtime_spec = TRY(plan(container, *spec, root.fd()));
    TRY(write_plain_file(container.host_file("config.json"), oci::to_json(runtime_spec)));
    TRY(sys::Cgroup::create(TRY(sys::cgroup_layout()), ahead.cgroup).context("cgroup"));
    std::vector<int> given{root.fd().get()};
    sys::Fd joined;
    shim::Configure settings = TRY(shim_settings(container, *spec, own_network));
    if (spec->host.network_mode.starts_with("container:")) {
        const ContainerPtr other = TRY(find(spec->host.network_mode.substr(10)));
        const auto their_shim = other->shim();
        if (!their_shim || !is_alive(other->state().status)) {
            return fail(ErrorCode::Conflict,
                        "cannot join network namespace of a non running container: container ",
                        other->id, " is ", to_string(other->state().status));
        }
        std::vector<sys::Fd> fds;
        TRY(their_shim->call<shim::State>(shim::Query{.want_netns = true}, {}, &fds));
        if (!fds.empty()) joined = std::move(fds[0]);
    }
    settings.joins_netns = static_cast<bool>(joined);
    if (joined) given.push_back(joined.get());
    auto ready = TRY(client->begin<shim::Ready>(settings, given));
    // What does not wait for addresses is written while the shim gets ready.
    const bool has_addresses = own_network && spec->host.network_mode != "none";
    if (!has_addresses) TRY(write_host_files(container, *spec, {}));
    std::vector<sys::Fd> namespaces;
    TRY(ready.wait(&namespaces));
    if (own_network && namespaces.size() == 2) {
        const auto endpoints =
            TRY(connect_networks(container, *spec, namespaces[0], namespaces[1]));
        if (has_addresses) TRY(write_host_files(container, *spec, endpoints));
    }
    {
        auto live = container.live.lock();
        live->shim = client;
    }
    // One after the other without waiting: the shim takes them in this order.
    std::optional<shim::Client::Pending<shim::Reply>> named;
    if (const auto names = names_for(container))
        named.emplace(TRY(client->begin<shim::Reply>(*names)));
    auto attached = TRY(hand_over_attaches(container, *client));
    const shim::Started started = TRY(client->call<shim::Started>(shim::Start{}));
    guard.client.reset();
    for (auto& answer : attached) answer.wait().ignore("its stream has been closed");
    {
        auto live = container.live.lock();
        State& state = live->state;
        // The exit of a short-lived process may have been noticed already.
        if (state.started_at != timestamp_of(started.time)) {
            // `health` may have been told before the answer to the start.
            state = State{.status = Status::Running,
                          .pid = started.pid,
                          .started_at = timestamp_of(started.time),
                          .finished_at = state.finished_at,
                          .health = state.health};
        }
    }
    container.live.notify_all();
    TRY(save_state(container));
    emit(container, "start");
    return {};
}

Result<sys::DetachedMount> Containers::Implementation::mount_root(Container& container,
                                                                  const ContainerSpec& spec) {
    const auto lost = [&](const oci::Digest& layer) { return !services_.snapshots.has(layer); };
    if (std::ranges::any_of(container.layers, lost)) {
        oci::Platform platform;
        if (!container.platform.empty()) platform = TRY(oci::Platform::parse(container.platform));
        TRY(services_.images.ensure_layers(
            TRY(services_.images.resolve(container.image_id, platform)), {}));
    }
    sys::Fd owners;
    if (spec.user_ids) owners = TRY(make_owners(*spec.user_ids, false));
    return services_.snapshots.mount_root(
        {.layers = container.layers,
         .writable = snapshot::Writable{.upper = container.directory + "/upper",
                                        .work = container.directory + "/work",
                                        .is_limited = !spec.host.storage_options.empty()},
         .is_volatile = spec.host.auto_remove,
         .layer_owners = owners ? owners.get() : -1});
}

Result<shim::Configure> Containers::Implementation::shim_settings(Container& container,
                                                                  const ContainerSpec& spec,
                                                                  bool own_netns) const {
    shim::Configure settings{.id = container.id,
                             .directory = container.directory,
                             .spec_path = container.host_file("config.json"),
                             .tty = spec.tty,
                             .open_stdin = spec.open_stdin,
                             .stdin_once = spec.stdin_once,
                             .own_netns = own_netns,
                             .resolver = own_netns && spec.host.network_mode != "none"};
    settings.cgroup = cgroup_path(container, spec);
    if (spec.user_ids) {
        settings.first_id = spec.user_ids->first;
        settings.ids = spec.user_ids->count;
    }
    settings.root_wants_place = !sys::can_copy_detached_mounts();
    settings.seccomp_cache = settings_.run + "/seccomp";
    settings.restart = shim_restart(spec.host.restart);
    settings.log = TRY(log_settings(container, spec, container.name())
                           .context("failed to initialize logging driver"));
    settings.stop_signal = sys::parse_signal(spec.stop_signal).value_or(SIGTERM);
    settings.stop_timeout =
        std::int64_t{spec.stop_timeout.value_or(settings_.default_stop_timeout)} * 1'000'000'000;
    const std::vector<std::string> command = probe_command(spec);
    const auto native = spec.healthcheck ? native_probe(*spec.healthcheck)
                                         : Result<std::optional<NativeProbe>>(std::nullopt);
    const bool is_native = native && native->has_value();
    if (!command.empty() || is_native) {
        const Healthcheck& check = *spec.healthcheck;
        settings.health = {.command = command,
                           .interval = check.interval.count(),
                           .timeout = check.timeout.count(),
                           .start_period = check.start_period.count(),
                           .start_interval = check.start_interval.count(),
                           .retries = check.retries};
        if (is_native) {
            settings.health.kind = (*native)->kind;
            settings.health.port = (*native)->port;
            settings.health.path = (*native)->path;
        }
    }
    return settings;
}

Result<std::vector<shim::Client::Pending<shim::Reply>>>
Containers::Implementation::hand_over_attaches(Container& container, shim::Client& client) {
    std::vector<shim::Client::Pending<shim::Reply>> answers;
    std::vector<PendingAttach> pending;
    pending.swap(container.live.lock()->pending_attaches);
    for (PendingAttach& attach : pending) {
        const int stream = attach.stream.get();
        answers.push_back(
            TRY(client.begin<shim::Reply>(attach_message(attach.options), std::span(&stream, 1))));
    }
    return answers;
}

}  // namespace berth::container
