#include "volume/store.h"

#include <algorithm>
#include <set>

#include "base/guarded.h"
#include "base/random.h"
#include "base/text.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "volume/rows_internal.h"

namespace berth::volume {

namespace {
constexpr std::chrono::seconds longest_transition{2};

struct Tables {
    std::map<std::string, StoredVolume> volumes;
    /// Volume id -> ids of the containers that name it.
    std::map<std::string, std::set<std::string>> holds;
    /// Volume id -> when a container named it last, since the engine started.
    std::map<std::string, Timestamp> acquired;

    StoredVolume* find(std::string_view name) {
        for (auto& [id, row] : volumes) {
            if (row.volume.name == name) return &row;
        }
        return nullptr;
    }
    bool is_held(const std::string& id) const {
        auto found = holds.find(id);
        return found != holds.end() && !found->second.empty();
    }
};

Error not_found(std::string_view name) {
    return fail(ErrorCode::NotFound, "get ", name, ": no such volume");
}

Result<> check_name(std::string_view name) {
    auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    bool is_valid = name.size() > 1 && is_word(name.front()) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                        return is_word(c) || c == '_' || c == '.' || c == '-';
                    });
    if (is_valid) return {};
    return fail(ErrorCode::InvalidArgument, "create ", name, ": \"", name,
                "\" includes invalid characters for a local volume name, only "
                "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are "
                "allowed. If you intended to pass a host directory, use absolute path");
}

Result<> check_options(const std::string& name, const StringMap& options) {
    for (const auto& [key, value] : options) {
        if (key == "type" || key == "device" || key == "o" || key == "size") continue;
        return fail(ErrorCode::InvalidArgument, "create ", name, ": invalid option: \"", key, "\"");
    }
    auto has = [&](const char* key) {
        auto found = options.find(key);
        return found != options.end() && !found->second.empty();
    };
    bool names_mount = has("type") || has("device") || has("o");
    if (names_mount && !has("device")) {
        return fail(ErrorCode::InvalidArgument, "create ", name,
                    ": missing device in volume options");
    }
    if (names_mount && !has("type") && !has("o")) {
        return fail(ErrorCode::InvalidArgument, "create ", name,
                    ": missing type in volume options");
    }
    return {};
}

// `o` asks for a bind mount: "bind", "rbind", alone or among others.
bool asks_for_bind(const StringMap& options) {
    auto o = options.find("o");
    if (o == options.end()) return false;
    auto parts = split(o->second, ',');
    return std::any_of(parts.begin(), parts.end(),
                       [](const auto& part) { return part == "bind" || part == "rbind"; });
}
}  // namespace

struct Store::State {
    record::Database& database;
    std::string root;
    std::string trash;
    Guarded<Tables> tables;

    std::string directory(const std::string& id) const { return concat(root, '/', id); }
    Result<> make_directory(const std::string& id) const;
    Result<> discard_directory(const std::string& id) const;
    Result<> finish_removal(const std::string& id);
    /// The same for a volume whose state is Removing in memory alone.
    Result<> remove_marked(const std::string& id);
    Result<Volume> ready(std::string_view name);
};

Result<> Store::State::make_directory(const std::string& id) const {
    TRY(sys::mkdir_all(root, 0711));
    TRY(sys::mkdir_all(directory(id), 0711));
    TRY(sys::mkdir_all(concat(directory(id), "/_data"), 0755));
    return sys::fsync_parent(directory(id));
}

// A rename takes the data out of sight at once; deleting it may take long and may be interrupted.
Result<> Store::State::discard_directory(const std::string& id) const {
    TRY(sys::mkdir_all(trash, 0700));
    std::string away = concat(trash, "/volume-", id);
    auto renamed = sys::rename(directory(id), away);
    if (renamed.is_error() && !renamed.error().is(ErrorCode::NotFound)) return renamed;
    return sys::remove_tree(away);
}

