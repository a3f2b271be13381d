#pragma once
#include "container/spec.h"
#include "oci/image_config.h"

namespace berth::container {

/// Fills what the caller left open from the image: environment (the caller's wins by name),
/// command, entrypoint, user, directory, labels, ports, volumes, stop signal, health check.
/// InvalidArgument "no command specified" when nothing would run. Docker's rule: a given entrypoint
/// drops the image's command.
Result<> apply_image(ContainerSpec& spec, const oci::ImageRunConfig& image);

/// What runs: entrypoint, then command.
std::vector<std::string> command_line(const ContainerSpec& spec);
/// Replaces variables of `env` by those of `overrides` with the same name, appends the others.
/// "NAME" alone removes.
void merge_environment(std::vector<std::string>& env, const std::vector<std::string>& overrides);

}  // namespace berth::container
