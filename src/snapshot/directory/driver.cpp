#include "snapshot/directory/driver.h"

#include <sys/stat.h>

#include "codec/compression.h"
#include "codec/json.h"
#include "layer/extract.h"
#include "layer/pack.h"
#include "layer/pipeline.h"
#include "snapshot/overlay.h"
#include "snapshot/verify_internal.h"
#include "sys/file.h"

namespace berth::snapshot {
namespace {
const std::string tree_name = "fs";
const std::string facts_name = "facts";
constexpr int facts_version = 1;
constexpr std::size_t max_facts_bytes = 4096;

/// A layer's archive takes about as much unpacked as it has bytes.
class MeteredSource final : public codec::ByteSource {
public:
    MeteredSource(codec::ByteSource& source, sys::Room* room) : source_(source), room_(room) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::size_t got = TRY(source_.read(buffer));
        if (room_ != nullptr) TRY(room_->take(got));
        return got;
    }

private:
    codec::ByteSource& source_;
    sys::Room* room_;
};
}  // namespace

Result<std::unique_ptr<Driver>> DirectoryDriver::open(const std::string& root,
                                                      std::shared_ptr<MountPlace> place,
                                                      sys::Room* room) {
    std::string empty = concat(root, "/empty");
    TRY(sys::mkdir_all(empty, 0755));
    auto store = TRY(LayerStore::open(root));
    return std::unique_ptr<Driver>(
        new DirectoryDriver(std::move(store), std::move(empty), std::move(place), room));
}

Result<LayerInfo> DirectoryDriver::unpack(codec::ByteSource& plain,
                                          const std::optional<oci::Digest>& expected,
                                          std::stop_token stop) {
    auto staged = TRY(store_->stage());
    const std::string tree = concat(staged.path(), "/", tree_name);
    TRY(sys::mkdir_at(AT_FDCWD, tree, 0755));
    const sys::Fd directory = TRY(sys::open(tree, O_RDONLY | O_DIRECTORY));
    TRY(sys::fchmod(directory, 0755));
    MeteredSource metered(plain, room_);
    layer::HashingSource source(metered, stop);
    const auto extracted = TRY(layer::extract(
        source, directory, {.whiteouts = layer::Whiteouts::Overlay}, std::move(stop)));
    const auto diff_id = oci::Digest::from_sha256_hex(source.finish_hex());
    TRY(check_diff_id(diff_id, expected));
    codec::Json facts;
    facts["version"] = facts_version;
    facts["tarBytes"] = source.bytes();
    facts["entries"] = extracted.entries;
    facts["diskBytes"] = TRY(sys::disk_usage(tree));
    TRY(sys::write_file_atomic(concat(staged.path(), "/", facts_name), codec::dump_json(facts),
                               0600));
    TRY(sys::sync_file_system(directory));
    TRY(store_->publish(std::move(staged), diff_id, tree_name));
    return inspect(diff_id);
}

Result<LayerInfo> DirectoryDriver::apply(codec::ByteSource& archive, const ApplyOptions& options,
                                         std::stop_token stop) {
    if (options.diff_id && has(*options.diff_id)) {
        TRY(verify_archive(archive, *options.diff_id, std::move(stop)));
        return inspect(*options.diff_id);
    }
    const auto plain = TRY(codec::open_decompressor(archive));
    layer::ProducerSource ahead(layer::ProducerSource::read_ahead(*plain));
    return unpack(ahead, options.diff_id, std::move(stop));
}

Result<LayerInfo> DirectoryDriver::capture(sys::BorrowedFd upper, codec::ByteSink& tar,
                                           std::stop_token stop) {
    layer::ProducerSource archive([&](layer::ProducerSource::Sink& sink) -> Result<> {
        layer::TeeSink both(tar, sink);
        TRY(layer::pack(upper, both,
                        {.whiteouts = layer::PackWhiteouts::ToArchive, .include_root = true},
                        stop));
        return {};
    });
    return unpack(archive, std::nullopt, stop);
}

bool DirectoryDriver::has(const oci::Digest& diff_id) const {
    return sys::exists(concat(store_->path(diff_id), "/", tree_name));
}

Result<LayerInfo> DirectoryDriver::inspect(const oci::Digest& diff_id) const {
    const auto text =
        TRY(sys::read_file(concat(store_->path(diff_id), "/", facts_name), max_facts_bytes)
                .context("layer ", diff_id));
    const auto facts = TRY(codec::parse_json(text).context("layer ", diff_id));
    if (codec::get_int(facts, "version") != facts_version) {
        return fail(ErrorCode::Unsupported, "layer ", diff_id, ": facts of an unknown version");
    }
    return LayerInfo{.diff_id = diff_id,
                     .tar_bytes = static_cast<std::uint64_t>(codec::get_int(facts, "tarBytes")),
                     .disk_bytes = static_cast<std::uint64_t>(codec::get_int(facts, "diskBytes")),
                     .entries = static_cast<std::uint64_t>(codec::get_int(facts, "entries"))};
}

Result<bool> DirectoryDriver::verify(const oci::Digest& diff_id, std::stop_token) const {
    TRY(inspect(diff_id));
    return false;
}

Result<std::vector<oci::Digest>> DirectoryDriver::list() const { return store_->list(tree_name); }
Result<> DirectoryDriver::remove(const oci::Digest& diff_id) { return store_->remove(diff_id); }
Result<std::uint64_t> DirectoryDriver::disk_usage(const oci::Digest& diff_id) const {
    return store_->disk_usage(diff_id);
}

Result<std::uint64_t> DirectoryDriver::usage() const { return store_->usage(); }

Result<sys::Fd> DirectoryDriver::open_layer(const oci::Digest& diff_id) const {
    auto fd = sys::open(concat(store_->path(diff_id), "/", tree_name), O_PATH | O_DIRECTORY);
    if (fd.is_error() && fd.error().is(ErrorCode::NotFound)) {
        return fail(ErrorCode::NotFound, "layer ", diff_id, " is not there");
    }
    return std::move(fd).context("layer ", diff_id);
}

Result<Writable> DirectoryDriver::create_writable(const std::string& directory,
                                                  const std::vector<oci::Digest>& layers) {
    if (layers.empty()) return make_writable(directory, std::nullopt);
    const sys::Fd top = TRY(open_layer(layers.back()));
    return make_writable(directory, top);
}

Result<sys::DetachedMount> DirectoryDriver::mount_root(const RootRequest& request) {
    std::vector<sys::Fd> layers;
    for (const auto& layer : request.layers) layers.push_back(TRY(open_layer(layer)));
    if (layers.empty()) layers.push_back(TRY(sys::open(empty_, O_PATH | O_DIRECTORY)));
    const std::vector<sys::BorrowedFd> lower(layers.begin(), layers.end());
    return mount_overlay(lower, request.writable, request.is_volatile, place_.get(),
                         request.layer_owners);
}

Result<MountPlace::Point> DirectoryDriver::make_bindable(const sys::DetachedMount& mount) {
    return place_ ? place_->attach(mount) : MountPlace::Point();
}

}  // namespace berth::snapshot
