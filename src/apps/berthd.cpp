// berthd: the engine. This file is its wiring diagram: every store is built here, in the order of
// their dependencies, and handed to those that need it by reference. Started as `dockerd` it also
// listens where Docker does.
#include <malloc.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/log.h"
#include "build/builder.h"
#include "container/containers.h"
#include "content/store.h"
#include "daemon/listeners.h"
#include "daemon/mount_namespace.h"
#include "daemon/service.h"
#include "engine/engine.h"
#include "engine/evict.h"
#include "engine/options.h"
#include "engine/storage_guard.h"
#include "http/server.h"
#include "image/store.h"
#include "network/manager.h"
#include "record/database.h"
#include "record/event_log.h"
#include "remote/registry.h"
#include "snapshot/driver.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/poll.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "volume/store.h"

namespace berth {
namespace {

constexpr std::string_view default_config_file = "/etc/berth/daemon.json";
constexpr std::string_view docker_config_file = "/etc/docker/daemon.json";

struct Invocation {
    std::string program;
    bool as_dockerd = false;
    engine::ParsedFlags flags;

    std::string config_file() const {
        if (!flags.config_file.empty()) return flags.config_file;
        return std::string(as_dockerd ? docker_config_file : default_config_file);
    }
};

struct Loaded {
    codec::Json settings;
    engine::Configuration configuration;
    std::vector<std::string> notes;
};

/// The configuration file with the flags on top. Only a file that was asked for must exist.
Result<Loaded> load_configuration(const Invocation& invocation) {
    codec::Json file = codec::Json::object();
    auto text = sys::read_file(invocation.config_file(), 1 << 20);
    if (text) {
        if (!trim(*text).empty())
            file = TRY(
                codec::parse_json(*text).context("configuration file ", invocation.config_file()));
    } else if (!text.error().is(ErrorCode::NotFound) || !invocation.flags.config_file.empty()) {
        return std::move(text).error().with_context(
            concat("configuration file ", invocation.config_file()));
    }
    auto settings = TRY(engine::merge_settings(file, invocation.flags.settings));
    if (invocation.as_dockerd && !settings.contains("hosts"))
        settings["hosts"] = {"unix:///var/run/docker.sock"};
    auto configuration = TRY(engine::Configuration::from_settings(settings));
    auto notes = engine::notes_on(settings);
    return Loaded{std::move(settings), std::move(configuration), std::move(notes)};
}

LogLevel level_of(std::string_view name) {
    if (name == "debug") return LogLevel::Debug;
    if (name == "warn") return LogLevel::Warn;
    return name == "error" ? LogLevel::Error : LogLevel::Info;
}

/// The directory of this binary, where berth-shim is too; $BERTH_LIBEXEC overrides it.
Result<std::string> find_libexec() {
    if (const char* path = std::getenv("BERTH_LIBEXEC"); path && *path) return std::string(path);
    const std::string exe = TRY(sys::readlink("/proc/self/exe"));
    return exe.substr(0, exe.rfind('/'));
}

/// Registries are reached through libcurl, which reads its proxies from the environment.
void export_proxies(const engine::Configuration& configuration) {
    const auto set = [](const char* name, const std::string& value) {
        if (!value.empty()) ::setenv(name, value.c_str(), 1);
    };
    set("http_proxy", configuration.http_proxy);
    set("https_proxy", configuration.https_proxy);
    set("no_proxy", configuration.no_proxy);
}

Result<network::Manager::Options> network_options(const engine::Configuration& configuration) {
    network::Manager::Options options;
    if (configuration.data_root != engine::Configuration{}.data_root)
        options.instance = network::Manager::instance_of(configuration.data_root);
    for (const auto& [base, size] : configuration.address_pools) {
        const auto prefix = TRY(network::Prefix::parse(base).context("default-address-pools"));
        options.pools.emplace_back(prefix, size);
    }
    if (!configuration.bridge_address.empty())
        options.default_bridge_address =
            TRY(network::Prefix::parse(configuration.bridge_address).context("bip"));
    if (!configuration.default_host_address.empty())
        options.default_host_address =
            TRY(network::IpAddress::parse(configuration.default_host_address).context("ip"));
    options.mtu = configuration.mtu;
    options.enable_forwarding = configuration.ip_forward;
    options.default_connectivity = configuration.icc;
    options.default_masquerade = configuration.ip_masquerade;
    return options;
}

container::Settings container_settings(const engine::Configuration& configuration,
                                       const std::string& libexec) {
    container::Settings settings{.root = configuration.data_root,
                                 .run = configuration.exec_root,
                                 .libexec = libexec,
                                 .log_driver = configuration.log_driver,
                                 .log_options = configuration.log_options,
                                 .host_ca = configuration.host_ca,
                                 .init = configuration.init,
                                 .default_shm_size = configuration.default_shm_size,
                                 .default_userns_mode = configuration.default_userns_mode,
                                 .default_stop_timeout = configuration.default_stop_timeout,
                                 .dns = configuration.dns,
                                 .dns_options = configuration.dns_options,
                                 .dns_search = configuration.dns_search,
                                 .cgroup_parent = configuration.cgroup_parent};
    for (const auto& limit : configuration.default_ulimits)
        settings.default_ulimits.push_back({limit.name, limit.soft, limit.hard});
    return settings;
}

/// What a reload changes, and where it is told.
image::TransferLimits transfer_limits(const engine::Configuration& configuration) {
    return {.downloads = static_cast<unsigned>(configuration.concurrent_downloads),
            .uploads = static_cast<unsigned>(configuration.concurrent_uploads)};
}

image::LayerBlobs layer_blobs(const engine::Configuration& configuration) {
    if (configuration.layer_blobs == "keep") return image::LayerBlobs::Keep;
    return configuration.layer_blobs == "drop" ? image::LayerBlobs::Drop
                                               : image::LayerBlobs::DropPulled;
}

struct EndsBackgroundWork {
    image::Store& images;
    ~EndsBackgroundWork() { images.end_background_work(); }
};

struct EndsEviction {
    engine::StorageGuard& storage;
    ~EndsEviction() { storage.set_evictor({}); }
};

struct Reloadable {
    const Invocation& invocation;
    codec::Json settings;
    engine::LiveConfiguration& configuration;
    remote::Registries& registries;
    image::Store& images;
    engine::StorageGuard& storage;
    record::EventLog& events;
    const std::string& engine_id;
    const std::string& hostname;
};

record::Event reload_event(const Reloadable& what, const engine::Configuration& now) {
    const auto list = [](const std::vector<std::string>& values) {
        return codec::dump_json(values);
    };
    return {"daemon",
            "reload",
            what.engine_id,
            {{"debug", now.log_level == "debug" ? "true" : "false"},
             {"insecure-registries", list(now.insecure_registries)},
             {"labels", list(now.labels)},
             {"layer-blobs", now.layer_blobs},
             {"max-concurrent-downloads", std::to_string(now.concurrent_downloads)},
             {"max-concurrent-uploads", std::to_string(now.concurrent_uploads)},
             {"name", what.hostname},
             {"registry-mirrors", list(now.registry_mirrors)},
             {"storage-keep-free", now.storage_limits.keep_free_percent > 0
                                       ? concat(now.storage_limits.keep_free_percent, "%")
                                       : std::to_string(now.storage_limits.keep_free_bytes)},
             {"storage-max", std::to_string(now.storage_limits.max_bytes)}}};
}

Result<> reload(Reloadable& what) {
    const auto loaded = TRY(load_configuration(what.invocation));
    auto plan = engine::plan_reload(what.settings, loaded.settings);
    auto configuration = TRY(engine::Configuration::from_settings(plan.settings));
    log.set_level(level_of(configuration.log_level));
    what.registries.reconfigure(configuration.insecure_registries, configuration.registry_mirrors);
    what.images.set_transfer_limits(transfer_limits(configuration));
    what.images.set_layer_blobs(layer_blobs(configuration));
    what.storage.set_limits(configuration.storage_limits);
    what.events.append(reload_event(what, configuration));
    what.configuration.replace(std::move(configuration));
    what.settings = std::move(plan.settings);
    log.info("configuration reloaded", {{"changed", join(plan.changed, ", ")}});
    if (!plan.need_restart.empty())
        log.warn("some changes need a restart, which containers do not notice",
                 {{"changed", join(plan.need_restart, ", ")}});
    return {};
}

/// Answers until a signal asks for the end.
Result<> serve_until_signalled(http::Server& server, Reloadable& reloadable,
                               const sys::Fd& signals) {
    while (true) {
        TRY(sys::wait_readable(signals, std::nullopt));
        const auto signal = TRY(sys::read_signal(signals));
        if (!signal) continue;
        if (signal->ssi_signo == SIGHUP) {
            if (const auto outcome = reload(reloadable); outcome.is_error())
                log.error("configuration was not reloaded", {{"error", outcome.error().message()}});
            continue;
        }
        log.info("stopping; containers keep running",
                 {{"signal", sys::signal_name(static_cast<int>(signal->ssi_signo))}});
        server.stop();
        return {};
    }
}

Result<> run(const Invocation& invocation, const Loaded& loaded, const sys::Fd& signals) {
    const engine::Configuration& configuration = loaded.configuration;
    const SystemClock clock;
    const auto started = clock.steady_now();
    TRY(sys::mkdir_all(configuration.data_root, 0710));
    TRY(sys::mkdir_all(configuration.exec_root, 0755));
    const auto lock = TRY(sys::FileLock::try_acquire(configuration.data_root + "/lock")
                              .context("another engine uses data root ", configuration.data_root)
                              .hint("stop it, or give this one another --data-root"));
    TRY(daemon::enter_private_mounts(configuration.exec_root));
    export_proxies(configuration);
    const std::string libexec = TRY(find_libexec());

    const std::vector<record::Schema> schemas{engine::schema(),    image::schema(),
                                              network::schema(),   volume::schema(),
                                              container::schema(), build::schema()};
    const auto database =
        TRY(record::Database::open(configuration.data_root + "/berth.db", schemas));
    record::EventLog events(clock);
    engine::StorageGuard storage(clock, configuration.data_root);
    const auto content = TRY(content::Store::open(configuration.data_root, &storage));
    const auto snapshots = TRY(snapshot::open_driver(
        {.root = configuration.data_root,
         .driver = configuration.storage_driver == "overlay2" ? "" : configuration.storage_driver,
         .room = &storage}));
    const auto registries =
        TRY(remote::Registries::create({.insecure = configuration.insecure_registries,
                                        .mirrors = configuration.registry_mirrors,
                                        .hosts_dirs = split(configuration.registry_hosts_dirs, ':'),
                                        .user_agent = "berth/" BERTH_VERSION}));
    const auto images =
        TRY(image::Store::open({*database, &events, *content, *snapshots, *registries}));
    images->set_transfer_limits(transfer_limits(configuration));
    const auto networks =
        TRY(network::Manager::open(*database, TRY(network_options(configuration))));
    const auto volumes = TRY(volume::Store::open(*database, configuration.data_root));
    const auto containers = TRY(container::Containers::open(
        {*database, events, *images, *snapshots, *content, *networks, *volumes},
        container_settings(configuration, libexec)));
    const auto builder =
        TRY(build::Builder::open({configuration.data_root, configuration.exec_root, *database,
                                  *content, *snapshots, *images, networks.get()}));
    images->set_user_lookup([&](const oci::Digest& id) {
        std::vector<image::User> users;
        for (const auto& container_id : containers->using_image(id.to_string())) {
            const auto view = containers->inspect(container_id);
            users.push_back({container_id, view && is_alive(view->state.status)});
        }
        return users;
    });
    images->add_root_provider([&](image::Roots& roots) { builder->add_roots(roots); });
    const EndsBackgroundWork ends_before_what_it_looks_at{*images};
    images->set_layer_blobs(layer_blobs(configuration));
    // Containers::open() has reconciled rows, shims, networks and volumes, before it starts
    // anything by policy.
    std::jthread rules_guard([&](std::stop_token stop) { networks->guard_rules(stop); });

    const engine::Host host = engine::Host::read();
    const std::string id = TRY(engine::load_or_make_id(*database));
    engine::LiveConfiguration live(configuration);
    engine::Engine engine{clock,     live,      host,     id,          clock.now(),
                          *database, events,    *content, *snapshots,  *registries,
                          *images,   *networks, *volumes, *containers, *builder};
    storage.set_evictor({.evict = [&](std::int64_t bytes) { return engine::evict(engine, bytes); },
                         .refused = [&] { images->collect_soon(); }});
    storage.set_limits(configuration.storage_limits);
    const EndsEviction no_eviction_when_stores_end{storage};
    daemon::Service service(engine);
    const auto server = TRY(
        http::Server::create([&](http::Request& request,
                                 http::Response& response) { service.handle(request, response); },
                             {.server_name = "Berth/" BERTH_VERSION " (linux)"}));
    TRY(daemon::open_listeners(*server, configuration));
    TRY(server->start());
    if (!configuration.pidfile.empty())
        TRY(sys::write_file_atomic(configuration.pidfile, concat(::getpid(), "\n")));
    const auto taken =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady_now() - started);
    for (const auto& listen : configuration.hosts)
        log.info("listening", {{"on", listen}, {"ready_ms", taken.count()}});
    daemon::notify_service_manager("READY=1");
    // What start-up needed and idling does not goes back to the system.
    ::malloc_trim(0);

