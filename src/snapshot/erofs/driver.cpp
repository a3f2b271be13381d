#include "snapshot/erofs/driver.h"

#include <sys/stat.h>

#include "layer/apply.h"
#include "layer/pipeline.h"
#include "snapshot/overlay.h"
#include "snapshot/verify_internal.h"
#include "sys/file.h"
#include "sys/loop.h"

namespace berth::snapshot {
namespace {

const std::string image_name = "layer.erofs";
const std::string frame_name = "layer.tar-frame";  // beside it, of layers that give their archive
constexpr std::uint64_t mount_read_only = 1;       // MOUNT_ATTR_RDONLY

/// An archive with the files that it is read from.
class KeptArchive final : public codec::ByteSource {
public:
    static Result<std::unique_ptr<KeptArchive>> open(sys::Fd frame, sys::Fd image) {
        auto archive = std::unique_ptr<KeptArchive>(new KeptArchive);
        archive->frame_ = std::move(frame);
        archive->image_ = std::move(image);
        archive->reader_ = TRY(layer::TarFrameReader::open(archive->frame_, archive->image_));
        return archive;
    }
    Result<std::size_t> read(std::span<std::byte> buffer) override { return reader_->read(buffer); }

private:
    KeptArchive() = default;
    sys::Fd frame_, image_;
    std::unique_ptr<layer::TarFrameReader> reader_;
};

}  // namespace

Result<sys::DetachedMount> ErofsDriver::mount_image(const std::string& path) const {
    if (source_ == ImageSource::File)
        return sys::make_mount("erofs", {{.key = "source", .value = path}}, mount_read_only);
    const sys::Fd file = TRY(sys::open(path, O_RDONLY));
    // The device ends by itself with the last of its users: this descriptor until the mount is
    // there, then the mount.
    const auto device = TRY(sys::attach_loop(file).context("loop device for ", path));
    // The file system itself is read-only, too: the kernel opens the device as it is to be used,
    // and this one refuses writers.
    return sys::make_mount("erofs",
                           {{.key = "source", .value = device.path}, {.key = "ro", .value = {}}},
                           mount_read_only);
}

Result<ErofsDriver::SharedMount> ErofsDriver::mount_shared(const std::string& path) {
    LayerMount layer{.mount = TRY(mount_image(path)), .point = {}};
    if (place_) layer.point = TRY(place_->attach(layer.mount));
    return std::make_shared<const LayerMount>(std::move(layer));
}

Result<std::unique_ptr<Driver>> ErofsDriver::open(const std::string& root, ImageSource source,
                                                  std::shared_ptr<MountPlace> place,
                                                  sys::Room* room) {
    auto driver = std::unique_ptr<ErofsDriver>(
        new ErofsDriver(TRY(LayerStore::open(root)), source, std::move(place), room));
    auto probed = driver->probe();
    if (probed.is_error()) return std::move(probed).error().with_code(ErrorCode::Unsupported);
    // A file that was cut (by a disk's or a user's doing; our own are renamed into place when
    // complete) is as good as none: the layer is made again from its blob.
    for (const auto& diff_id : TRY(driver->list())) {
        const auto info = driver->inspect(diff_id);
        if (info.is_error() && info.error().is(ErrorCode::Corrupted))
            TRY(driver->store_->remove(diff_id));
    }
    return std::unique_ptr<Driver>(std::move(driver));
}

Result<> ErofsDriver::probe() {
    const auto staged = TRY(store_->stage());
    const std::string path = concat(staged.path(), "/", image_name);
    const std::string empty_archive(1024, '\0');
    codec::MemorySource source(empty_archive);
    const sys::Fd file = TRY(sys::open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
    TRY(layer::write_erofs_image(source, file, {}));
    empty_ = TRY(mount_shared(path).context("mount an EROFS image from its ",
                                            source_ == ImageSource::File ? "file" : "loop device"));
    return {};
}

std::string ErofsDriver::frame_path(const oci::Digest& diff_id) const {
    return concat(store_->path(diff_id), "/", frame_name);
}

std::string ErofsDriver::image_path(const oci::Digest& diff_id) const {
    return concat(store_->path(diff_id), "/", image_name);
}

Result<LayerInfo> ErofsDriver::apply(codec::ByteSource& archive, const ApplyOptions& options,
                                     std::stop_token stop) {
    if (options.diff_id && has(*options.diff_id) &&
        (!options.keeps_archive || has_archive(*options.diff_id))) {
        TRY(verify_archive(archive, *options.diff_id, std::move(stop)));
        return inspect(*options.diff_id);
    }
    auto staged = TRY(store_->stage());
    const sys::Fd file =
        TRY(sys::open(concat(staged.path(), "/", image_name), O_RDWR | O_CREAT | O_EXCL, 0600));
    sys::Fd frame_file;
    std::optional<layer::TarFrameWriter> frame;
    if (options.keeps_archive) {
        frame_file =
            TRY(sys::open(concat(staged.path(), "/", frame_name), O_RDWR | O_CREAT | O_EXCL, 0600));
        frame.emplace(frame_file, room_);
    }
    const auto applied = TRY(
        layer::write_erofs_image(archive, file, std::move(stop), room_, frame ? &*frame : nullptr));
    TRY(check_diff_id(applied.diff_id, options.diff_id));
    TRY(sys::fsync(file));
    if (frame) TRY(sys::fsync(frame_file));
    // A frame is of its image alone. The layer that is there already makes room for the pair, in
    // one step; what is mounted from it goes on.
    if (frame && has(applied.diff_id) && !has_archive(applied.diff_id)) {
        TRY(store_->replace(std::move(staged), applied.diff_id, frame_name));
        if (auto mount = take_mount(applied.diff_id)) store_->release(std::move(mount));
    } else {
        TRY(store_->publish(std::move(staged), applied.diff_id, frame ? frame_name : image_name));
    }
    return inspect(applied.diff_id);
}

bool ErofsDriver::has_archive(const oci::Digest& diff_id) const {
    return has(diff_id) && sys::exists(frame_path(diff_id));
}

Result<std::unique_ptr<codec::ByteSource>> ErofsDriver::open_archive(
    const oci::Digest& diff_id) const {
    const auto of_layer = [&](const std::string& path) {
        return sys::open(path, O_RDONLY).context("archive of layer ", diff_id);
    };
    auto frame = TRY(of_layer(frame_path(diff_id)));
    auto image = TRY(of_layer(image_path(diff_id)));
    return std::unique_ptr<codec::ByteSource>(
        TRY(KeptArchive::open(std::move(frame), std::move(image))));
}

Result<LayerInfo> ErofsDriver::capture(sys::BorrowedFd upper, codec::ByteSink& tar,
                                       std::stop_token stop) {
    auto staged = TRY(store_->stage());
    const sys::Fd file =
        TRY(sys::open(concat(staged.path(), "/", image_name), O_RDWR | O_CREAT | O_EXCL, 0600));
    const auto applied = TRY(layer::capture_erofs_image(upper, tar, file, std::move(stop), room_));
    TRY(sys::fsync(file));
    TRY(store_->publish(std::move(staged), applied.diff_id, image_name));
    return inspect(applied.diff_id);
}

Result<> ErofsDriver::check_archive(const oci::Digest& diff_id) const {
    if (!has_archive(diff_id)) return {};
    TRY(open_archive(diff_id));  // which reads the frame through
    return {};
}

Result<> ErofsDriver::drop_archive(const oci::Digest& diff_id) {
    auto removed = sys::unlink(frame_path(diff_id));
    if (removed.is_error() && removed.error().is(ErrorCode::NotFound)) return {};
    return removed;
}

bool ErofsDriver::has(const oci::Digest& diff_id) const { return sys::exists(image_path(diff_id)); }

Result<LayerInfo> ErofsDriver::inspect(const oci::Digest& diff_id) const {
    const sys::Fd file = TRY(sys::open(image_path(diff_id), O_RDONLY).context("layer ", diff_id));
    const auto facts = TRY(layer::read_image_facts(file).context("layer ", diff_id));
    if (facts.diff_id_hex != diff_id.hex()) {
        return fail(ErrorCode::Corrupted, "layer ", diff_id, ": the image is of another layer");
    }
    const struct stat status = TRY(sys::fstat(file));
    const auto frame = sys::fstatat(AT_FDCWD, frame_path(diff_id), 0);
    const std::uint64_t frame_bytes = frame ? sys::allocated_bytes(*frame) : 0;
    return LayerInfo{.diff_id = diff_id,
                     .tar_bytes = facts.tar_bytes,
                     .disk_bytes = sys::allocated_bytes(status) + frame_bytes,
                     .entries = facts.entries};
}

Result<bool> ErofsDriver::verify(const oci::Digest& diff_id, std::stop_token stop) const {
    TRY(inspect(diff_id));
    const sys::Fd file = TRY(sys::open(image_path(diff_id), O_RDONLY).context("layer ", diff_id));
    return layer::verify_image(file, std::move(stop));
}

Result<std::vector<oci::Digest>> ErofsDriver::list() const { return store_->list(image_name); }

ErofsDriver::SharedMount ErofsDriver::take_mount(const oci::Digest& diff_id) {
    auto mounts = mounts_.lock();
    const auto found = mounts->find(diff_id);
    if (found == mounts->end()) return nullptr;
    SharedMount mount = std::move(found->second);
    mounts->erase(found);
    return mount;
}

Result<> ErofsDriver::remove(const oci::Digest& diff_id) {
    // The last reference unmounts when it ends, here or in a mount_root() under way.
    SharedMount mount = take_mount(diff_id);
    auto removed = store_->remove(diff_id);
    if (mount) store_->release(std::move(mount));
    return removed;
}

Result<std::uint64_t> ErofsDriver::disk_usage(const oci::Digest& diff_id) const {
    return store_->disk_usage(diff_id);
}

Result<std::uint64_t> ErofsDriver::usage() const { return store_->usage(); }

Result<ErofsDriver::SharedMount> ErofsDriver::mount_layer(const oci::Digest& diff_id) {
    {
        auto mounts = mounts_.lock();
        if (const auto found = mounts->find(diff_id); found != mounts->end()) return found->second;
    }
    if (!has(diff_id)) return fail(ErrorCode::NotFound, "layer ", diff_id, " is not there");
    auto mount = TRY(mount_shared(image_path(diff_id)).context("layer ", diff_id));
    // Another thread may have been faster: then its mount is shared and this one goes.
    return mounts_.lock()->try_emplace(diff_id, std::move(mount)).first->second;
}

Result<Writable> ErofsDriver::create_writable(const std::string& directory,
                                              const std::vector<oci::Digest>& layers) {
    const SharedMount top = layers.empty() ? empty_ : TRY(mount_layer(layers.back()));
    return make_writable(directory, top->mount.fd());
}

Result<sys::DetachedMount> ErofsDriver::mount_root(const RootRequest& request) {
    std::vector<SharedMount> mounts;
    for (const auto& layer : request.layers) mounts.push_back(TRY(mount_layer(layer)));
    if (mounts.empty()) mounts.push_back(empty_);
    std::vector<sys::BorrowedFd> lower;
    for (const auto& mount : mounts) lower.push_back(mount->mount.fd());
    return mount_overlay(lower, request.writable, request.is_volatile, place_.get(),
                         request.layer_owners);
}

Result<MountPlace::Point> ErofsDriver::make_bindable(const sys::DetachedMount& mount) {
    return place_ ? place_->attach(mount) : MountPlace::Point();
}

}  // namespace berth::snapshot
