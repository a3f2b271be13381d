#include "daemon/routes.h"

#include "daemon/handlers.h"

namespace berth::daemon {

namespace {
constexpr Route table[] = {
    {"GET", "/_ping", ping},
    {"HEAD", "/_ping", ping},
    {"GET", "/version", show_version},
    {"GET", "/info", show_info},
    {"POST", "/auth", log_in},
    {"GET", "/events", follow_events},
    {"GET", "/system/df", show_disk_usage},

    {"GET", "/containers/json", list_containers},
    {"POST", "/containers/create", create_container},
    {"POST", "/containers/prune", prune_containers},
    {"GET", "/containers/{id}/json", inspect_container},
    {"DELETE", "/containers/{id}", remove_container},
    {"POST", "/containers/{id}/start", start_container},
    {"POST", "/containers/{id}/stop", stop_container},
    {"POST", "/containers/{id}/restart", restart_container},
    {"POST", "/containers/{id}/kill", kill_container},
    {"POST", "/containers/{id}/pause", pause_container},
    {"POST", "/containers/{id}/unpause", unpause_container},
    {"POST", "/containers/{id}/rename", rename_container},
    {"POST", "/containers/{id}/update", update_container},
    {"POST", "/containers/{id}/wait", wait_container},
    {"GET", "/containers/{id}/top", show_top},
    {"POST", "/containers/{id}/attach", attach_container},
    {"GET", "/containers/{id}/attach/ws", attach_websocket},
    {"POST", "/containers/{id}/resize", resize_container},
    {"GET", "/containers/{id}/logs", show_logs},
    {"GET", "/containers/{id}/stats", show_stats},
    {"GET", "/containers/{id}/changes", show_changes},
    {"GET", "/containers/{id}/export", export_container},
    {"HEAD", "/containers/{id}/archive", stat_archive},
    {"GET", "/containers/{id}/archive", get_archive},
    {"PUT", "/containers/{id}/archive", put_archive},
    {"POST", "/containers/{id}/exec", create_exec},
    {"POST", "/exec/{id}/start", start_exec},
    {"POST", "/exec/{id}/resize", resize_exec},
    {"GET", "/exec/{id}/json", inspect_exec},
    {"POST", "/commit", commit_container},

    {"GET", "/images/json", list_images},
    {"GET", "/images/search", search_images},
    {"GET", "/images/get", save_images},
    {"POST", "/images/create", create_image},
    {"POST", "/images/load", load_images},
    {"POST", "/images/prune", prune_images},
    {"GET", "/images/{name...}/json", inspect_image},
    {"GET", "/images/{name...}/history", show_history},
    {"GET", "/images/{name...}/attestations", show_attestations, {1, 55}},
    {"GET", "/images/{name...}/get", save_images},
    {"POST", "/images/{name...}/push", push_image},
    {"POST", "/images/{name...}/tag", tag_image},
    {"DELETE", "/images/{name...}", remove_image},
    {"GET", "/distribution/{name...}/json", inspect_distribution},

    {"POST", "/build", build_image},
    {"POST", "/build/prune", prune_builds},

    {"GET", "/volumes", list_volumes},
    {"POST", "/volumes/create", create_volume},
    {"POST", "/volumes/prune", prune_volumes},
    {"GET", "/volumes/{name}", inspect_volume},
    {"DELETE", "/volumes/{name}", remove_volume},

    {"GET", "/networks", list_networks},
    {"POST", "/networks/create", create_network},
    {"POST", "/networks/prune", prune_networks},
    {"GET", "/networks/{id}", inspect_network},
    {"DELETE", "/networks/{id}", remove_network},
    {"POST", "/networks/{id}/connect", connect_network},
    {"POST", "/networks/{id}/disconnect", disconnect_network},

    {"GET", "/plugins", list_plugins},
    {"GET", "/swarm", refuse_swarm},
    {"POST", "/swarm/{verb}", refuse_swarm},
    {"GET", "/swarm/{verb}", refuse_swarm},
    {"GET", "/nodes", refuse_swarm},
    {"GET", "/nodes/{rest...}", refuse_swarm},
    {"POST", "/nodes/{rest...}", refuse_swarm},
    {"DELETE", "/nodes/{rest...}", refuse_swarm},
    {"GET", "/services", refuse_swarm},
    {"GET", "/services/{rest...}", refuse_swarm},
    {"POST", "/services/{rest...}", refuse_swarm},
    {"DELETE", "/services/{rest...}", refuse_swarm},
    {"GET", "/tasks", refuse_swarm},
    {"GET", "/tasks/{rest...}", refuse_swarm},
    {"GET", "/secrets", refuse_swarm},
    {"GET", "/secrets/{rest...}", refuse_swarm},
    {"POST", "/secrets/{rest...}", refuse_swarm},
    {"DELETE", "/secrets/{rest...}", refuse_swarm},
    {"GET", "/configs", refuse_swarm},
    {"GET", "/configs/{rest...}", refuse_swarm},
    {"POST", "/configs/{rest...}", refuse_swarm},
    {"DELETE", "/configs/{rest...}", refuse_swarm},

    // Berth's own.
    {"POST", "/berth/v1/images/bootstrap", bootstrap_image},
    {"GET", "/berth/v1/containers/{id}/why", explain_container},
    {"DELETE", "/berth/v1/containers/{id}/logs", clear_logs},
};
}  // namespace

std::span<const Route> routes() { return table; }

}  // namespace berth::daemon
