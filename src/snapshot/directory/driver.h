#pragma once
#include "snapshot/driver.h"
#include "snapshot/layer_store.h"

namespace berth::snapshot {

/// A layer is a directory, `layers/<hex>/fs`, with overlayfs's whiteouts in it;
/// `layers/<hex>/facts` says what is known of it. For kernels that cannot mount EROFS from a file.
class DirectoryDriver final : public Driver {
public:
    static Result<std::unique_ptr<Driver>> open(const std::string& root,
                                                std::shared_ptr<MountPlace> place, sys::Room* room);

    std::string_view name() const override { return "directory"; }
    Result<LayerInfo> apply(codec::ByteSource& archive, const ApplyOptions& options,
                            std::stop_token stop) override;
    Result<LayerInfo> capture(sys::BorrowedFd upper, codec::ByteSink& tar,
                              std::stop_token stop) override;
    bool has(const oci::Digest& diff_id) const override;
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
    DirectoryDriver(std::unique_ptr<LayerStore> store, std::string empty,
                    std::shared_ptr<MountPlace> place, sys::Room* room)
        : store_(std::move(store)),
          empty_(std::move(empty)),
          place_(std::move(place)),
          room_(room) {}
    Result<LayerInfo> unpack(codec::ByteSource& plain, const std::optional<oci::Digest>& expected,
                             std::stop_token stop);
    Result<sys::Fd> open_layer(const oci::Digest& diff_id) const;

    std::unique_ptr<LayerStore> store_;
    std::string empty_;  ///< an empty directory, what scratch images stand on
    std::shared_ptr<MountPlace> place_;
    sys::Room* room_;
};

}  // namespace berth::snapshot
