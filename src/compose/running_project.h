#pragma once
#include <string>

#include "client/client.h"
#include "compose/project.h"

namespace berth::compose {

/// The project `name` as its labels on the engine tell it: for `-p NAME down` and its like, where
/// no compose file is at hand. Services know their image and what they depend on; networks and
/// volumes know their name. Empty when nothing carries the label.
Result<Project> running_project(const client::Client& client, const std::string& name);

/// "db:service_healthy:false,cache:service_started:true" as the label has it; parts that are not
/// understood are left out.
std::vector<Dependency> parse_dependency_label(std::string_view label);

}  // namespace berth::compose
