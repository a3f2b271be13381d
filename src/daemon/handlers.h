#pragma once
#include "base/result.h"

// Every request handler, by the file that holds it. What an endpoint takes and gives is Docker's
// Engine API of the version asked for; the comments there say where that is less than obvious.
namespace berth::daemon {

class Call;

// system.cpp
Result<> ping(Call& call);
Result<> show_version(Call& call);
Result<> show_info(Call& call);
Result<> log_in(Call& call);
// events.cpp
Result<> follow_events(Call& call);
// disk_usage.cpp
Result<> show_disk_usage(Call& call);
Result<> show_data_root(Call& call);
// prune.cpp
Result<> show_prune_plan(Call& call);
Result<> carry_out_prune_plan(Call& call);
// swarm.cpp
Result<> refuse_swarm(Call& call);
Result<> list_plugins(Call& call);

// containers.cpp
Result<> list_containers(Call& call);
Result<> create_container(Call& call);
Result<> inspect_container(Call& call);
Result<> remove_container(Call& call);
Result<> prune_containers(Call& call);
Result<> explain_container(Call& call);
Result<> clear_logs(Call& call);
// container_life.cpp
Result<> start_container(Call& call);
Result<> stop_container(Call& call);
Result<> restart_container(Call& call);
Result<> kill_container(Call& call);
Result<> pause_container(Call& call);
Result<> unpause_container(Call& call);
Result<> rename_container(Call& call);
Result<> update_container(Call& call);
Result<> wait_container(Call& call);
Result<> show_top(Call& call);
// container_streams.cpp
Result<> attach_container(Call& call);
Result<> attach_websocket(Call& call);
Result<> resize_container(Call& call);
Result<> show_logs(Call& call);
// container_stats.cpp
Result<> show_stats(Call& call);
// container_files.cpp
Result<> show_changes(Call& call);
Result<> export_container(Call& call);
Result<> stat_archive(Call& call);
Result<> get_archive(Call& call);
Result<> put_archive(Call& call);
Result<> commit_container(Call& call);
// exec.cpp
Result<> create_exec(Call& call);
Result<> start_exec(Call& call);
Result<> resize_exec(Call& call);
Result<> inspect_exec(Call& call);

// attestations.cpp
Result<> show_attestations(Call& call);
// images.cpp
Result<> list_images(Call& call);
Result<> inspect_image(Call& call);
Result<> show_history(Call& call);
Result<> tag_image(Call& call);
Result<> remove_image(Call& call);
Result<> prune_images(Call& call);
Result<> list_pins(Call& call);
Result<> pin_image(Call& call);
Result<> unpin_image(Call& call);
Result<> search_images(Call& call);
// image_transfer.cpp
Result<> create_image(Call& call);
Result<> push_image(Call& call);
Result<> save_images(Call& call);
Result<> load_images(Call& call);
Result<> bootstrap_image(Call& call);
Result<> copy_image(Call& call);
Result<> copy_from_archive(Call& call);
Result<> copy_to_archive(Call& call);
Result<> show_manifest(Call& call);
Result<> put_manifest(Call& call);
Result<> show_image_diff(Call& call);
Result<> check_system(Call& call);
Result<> show_image_layers(Call& call);
Result<> inspect_distribution(Call& call);
// build.cpp
Result<> build_image(Call& call);
Result<> prune_builds(Call& call);

// volumes.cpp
Result<> list_volumes(Call& call);
Result<> create_volume(Call& call);
Result<> inspect_volume(Call& call);
Result<> remove_volume(Call& call);
Result<> prune_volumes(Call& call);
// networks.cpp
Result<> list_networks(Call& call);
Result<> create_network(Call& call);
Result<> inspect_network(Call& call);
Result<> remove_network(Call& call);
Result<> connect_network(Call& call);
Result<> disconnect_network(Call& call);
Result<> prune_networks(Call& call);

}  // namespace berth::daemon
