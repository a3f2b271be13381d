#include "api/auth.h"
#include "container/containers.h"
#include "container/log_plan.h"
#include "daemon/call.h"
#include "daemon/credentials.h"
#include "daemon/handlers.h"
#include "daemon/image_json.h"
#include "image/store.h"
#include "remote/registry.h"

namespace berth::daemon {

using codec::Json;

// The classic builder is announced: the stock command without its buildx plugin then builds through
// POST /build.
constexpr std::string_view builder_version = "1";

Result<> ping(Call& call) {
    auto& headers = call.response.headers;
    headers.set("Builder-Version", builder_version);
    headers.set("Swarm", "inactive");
    headers.set("Cache-Control", "no-cache, no-store, must-revalidate");
    headers.set("Pragma", "no-cache");
    return call.send_text(call.request.method == "HEAD" ? "" : "OK");
}

Result<> show_version(Call& call) {
    const auto& host = call.engine.host;
    const Json details{{"ApiVersion", api::newest_api_version.to_string()},
                       {"Arch", host.go_architecture},
                       {"BuildTime", ""},
                       {"Experimental", "false"},
                       {"GitCommit", ""},
                       {"GoVersion", "none"},
                       {"KernelVersion", host.kernel_version},
                       {"MinAPIVersion", api::oldest_api_version.to_string()},
                       {"Os", "linux"}};
    return call.send(
        {{"Platform", {{"Name", "Berth"}}},
         {"Components",
          Json::array({{{"Name", "Engine"}, {"Version", BERTH_VERSION}, {"Details", details}}})},
         {"Version", BERTH_VERSION},
         {"ApiVersion", api::newest_api_version.to_string()},
         {"MinAPIVersion", api::oldest_api_version.to_string()},
         {"GitCommit", ""},
         {"GoVersion", "none"},
         {"Os", "linux"},
         {"Arch", host.go_architecture},
         {"KernelVersion", host.kernel_version},
         {"BuildTime", ""}});
}

namespace {
struct ContainerCounts {
    int all = 0, running = 0, paused = 0, stopped = 0;
};

Result<ContainerCounts> count_containers(Call& call) {
    ContainerCounts counts;
    for (const auto& view : TRY(call.engine.containers.list({.all = true}))) {
        ++counts.all;
        if (view.state.status == container::Status::Running)
            ++counts.running;
        else if (view.state.status == container::Status::Paused)
            ++counts.paused;
        else
            ++counts.stopped;
    }
    return counts;
}

Json registry_config(const engine::Configuration& configuration) {
    Json mirrors = Json::array();
    for (const auto& url : configuration.registry_mirrors)
        mirrors.push_back(url.ends_with('/') ? url : url + "/");
    Json indexes = Json::object();
    indexes["docker.io"] = {
        {"Name", "docker.io"}, {"Mirrors", mirrors}, {"Secure", true}, {"Official", true}};
    Json cidrs = Json::array({"::1/128", "127.0.0.0/8"});
    for (const auto& name : configuration.insecure_registries) {
        if (name.find('/') != std::string::npos)
            cidrs.push_back(name);
        else
            indexes[name] = {
                {"Name", name}, {"Mirrors", Json::array()}, {"Secure", false}, {"Official", false}};
    }
    return {{"InsecureRegistryCIDRs", std::move(cidrs)},
            {"IndexConfigs", std::move(indexes)},
            {"Mirrors", std::move(mirrors)}};
}
}  // namespace

Result<> log_in(Call& call) {
    const std::string body = TRY(call.body(64 << 10));
    const auto auth = TRY(api::AuthConfig::parse(body));
    const std::string host = registry_host(auth.server_address);
    const auto token = TRY(call.engine.registries.login(host, credentials_of(auth), call.stop()));
    return call.send({{"Status", "Login Succeeded"}, {"IdentityToken", token}});
}

namespace {
Json driver_status(const engine::Configuration& configuration) {
    Json status = Json::array({Json::array({"driver-type", "io.berth.snapshotter.v1"}),
                               Json::array({"Layer blobs", configuration.layer_blobs})});
    const auto& limits = configuration.storage_limits;
    if (limits.max_bytes > 0)
        status.push_back({"Storage max", engine::size_text(limits.max_bytes)});
    if (limits.keep_free_percent > 0)
        status.push_back({"Storage kept free", concat(limits.keep_free_percent, "%")});
    if (limits.keep_free_bytes > 0)
        status.push_back({"Storage kept free", engine::size_text(limits.keep_free_bytes)});
    return status;
}
}  // namespace

Result<> show_info(Call& call) {
    const auto& host = call.engine.host;
    const auto held = call.engine.configuration.get();
    const engine::Configuration& configuration = *held;
    const ContainerCounts counts = TRY(count_containers(call));
    const auto images = TRY(count_images(call.engine));
    Json warnings = Json::array();
    if (!host.swap_limit) warnings.push_back("WARNING: No swap limit support");
    Json info{
        {"ID", call.engine.id},
        {"Containers", counts.all},
        {"ContainersRunning", counts.running},
        {"ContainersPaused", counts.paused},
        {"ContainersStopped", counts.stopped},
        {"Images", images},
        {"Driver", storage_driver_name(call.engine)},
        {"DriverStatus", driver_status(configuration)},
        {"Plugins",
         {{"Volume", {"local"}},
          {"Network", {"bridge", "host", "none"}},
          {"Authorization", nullptr},
          {"Log", container::log_drivers()}}},
        {"MemoryLimit", true},
        {"SwapLimit", host.swap_limit},
        {"CpuCfsPeriod", true},
        {"CpuCfsQuota", true},
        {"CPUShares", true},
        {"CPUSet", true},
        {"PidsLimit", true},
        {"IPv4Forwarding", true},
        {"Debug", configuration.log_level == "debug"},
        {"NFd", 0},
        {"OomKillDisable", host.cgroup_version == 1},
        {"NGoroutines", 0},
        {"SystemTime", to_rfc3339(call.engine.clock.now())},
        {"LoggingDriver", configuration.log_driver},
        {"CgroupDriver", "cgroupfs"},
        {"CgroupVersion", std::to_string(host.cgroup_version)},
        {"NEventsListener", 0},
        {"KernelVersion", host.kernel_version},
        {"OperatingSystem", host.operating_system},
        {"OSVersion", host.os_version},
        {"OSType", "linux"},
        {"Architecture", host.architecture},
        {"IndexServerAddress", "https://index.docker.io/v1/"},
        {"RegistryConfig", registry_config(configuration)},
        {"NCPU", host.cpus},
        {"MemTotal", host.memory_bytes},
        {"GenericResources", nullptr},
        {"DockerRootDir", configuration.data_root},
        {"HttpProxy", configuration.http_proxy},
        {"HttpsProxy", configuration.https_proxy},
        {"NoProxy", configuration.no_proxy},
        {"Name", host.hostname},
        {"Labels", configuration.labels},
        {"ExperimentalBuild", false},
        {"ServerVersion", BERTH_VERSION},
        {"Runtimes", {{"berth", {{"path", "berth-shim"}}}}},
        {"DefaultRuntime", "berth"},
        {"Swarm",
         {{"NodeID", ""},
          {"NodeAddr", ""},
          {"LocalNodeState", "inactive"},
          {"ControlAvailable", false},
          {"Error", ""},
          {"RemoteManagers", nullptr}}},
        {"LiveRestoreEnabled", true},
        {"Isolation", ""},
        {"InitBinary", "berth-shim"},
        {"ContainerdCommit", {{"ID", ""}}},
        {"RuncCommit", {{"ID", ""}}},
        {"InitCommit", {{"ID", ""}}},
        {"SecurityOptions", host.security_options},
        {"CDISpecDirs", Json::array()},
        {"Warnings", std::move(warnings)},
    };
    if (!call.is_at_least(50)) info["BridgeNfIptables"] = info["BridgeNfIp6tables"] = true;
    return call.send(info);
}

}  // namespace berth::daemon
