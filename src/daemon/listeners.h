#pragma once
#include "engine/configuration.h"
#include "http/server.h"

namespace berth::daemon {

/// Opens every socket of the configuration. A unix socket belongs to the configuration's group;
/// that group must exist only if it was asked for.
Result<> open_listeners(http::Server& server, const engine::Configuration& configuration);
/// Unlinks the unix sockets that open_listeners() made.
void remove_sockets(const engine::Configuration& configuration);

/// The number of a group in the text of /etc/group. group(5).
std::optional<std::int64_t> find_group(std::string_view groups, std::string_view name);

/// Tells the service manager, when there is one ($NOTIFY_SOCKET). sd_notify(3).
void notify_service_manager(std::string_view state);

}  // namespace berth::daemon
