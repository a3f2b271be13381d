#pragma once
#include <map>

#include "base/guarded.h"
#include "snapshot/driver.h"
#include "snapshot/layer_store.h"

namespace berth::snapshot {

/// How the kernel gets at an image's file.
enum class ImageSource {
    File,        ///< mounts it directly: Linux 6.12 and later
    LoopDevice,  ///< through a block device over it, which goes with the mount; removable with
                 ///< kernels before 6.12
};

/// A layer is one EROFS image, `layers/<hex>/layer.erofs`, mounted from the file or a loop device.
/// Its mount is detached, made on first use and kept by this object, so that containers share the
/// page cache; no mount table ever shows it, unless the kernel wants it in a place. Overlays hold
/// layers of their own, so a restarted engine disturbs nobody.
class ErofsDriver final : public Driver {
public:
    /// Unsupported when the kernel cannot mount EROFS like that here.
    static Result<std::unique_ptr<Driver>> open(const std::string& root, ImageSource source,
                                                std::shared_ptr<MountPlace> place, sys::Room* room);

    std::string_view name() const override { return "erofs"; }
    Result<LayerInfo> apply(codec::ByteSource& archive, const ApplyOptions& options,
                            std::stop_token stop) override;
    Result<LayerInfo> capture(sys::BorrowedFd upper, codec::ByteSink& tar,
                              std::stop_token stop) override;
    bool has(const oci::Digest& diff_id) const override;
    bool can_keep_archives() const override { return true; }
    bool has_archive(const oci::Digest& diff_id) const override;
    Result<std::unique_ptr<codec::ByteSource>> open_archive(
        const oci::Digest& diff_id) const override;
    Result<> check_archive(const oci::Digest& diff_id) const override;
    Result<> drop_archive(const oci::Digest& diff_id) override;
    Result<LayerInfo> inspect(const oci::Digest& diff_id) const override;
    Result<bool> verify(const oci::Digest& diff_id, std::stop_token stop) const override;
    Result<std::vector<oci::Digest>> list() const override;
    Result<> remove(const oci::Digest& diff_id) override;
    void wait_for_removals() override { store_->wait(); }
    Result<std::uint64_t> disk_usage(const oci::Digest& diff_id) const override;
    Result<std::uint64_t> usage() const override;
    Result<Writable> create_writable(const std::string& directory,
                                     const std::vector<oci::Digest>& layers) override;
    Result<sys::DetachedMount> mount_root(const RootRequest& request) override;
    Result<MountPlace::Point> make_bindable(const sys::DetachedMount& mount) override;

private:
    struct LayerMount {
        sys::DetachedMount mount;
        MountPlace::Point point;  // where it is attached, if it must be
    };
    using SharedMount = std::shared_ptr<const LayerMount>;
    ErofsDriver(std::unique_ptr<LayerStore> store, ImageSource source,
                std::shared_ptr<MountPlace> place, sys::Room* room)
        : store_(std::move(store)), source_(source), place_(std::move(place)), room_(room) {}
    Result<sys::DetachedMount> mount_image(const std::string& path) const;
    Result<SharedMount> mount_shared(const std::string& path);
    std::string image_path(const oci::Digest& diff_id) const;
    std::string frame_path(const oci::Digest& diff_id) const;
    /// Forgets the layer's mount; who has a root over it keeps it.
    SharedMount take_mount(const oci::Digest& diff_id);
    Result<> probe();
    /// The layer's mount, made if need be.
    Result<SharedMount> mount_layer(const oci::Digest& diff_id);

    std::unique_ptr<LayerStore> store_;
    const ImageSource source_;
    std::shared_ptr<MountPlace> place_;
    sys::Room* room_;
    Guarded<std::map<oci::Digest, SharedMount>> mounts_;
    SharedMount empty_;  ///< what scratch images stand on
};

}  // namespace berth::snapshot
