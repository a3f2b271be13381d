#pragma once
#include <string>
#include <vector>

#include "record/database.h"
#include "volume/store.h"

namespace berth::volume {

/// A volume's life: its directory is being made, it exists, its directory is on the way to the
/// trash.
enum class VolumeState : std::uint8_t { Creating = 0, Ready = 1, Removing = 2 };

struct StoredVolume {
    Volume volume;
    VolumeState state = VolumeState::Creating;
};

Result<> insert_volume(record::Database& database, const Volume& volume, VolumeState state);
Result<> set_volume_state(record::Database& database, const std::string& id, VolumeState state);
Result<> rename_volume(record::Database& database, const std::string& id, std::string_view name);
Result<> delete_volume(record::Database& database, const std::string& id);
Result<std::vector<StoredVolume>> load_volumes(record::Database& database);

Result<> insert_hold(record::Database& database, const std::string& volume_id,
                     std::string_view container_id);
Result<> delete_holds(record::Database& database, std::string_view container_id);
/// (volume id, container id) pairs.
Result<std::vector<std::pair<std::string, std::string>>> load_holds(record::Database& database);

}  // namespace berth::volume
