#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace berth::record {
class Database;
struct Schema;
}  // namespace berth::record

namespace berth::volume {

/// The tables of this module, for record::Database::open().
const record::Schema& schema();

using StringMap = std::map<std::string, std::string>;

/// What the creator of a volume asks for.
struct VolumeSpec {
    /// Empty: an anonymous volume with a name of 64 hexadecimal characters.
    std::string name;
    std::string driver = "local";
    /// For `local`: type, device, o (what mount(8) takes), size.
    StringMap options;
    StringMap labels;
};

/// A volume as it exists.
struct Volume {
    /// The folder's name under the volumes directory; never changes, while the name may.
    std::string id;
    std::string name;
    std::string driver;
    /// Host path of the data: <root>/volumes/<id>/_data.
    std::string mountpoint;
    StringMap options;
    StringMap labels;
    Timestamp created;
    /// Made without a name, for a VOLUME of an image or `-v /path`. Only these go with `prune` by
    /// default.
    bool anonymous = false;
};

/// How a volume comes into a container: bind `source` (a directory), or mount a new file system
/// when `type` is set.
struct MountSource {
    /// The directory to bind, or the device of the file system ("tmpfs", ":/export", "/dev/sdb1").
    std::string source;
    /// File system type for mount(2) ("tmpfs", "nfs", "ext4"); empty for a bind mount.
    std::string type;
    /// The `o` option as the user wrote it: mount flags and data, comma-separated
    /// ("addr=10.0.0.1,rw,size=10m").
    std::string options;
};

/// Named data that outlives containers. Data directories are made before the row says the volume
/// exists and renamed to `<root>/trash` before the row goes. Thread-safe.
class Store {
public:
    /// `data_root` is the engine's: volumes live in <data_root>/volumes.
    static Result<std::unique_ptr<Store>> open(record::Database& database, std::string data_root);
    ~Store();

    /// Makes the volume, or returns the one that has this name already. InvalidArgument for a bad
    /// name or option, NotFound for an unknown driver, Conflict when the name is taken with another
    /// driver or other options.
    Result<Volume> create(VolumeSpec spec);
    /// NotFound: "get X: no such volume".
    Result<Volume> find(std::string_view name) const;
    std::vector<Volume> list() const;
    /// Conflict while a container holds it: "remove X: volume is in use - [id, ...]". With `force`,
    /// an unknown name is no error.
    struct RemoveOptions {
        bool force = false;
    };
    Result<> remove(std::string_view name, RemoveOptions options);
    /// Removes the volume that somebody decided on at `since`. Conflict says what became of it:
    /// another name, a container that has it now or had it meanwhile.
    Result<> remove_unchanged(const std::string& id, std::string_view name, Timestamp since);
    Result<> rename(std::string_view name, std::string_view new_name);
    /// Removes unused volumes for which `matches` holds; returns them with the bytes they freed.
    struct Pruned {
        std::vector<Volume> volumes;
        std::uint64_t bytes = 0;
    };
    Result<Pruned> prune(const std::function<bool(const Volume&)>& matches, std::stop_token stop);

    /// What to mount for it. Makes sure that the data directory exists.
    Result<MountSource> mount_source(std::string_view name) const;
    /// Whether the data directory is empty: only then is the image's content copied into it.
    Result<bool> is_empty(std::string_view name) const;
    /// Bytes on disk (blocks, as du counts); walks the data.
    Result<std::uint64_t> usage(std::string_view name, std::stop_token stop) const;

    /// What its removal gives back: the data and the folder that holds it.
    Result<std::uint64_t> disk_usage(std::string_view name, std::stop_token stop) const;

    /// Says that a container names this volume, running or not: it cannot be removed until
    /// release().
    Result<> acquire(std::string_view name, std::string_view container_id);
    /// Drops everything a container held; returns the anonymous volumes that nobody holds now (for
    /// `rm -v`).
    Result<std::vector<Volume>> release(std::string_view container_id);
    /// Ids of the containers that hold it.
    std::vector<std::string> users(std::string_view name) const;

    /// After a restart: drops holds of containers that do not exist, finishes interrupted creates
    /// and removals. Returns one line for each repair.
    Result<std::vector<std::string>> reconcile(std::span<const std::string> existing_containers);

private:
    struct State;
    explicit Store(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace berth::volume