Result<> Store::State::finish_removal(const std::string& id) {
    TRY(discard_directory(id));
    TRY(delete_volume(database, id));
    {
        auto locked = tables.lock();
        locked->volumes.erase(id);
        locked->holds.erase(id);
        locked->acquired.erase(id);
    }
    tables.notify_all();
    return {};
}

Result<> Store::State::remove_marked(const std::string& id) {
    auto marked = set_volume_state(database, id, VolumeState::Removing);
    if (marked.is_error()) {
        tables.lock()->volumes.at(id).state = VolumeState::Ready;
        return marked;
    }
    return finish_removal(id);
}

Result<Volume> Store::State::ready(std::string_view name) {
    auto locked = tables.lock();
    StoredVolume* row = locked->find(name);
    if (!row || row->state != VolumeState::Ready) return not_found(name);
    return row->volume;
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(record::Database& database, std::string data_root) {
    auto state = std::unique_ptr<State>(
        new State{database, concat(data_root, "/volumes"), concat(data_root, "/trash"), {}});
    auto volumes = TRY(load_volumes(database));
    auto holds = TRY(load_holds(database));
    {
        auto locked = state->tables.lock();
        for (auto& row : volumes) {
            row.volume.mountpoint = concat(state->directory(row.volume.id), "/_data");
            std::string id = row.volume.id;
            locked->volumes.emplace(std::move(id), std::move(row));
        }
        for (auto& [volume, container] : holds) locked->holds[volume].insert(container);
    }
    return std::unique_ptr<Store>(new Store(std::move(state)));
}

Result<Volume> Store::create(VolumeSpec spec) {
    if (spec.driver.empty()) spec.driver = "local";
    if (spec.driver != "local") {
        return Error(ErrorCode::NotFound,
                     concat("create ", spec.name, ": error looking up volume plugin ", spec.driver,
                            ": plugin \"", spec.driver, "\" not found"))
            .with_hint("the volume driver here is \"local\"");
    }
    bool anonymous = spec.name.empty();
    if (anonymous) spec.name = random_hex(32);
    TRY(check_name(spec.name));
    TRY(check_options(spec.name, spec.options));
    TRY(state_->database.check_room());
    Volume volume{random_hex(16), spec.name,   spec.driver,         {},
                  spec.options,   spec.labels, SystemClock().now(), anonymous};
    volume.mountpoint = concat(state_->directory(volume.id), "/_data");
    {
        auto locked = state_->tables.lock();
        // Somebody else's creation or removal of it is a matter of moments; one that broke off is
        // not.
        locked.wait_for({}, longest_transition, [&](Tables& tables) {
            const StoredVolume* row = tables.find(spec.name);
            return !row || row->state == VolumeState::Ready;
        });
        if (StoredVolume* existing = locked->find(spec.name)) {
            if (existing->state != VolumeState::Ready) {
                return fail(ErrorCode::Unavailable, "create ", spec.name,
                            ": volume is being created or removed");
            }
            // Docker takes the existing one when the new request names no options.
            if (!spec.options.empty() && spec.options != existing->volume.options) {
                return fail(ErrorCode::Conflict, "create ", spec.name,
                            ": volume already exists but with different options");
            }
            return existing->volume;
        }
        locked->volumes.emplace(volume.id, StoredVolume{volume, VolumeState::Creating});
    }
    auto made = insert_volume(state_->database, volume, VolumeState::Creating);
    if (!made.is_error()) made = state_->make_directory(volume.id);
    if (!made.is_error()) made = set_volume_state(state_->database, volume.id, VolumeState::Ready);
    if (made.is_error()) {
        state_->finish_removal(volume.id).ignore("reconcile() sweeps rows that are not ready");
        state_->tables.lock()->volumes.erase(volume.id);
        state_->tables.notify_all();
        return std::move(made).error().with_context(concat("create ", spec.name));
    }
    state_->tables.lock()->volumes.at(volume.id).state = VolumeState::Ready;
    state_->tables.notify_all();
    return volume;
}

Result<Volume> Store::find(std::string_view name) const { return state_->ready(name); }

std::vector<Volume> Store::list() const {
    std::vector<Volume> out;
    auto locked = state_->tables.lock();
    for (const auto& [id, row] : locked->volumes) {
        if (row.state == VolumeState::Ready) out.push_back(row.volume);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

Result<> Store::remove(std::string_view name, RemoveOptions options) {
    std::string id;
    {
        auto locked = state_->tables.lock();
        StoredVolume* row = locked->find(name);
        if (!row || row->state == VolumeState::Creating) {
            if (options.force) return {};
            return not_found(name);
        }
        id = row->volume.id;
        if (locked->is_held(id)) {
            const auto& holders = locked->holds.at(id);
            return fail(ErrorCode::Conflict, "remove ", name, ": volume is in use - [",
                        join(std::vector<std::string>(holders.begin(), holders.end()), ", "), "]");
        }
        row->state = VolumeState::Removing;
    }
    return state_->remove_marked(id).context("remove ", name);
}

Result<> Store::remove_unchanged(const std::string& id, std::string_view name, Timestamp since) {
    {
        auto locked = state_->tables.lock();
        const auto row = locked->volumes.find(id);
        if (row == locked->volumes.end() || row->second.state != VolumeState::Ready)
            return fail(ErrorCode::NotFound, "it is gone already");
        if (row->second.volume.name != name)
            return fail(ErrorCode::Conflict, "it is called ", row->second.volume.name, " now");
        if (locked->is_held(id))
            return fail(ErrorCode::Conflict, "container ",
                        locked->holds.at(id).begin()->substr(0, 12), " uses it");
        if (const auto acquired = locked->acquired.find(id);
            acquired != locked->acquired.end() && acquired->second > since)
            return fail(ErrorCode::Conflict, "a container used it since");
        row->second.state = VolumeState::Removing;
    }
    return state_->remove_marked(id).context("remove ", name);
}

Result<> Store::rename(std::string_view name, std::string_view new_name) {
    TRY(check_name(new_name));
    std::string id;
    {
        auto locked = state_->tables.lock();
        StoredVolume* row = locked->find(name);
        if (!row || row->state != VolumeState::Ready) return not_found(name);
        if (locked->find(new_name))
            return fail(ErrorCode::AlreadyExists, "volume ", new_name, " already exists");
        id = row->volume.id;
        row->volume.name = new_name;
    }
    auto renamed = rename_volume(state_->database, id, new_name);
    if (renamed.is_error()) state_->tables.lock()->volumes.at(id).volume.name = name;
    return renamed;
}

Result<Store::Pruned> Store::prune(const std::function<bool(const Volume&)>& matches,
                                   std::stop_token stop) {
    Pruned out;
    for (const auto& volume : list()) {
        if (stop.stop_requested())
            return fail(ErrorCode::Cancelled, "volume prune was interrupted");
        if (state_->tables.lock()->is_held(volume.id) || !matches(volume)) continue;
        auto bytes = sys::disk_usage(state_->directory(volume.id)).value_or(0);
        auto removed = remove(volume.name, {});
        if (removed.is_error() && removed.error().is(ErrorCode::Conflict)) continue;
        TRY(std::move(removed));
        out.bytes += bytes;
        out.volumes.push_back(volume);
    }
    return out;
}

Result<MountSource> Store::mount_source(std::string_view name) const {
    Volume volume = TRY(state_->ready(name));
    auto option = [&](const char* key) {
        auto found = volume.options.find(key);
        return found == volume.options.end() ? std::string() : found->second;
    };
    std::string device = option("device");
    if (device.empty()) {
        TRY(sys::mkdir_all(volume.mountpoint));
        return MountSource{volume.mountpoint, {}, {}};
    }
    bool is_bind =
        asks_for_bind(volume.options) || option("type") == "none" || option("type") == "bind";
    if (is_bind) {
        if (!sys::exists(device)) {
            return fail(ErrorCode::InvalidArgument, "failed to mount local volume: mount ", device,
                        ":", volume.mountpoint, ", flags: 0x1000: no such file or directory");
        }
        return MountSource{device, {}, option("o")};
    }
    return MountSource{device, option("type"), option("o")};
}

Result<bool> Store::is_empty(std::string_view name) const {
    MountSource source = TRY(mount_source(name));
    if (!source.type.empty()) return true;
    return TRY(sys::list_dir(source.source)).empty();
}

Result<std::uint64_t> Store::usage(std::string_view name, std::stop_token stop) const {
    Volume volume = TRY(state_->ready(name));
    if (stop.stop_requested())
        return fail(ErrorCode::Cancelled, "measuring volume ", name, " was interrupted");
    return sys::disk_usage(volume.mountpoint).context("volume ", name);
}

Result<std::uint64_t> Store::disk_usage(std::string_view name, std::stop_token stop) const {
    const Volume volume = TRY(state_->ready(name));
    if (stop.stop_requested())
        return fail(ErrorCode::Cancelled, "measuring volume ", name, " was interrupted");
    return sys::disk_usage(state_->directory(volume.id)).context("volume ", name);
}

Result<> Store::acquire(std::string_view name, std::string_view container_id) {
    std::string id;
    {
        auto locked = state_->tables.lock();
        StoredVolume* row = locked->find(name);
        if (!row || row->state != VolumeState::Ready) return not_found(name);
        id = row->volume.id;
        locked->holds[id].insert(std::string(container_id));
        locked->acquired[id] = SystemClock().now();
    }
    auto stored = insert_hold(state_->database, id, container_id);
    if (stored.is_error()) state_->tables.lock()->holds[id].erase(std::string(container_id));
    return stored;
}

Result<std::vector<Volume>> Store::release(std::string_view container_id) {
    bool holds_any = false;
    {
        auto locked = state_->tables.lock();
        for (const auto& [id, holders] : locked->holds)
            holds_any |= holders.contains(std::string(container_id));
    }
    if (!holds_any) return std::vector<Volume>{};
    TRY(delete_holds(state_->database, container_id));
    std::vector<Volume> free;
    auto locked = state_->tables.lock();
    for (auto& [id, holders] : locked->holds) {
        if (holders.erase(std::string(container_id)) == 0 || !holders.empty()) continue;
        auto row = locked->volumes.find(id);
        if (row != locked->volumes.end() && row->second.volume.anonymous)
            free.push_back(row->second.volume);
    }
    return free;
}

std::vector<std::string> Store::users(std::string_view name) const {
    auto locked = state_->tables.lock();
    StoredVolume* row = locked->find(name);
    if (!row) return {};
    const auto& holders = locked->holds[row->volume.id];
    return {holders.begin(), holders.end()};
}

Result<std::vector<std::string>> Store::reconcile(
    std::span<const std::string> existing_containers) {
    std::vector<std::string> repairs;
    std::set<std::string> existing(existing_containers.begin(), existing_containers.end());
    std::set<std::string> gone;
    std::vector<Volume> unfinished;
    std::set<std::string> known;
    {
        auto locked = state_->tables.lock();
        for (const auto& [id, holders] : locked->holds) {
            for (const auto& holder : holders) {
                if (!existing.contains(holder)) gone.insert(holder);
            }
        }
        for (const auto& [id, row] : locked->volumes) {
            known.insert(id);
            if (row.state != VolumeState::Ready) unfinished.push_back(row.volume);
        }
    }
    for (const auto& container : gone) {
        TRY(release(container));
        repairs.push_back(concat("dropped volumes held by container ", container.substr(0, 12)));
    }
    for (const auto& volume : unfinished) {
        TRY(state_->finish_removal(volume.id));
        repairs.push_back(concat("removed half-made volume ", volume.name));
    }
    if (!sys::exists(state_->root)) return repairs;
    for (const auto& entry : TRY(sys::list_dir(state_->root))) {
        if (known.contains(entry.name)) continue;
        TRY(state_->discard_directory(entry.name));
        repairs.push_back(concat("removed volume directory without a row: ", entry.name));
    }
    return repairs;
}

}  // namespace berth::volume