    Reloadable reloadable{invocation, loaded.settings, live, *registries,  *images,
                          storage,    events,          id,   host.hostname};
    TRY(serve_until_signalled(*server, reloadable, signals));
    daemon::notify_service_manager("STOPPING=1");
    events.close();
    daemon::remove_sockets(configuration);
    if (!configuration.pidfile.empty())
        sys::unlink(configuration.pidfile).ignore("a stale pid file is harmless");
    return {};
}

int report(const std::string& program, const Error& error) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), error.message().c_str());
    if (!error.hint().empty()) std::fprintf(stderr, "hint: %s\n", error.hint().c_str());
    return 1;
}

int main(const std::vector<std::string>& arguments) {
    Invocation invocation;
    invocation.program = arguments[0].substr(arguments[0].rfind('/') + 1);
    invocation.as_dockerd = invocation.program == "dockerd";
    auto flags = engine::parse_flags(std::span(arguments).subspan(1));
    if (flags.is_error()) return report(invocation.program, flags.error());
    invocation.flags = std::move(*flags);
    if (invocation.flags.show_help) {
        std::fputs(engine::usage(invocation.program).c_str(), stdout);
        return 0;
    }
    if (invocation.flags.show_version) {
        std::printf("Berth version %s\n", BERTH_VERSION);
        return 0;
    }
    const auto loaded = load_configuration(invocation);
    if (loaded.is_error()) return report(invocation.program, loaded.error());
    if (invocation.flags.validate_only) {
        std::puts("configuration OK");
        return 0;
    }
    log.set_level(level_of(loaded->configuration.log_level));
    for (const auto& note : loaded->notes) log.info("option without effect", {{"note", note}});
    // What our starter left open is not for the programs that we start.
    sys::close_on_exec_from(3).ignore("a kernel before 5.11 knows no such flag");
    // Before any thread exists, so that all inherit the mask.
    ::signal(SIGPIPE, SIG_IGN);
    const auto signals = sys::block_and_open_signalfd({SIGTERM, SIGINT, SIGHUP});
    if (signals.is_error()) return report(invocation.program, signals.error());
    const auto outcome = run(invocation, *loaded, *signals);
    return outcome.is_error() ? report(invocation.program, outcome.error()) : 0;
}

}  // namespace
}  // namespace berth

int main(int argc, char** argv) {
    // Threads come and go with connections; arenas of their own would keep memory that nobody uses.
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    return berth::main(std::vector<std::string>(argv, argv + argc));
}
