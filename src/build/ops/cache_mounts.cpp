#include "build/ops/cache_mounts.h"

#include "base/clock.h"
#include "codec/sha256.h"
#include "record/database.h"
#include "sys/file.h"

namespace berth::build {

CacheMounts::Use::~Use() {
    if (!owner_) return;
    {
        auto users = owner_->users_.lock();
        const auto found = users->find(name_);
        if (--found->second.count == 0) users->erase(found);
    }
    owner_->users_.notify_all();
}

Result<CacheMounts::Use> CacheMounts::acquire(const ExecMount& mount, const std::stop_token& stop) {
    const std::string base = codec::sha256_hex(as_bytes(mount.id)).substr(0, 32);
    const bool alone = mount.sharing != CacheSharing::Shared;
    std::string name = base;
    {
        auto users = users_.lock();
        if (mount.sharing == CacheSharing::Private) {
            for (int i = 1; users->contains(name); ++i) name = concat(base, "-", i);
        } else if (!users.wait(stop, [&](const auto& map) {
                       const auto found = map.find(name);
                       return found == map.end() || (!alone && !found->second.exclusive);
                   })) {
            return fail(ErrorCode::Cancelled, "cancelled");
        }
        auto& entry = (*users)[name];
        ++entry.count;
        entry.exclusive = alone;
    }
    // From here on the destructor gives the use back, whatever happens.
    Use use(*this, name, directory_ + "/" + name, false);
    use.is_new_ = TRY(prepare(mount, name));
    return use;
}

Result<bool> CacheMounts::prepare(const ExecMount& mount, const std::string& name) {
    const std::string path = directory_ + "/" + name;
    const auto now = SystemClock().now().time_since_epoch().count();
    auto transaction = TRY(database_.begin(record::Durability::Relaxed));
    TRY(
        database_.execute("INSERT INTO build_mount VALUES (?1, ?2, ?3, ?3) ON CONFLICT (directory) "
                          "DO UPDATE SET last_used = ?3",
                          name, mount.id, now));
    TRY(std::move(transaction).commit());
    TRY(sys::mkdir_all(directory_, 0711));
    auto made = sys::mkdir_at(AT_FDCWD, path, mount.mode);
    if (made.is_error()) {
        if (made.error().is(ErrorCode::AlreadyExists)) return false;
        return std::move(made).error().with_context(path);
    }
    TRY(sys::chown_at(AT_FDCWD, path, mount.uid, mount.gid));
    TRY(sys::chmod_at(AT_FDCWD, path, mount.mode));
    return true;
}

bool CacheMounts::is_in_use(const std::string& name) { return users_.lock()->contains(name); }

Result<std::int64_t> CacheMounts::remove(const std::string& name) {
    if (is_in_use(name)) return 0;
    const std::string path = directory_ + "/" + name;
    const auto bytes = sys::disk_usage(path);
    TRY(database_.execute("DELETE FROM build_mount WHERE directory = ?1", name));
    TRY(sys::remove_tree(path));
    return static_cast<std::int64_t>(bytes.is_error() ? 0 : *bytes);
}

}  // namespace berth::build
