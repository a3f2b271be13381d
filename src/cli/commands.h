#pragma once
#include "cli/command.h"

// Every verb of berth. Each function stands in the file of its name.
namespace berth::cli {

/// The whole tree: top-level verbs and groups.
const Command& root_command();

// container/
Command attach_command();
Command commit_command();
Command cp_command();
Command create_command();
Command diff_command();
Command exec_command();
Command export_command();
Command inspect_container_command();
Command kill_command();
Command logs_command();
Command pause_command();
Command port_command();
Command prune_containers_command();
Command ps_command();
Command rename_command();
Command restart_command();
Command rm_command();
Command run_command();
Command start_command();
Command stats_command();
Command stop_command();
Command top_command();
Command unpause_command();
Command update_command();
Command wait_command();
Command why_command();

// image/
Command bootstrap_command();
Command build_command();
Command history_command();
Command images_command();
Command import_command();
Command image_copy_command();
Command image_diff_command();
Command image_layers_command();
Command inspect_image_command();
Command load_command();
Command prune_images_command();
Command pin_command();
Command unpin_command();
Command pull_command();
Command push_command();
Command rmi_command();
Command save_command();
Command search_command();
Command tag_command();

// network/, volume/, system/, registry/
Command manifest_group();
Command network_group();
Command volume_group();
Command system_group();
Command builder_group();
Command check_command();
Command df_command();
Command events_command();
Command help_command();
Command info_command();
Command inspect_command();
Command login_command();
Command logout_command();
Command version_command();

// compose/
Command compose_group();

}  // namespace berth::cli
