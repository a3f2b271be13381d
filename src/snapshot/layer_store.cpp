#include "snapshot/layer_store.h"

#include "base/random.h"
#include "sys/file.h"

namespace berth::snapshot {

LayerStore::Staged::~Staged() {
    if (!path_.empty()) sys::remove_tree(path_).ignore("the next open() sweeps it");
}

LayerStore::LayerStore(std::string layers) : layers_(std::move(layers)) {}

Result<std::unique_ptr<LayerStore>> LayerStore::open(const std::string& root) {
    const std::string layers = concat(root, "/layers");
    TRY(sys::mkdir_all(layers, 0700));
    auto store = std::unique_ptr<LayerStore>(new LayerStore(layers));
    for (const auto& entry : TRY(sys::list_dir(layers))) {
        if (entry.name.starts_with('.')) store->remover_.remove(concat(layers, "/", entry.name));
    }
    return store;
}

Result<LayerStore::Staged> LayerStore::stage() {
    std::string path = concat(layers_, "/.new-", random_hex(8));
    TRY(sys::mkdir_at(AT_FDCWD, path, 0700).context(path));
    return Staged(std::move(path));
}

Result<> LayerStore::publish(Staged staged, const oci::Digest& diff_id, const std::string& marker) {
    const std::string target = path(diff_id);
    const sys::Fd directory = TRY(sys::open(staged.path(), O_RDONLY | O_DIRECTORY));
    TRY(sys::fsync(directory));
    for (;;) {
        auto renamed = sys::rename_at(AT_FDCWD, staged.path(), AT_FDCWD, target, RENAME_NOREPLACE);
        if (!renamed.is_error()) break;
        if (!renamed.error().is(ErrorCode::AlreadyExists))
            return std::move(renamed).context(target);
        if (sys::exists(concat(target, "/", marker))) return {};
        TRY(remove(diff_id));
    }
    staged.path_.clear();
    return sys::fsync_parent(target).context(target);
}

Result<> LayerStore::replace(Staged staged, const oci::Digest& diff_id, const std::string& marker) {
    const std::string target = path(diff_id);
    const sys::Fd directory = TRY(sys::open(staged.path(), O_RDONLY | O_DIRECTORY));
    TRY(sys::fsync(directory));
    auto renamed = sys::rename_at(AT_FDCWD, staged.path(), AT_FDCWD, target, RENAME_EXCHANGE);
    if (renamed.is_error() && renamed.error().is(ErrorCode::NotFound))
        return publish(std::move(staged), diff_id, marker);
    TRY(std::move(renamed).context(target));
    remover_.remove(std::exchange(staged.path_, {}));
    return sys::fsync_parent(target).context(target);
}

Result<> LayerStore::remove(const oci::Digest& diff_id) {
    const std::string trash = concat(layers_, "/.trash-", random_hex(8));
    auto renamed = sys::rename(path(diff_id), trash);
    if (renamed.is_error()) {
        if (renamed.error().is(ErrorCode::NotFound)) return {};
        return std::move(renamed).context("layer ", diff_id);
    }
    remover_.remove(trash);
    return {};
}

Result<std::vector<oci::Digest>> LayerStore::list(const std::string& marker) const {
    std::vector<oci::Digest> layers;
    for (const auto& entry : TRY(sys::list_dir(layers_))) {
        const auto digest = oci::Digest::parse(concat("sha256:", entry.name));
        if (!digest.is_error() && sys::exists(concat(path(*digest), "/", marker)))
            layers.push_back(*digest);
    }
    return layers;
}

Result<std::uint64_t> LayerStore::disk_usage(const oci::Digest& diff_id) const {
    return sys::disk_usage(path(diff_id)).context("layer ", diff_id);
}

Result<std::uint64_t> LayerStore::usage() const { return sys::disk_usage(layers_); }

}  // namespace berth::snapshot
