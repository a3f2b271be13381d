#include <algorithm>

#include "container/implementation_internal.h"
#include "content/store.h"
#include "image/store.h"
#include "oci/image_config.h"
#include "snapshot/capture.h"
#include "sys/file.h"

namespace berth::container {
namespace {

// What the container was made to be, as an image's configuration.
void put_spec(oci::ImageRunConfig& config, const ContainerSpec& spec) {
    config.user = spec.user;
    config.env = spec.env;
    config.entrypoint = spec.entrypoint;
    config.cmd = spec.cmd;
    config.working_dir = spec.working_dir;
    config.stop_signal = spec.stop_signal;
    config.exposed_ports.clear();
    for (const Port& port : spec.exposed_ports) config.exposed_ports.push_back(port.to_string());
    config.volumes = spec.volumes;
    config.labels.clear();
    for (const auto& [key, value] : spec.labels) config.set_label(key, value);
    if (spec.healthcheck) {
        const Healthcheck& check = *spec.healthcheck;
        config.healthcheck = oci::HealthcheckConfig{.test = check.test,
                                                    .interval = check.interval,
                                                    .timeout = check.timeout,
                                                    .start_period = check.start_period,
                                                    .start_interval = check.start_interval,
                                                    .retries = check.retries};
    }
}

// Lays what `over` sets over `config`.
void overlay(oci::ImageRunConfig& config, const oci::ImageRunConfig& over) {
    if (!over.user.empty()) config.user = over.user;
    if (over.cmd) config.cmd = over.cmd;
    if (over.entrypoint) {
        config.entrypoint = over.entrypoint;
        if (!over.cmd) config.cmd.reset();
    }
    if (!over.working_dir.empty()) config.working_dir = over.working_dir;
    if (!over.stop_signal.empty()) config.stop_signal = over.stop_signal;
    if (over.healthcheck) config.healthcheck = over.healthcheck;
    if (!over.shell.empty()) config.shell = over.shell;
    for (const std::string& line : over.env) {
        if (const auto pair = split_once(line, '=')) config.set_env(pair->first, pair->second);
    }
    for (const auto& [key, value] : over.labels) config.set_label(key, value);
    const auto add = [](std::vector<std::string>& to, const std::vector<std::string>& from) {
        for (const std::string& item : from) {
            if (std::ranges::find(to, item) == to.end()) to.push_back(item);
        }
    };
    add(config.exposed_ports, over.exposed_ports);
    add(config.volumes, over.volumes);
    add(config.on_build, over.on_build);
}

Result<oci::ImageRunConfig> parse_run_config(const std::string& json) {
    const oci::ImageConfig parsed = TRY(oci::parse_image_config(concat(
        R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":)",
        json, "}")));
    return parsed.config;
}

/// Holds a running container still while its files are read.
struct Frozen {
    std::shared_ptr<shim::Client> client;
    ~Frozen() {
        if (client) client->ask(shim::Resume{}).ignore("it has ended meanwhile");
    }
};

}  // namespace

Result<std::string> Containers::commit(std::string_view key, const CommitOptions& options,
                                       std::stop_token stop) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const Services& services = implementation_->services_;
    const std::lock_guard operation(container->operation);
    const auto spec = container->spec();
    Frozen frozen;
    if (options.pause && container->state().status == Status::Running) {
        if (const auto client = container->shim(); client && client->ask(shim::Pause{}))
            frozen.client = client;
    }
    const auto lease = services.content.lease();
    const sys::Fd upper = TRY(implementation_->open_upper(*container, *spec));
    const snapshot::CapturedLayer captured = TRY(snapshot::capture_layer(
        services.snapshots, services.content, upper, codec::Compression::Gzip, stop));
    // Its own variant of the image, which need not be this machine's.
    oci::Platform platform;
    if (!container->platform.empty()) platform = TRY(oci::Platform::parse(container->platform));
    const image::Image base = TRY(
        services.images.resolve(container->image_id, platform).context("the container's image"));
    oci::ImageConfig config = *base.config;
    put_spec(config.config, *spec);
    if (!options.config_json.empty())
        overlay(config.config, TRY(parse_run_config(options.config_json)));
    config.created = implementation_->clock_.now();
    config.author = options.author;
    config.diff_ids.push_back(captured.layer.diff_id);
    std::vector<std::string> command = spec->entrypoint.value_or(std::vector<std::string>{});
    if (spec->cmd) command.insert(command.end(), spec->cmd->begin(), spec->cmd->end());
    config.history.push_back({.created = config.created,
                              .created_by = join(command, " "),
                              .author = options.author,
                              .comment = options.comment});
    image::NewImage made{.config_json = config.to_json(), .layers = base.layers};
    made.layers.push_back(
        {.diff_id = captured.layer.diff_id,
         .blob = {.media_type = "application/vnd.docker.image.rootfs.diff.tar.gzip",
                  .digest = captured.blob.digest,
                  .size = static_cast<std::int64_t>(captured.blob.bytes)}});
    if (!options.reference.empty()) made.references.push_back(options.reference);
    made.parent = base.id.to_string();
    const image::Image image = TRY(services.images.commit(std::move(made)));
    implementation_->emit(*container, "commit",
                          {{"comment", options.comment},
                           {"imageID", image.id.to_string()},
                           {"imageRef", options.reference}});
    return image.id.to_string();
}

}  // namespace berth::container
