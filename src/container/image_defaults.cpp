#include "container/image_defaults.h"

#include <algorithm>

#include "base/text.h"

namespace berth::container {
namespace {

std::string_view variable_name(std::string_view line) { return line.substr(0, line.find('=')); }

Healthcheck healthcheck_of(const oci::HealthcheckConfig& image) {
    return {.test = image.test,
            .interval = image.interval,
            .timeout = image.timeout,
            .start_period = image.start_period,
            .start_interval = image.start_interval,
            .retries = image.retries};
}

void apply_healthcheck(ContainerSpec& spec, const oci::ImageRunConfig& image) {
    if (!image.healthcheck) return;
    if (!spec.healthcheck) {
        spec.healthcheck = healthcheck_of(*image.healthcheck);
        return;
    }
    Healthcheck& own = *spec.healthcheck;
    const Healthcheck inherited = healthcheck_of(*image.healthcheck);
    if (own.test.empty()) own.test = inherited.test;
    if (own.interval.count() == 0) own.interval = inherited.interval;
    if (own.timeout.count() == 0) own.timeout = inherited.timeout;
    if (own.start_period.count() == 0) own.start_period = inherited.start_period;
    if (own.start_interval.count() == 0) own.start_interval = inherited.start_interval;
    if (own.retries == 0) own.retries = inherited.retries;
}

}  // namespace

void merge_environment(std::vector<std::string>& env, const std::vector<std::string>& overrides) {
    for (const std::string& line : overrides) {
        const std::string_view name = variable_name(line);
        const auto same = std::ranges::find_if(
            env, [&](const std::string& known) { return variable_name(known) == name; });
        if (line.find('=') == std::string::npos) {
            if (same != env.end()) env.erase(same);
        } else if (same != env.end()) {
            *same = line;
        } else {
            env.push_back(line);
        }
    }
}

Result<> apply_image(ContainerSpec& spec, const oci::ImageRunConfig& image) {
    std::vector<std::string> env = image.env;
    merge_environment(env, spec.env);
    spec.env = std::move(env);
    const bool resets_entrypoint =
        spec.entrypoint && spec.entrypoint->size() == 1 && spec.entrypoint->front().empty();
    if (resets_entrypoint) {
        spec.entrypoint = std::vector<std::string>{};
    } else if (!spec.entrypoint || spec.entrypoint->empty()) {
        if (!spec.cmd) spec.cmd = image.cmd;
        if (!spec.entrypoint) spec.entrypoint = image.entrypoint;
    }
    if (spec.user.empty()) spec.user = image.user;
    if (spec.working_dir.empty()) spec.working_dir = image.working_dir;
    if (spec.stop_signal.empty()) spec.stop_signal = image.stop_signal;
    if (!spec.stop_timeout) spec.stop_timeout = image.stop_timeout;
    if (!spec.shell && !image.shell.empty()) spec.shell = image.shell;
    // Containers are an application's by these labels, which its caller gives: an image that has
    // them would be taken for a service, listed, stopped and removed as one.
    constexpr std::string_view of_applications = "com.docker.compose.";
    for (const auto& [key, value] : image.labels) {
        if (!key.starts_with(of_applications)) spec.labels.emplace(key, value);
    }
    for (const std::string& text : image.exposed_ports) {
        const auto port = Port::parse(text);
        if (port && std::ranges::find(spec.exposed_ports, *port) == spec.exposed_ports.end())
            spec.exposed_ports.push_back(*port);
    }
    for (const std::string& volume : image.volumes) {
        if (std::ranges::find(spec.volumes, volume) == spec.volumes.end())
            spec.volumes.push_back(volume);
    }
    apply_healthcheck(spec, image);
    if (command_line(spec).empty()) return fail(ErrorCode::InvalidArgument, "no command specified");
    return {};
}

std::vector<std::string> command_line(const ContainerSpec& spec) {
    std::vector<std::string> out = spec.entrypoint.value_or(std::vector<std::string>{});
    if (spec.cmd) out.insert(out.end(), spec.cmd->begin(), spec.cmd->end());
    return out;
}

}  // namespace berth::container
