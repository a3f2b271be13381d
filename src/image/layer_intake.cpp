#include "image/layer_intake_internal.h"

#include "image/tee_internal.h"

namespace berth::image {
namespace {

/// Takes a blob, and unpacks it in passing.
Result<Layer> keep_and_unpack(Store::Implementation& implementation, codec::ByteSource& bytes,
                              const content::Expectation& expected, const std::stop_token& stop) {
    auto& services = implementation.services_;
    auto writer = TRY(services.content.create_ingest());
    TeeSource tee(bytes, writer);
    Layer layer;
    auto unpacked = services.snapshots.apply(tee, {}, stop);
    if (unpacked) layer.diff_id = unpacked->diff_id;
    // Then a piece of the blob may be missing.
    if (unpacked.is_error() && unpacked.error().is(ErrorCode::NoSpace))
        return std::move(unpacked).error();
    // What was not read for unpacking belongs to the blob, too.
    std::vector<std::byte> rest(256 << 10);
    while (TRY(tee.read(rest)) > 0) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
    }
    const auto blob = TRY(std::move(writer).commit(expected));
    layer.blob.digest = blob.digest;
    layer.blob.size = static_cast<std::int64_t>(blob.bytes);
    return layer;
}

}  // namespace

bool LayerIntake::looks_like_layer(std::string_view head) {
    using namespace std::string_view_literals;
    for (const auto magic : {"\x1f\x8b"sv, "\x28\xb5\x2f\xfd"sv, "BZh"sv,
                             "\xfd"
                             "7zXZ\0"sv})
        if (head.starts_with(magic)) return true;
    return looks_like_tar(head);
}

bool LayerIntake::looks_like_tar(std::string_view head) {
    constexpr std::size_t tar_magic_offset = 257;
    return head.size() >= head_bytes && head.substr(tar_magic_offset).starts_with("ustar");
}

std::shared_ptr<LayerIntake> LayerIntake::compressed(Store& store, const std::stop_token& stop) {
    return std::shared_ptr<LayerIntake>(new LayerIntake(
        [&store, stop](codec::ByteSource& bytes) { return store.add_layer(bytes, stop); }, true));
}

std::shared_ptr<LayerIntake> LayerIntake::archive(Store::Implementation& implementation,
                                                  std::optional<oci::Digest> expected,
                                                  const std::stop_token& stop) {
    return std::shared_ptr<LayerIntake>(new LayerIntake(
        [&implementation, expected, stop](codec::ByteSource& bytes) -> Result<Layer> {
            auto layer = TRY(implementation.add_archive(bytes, stop));
            if (expected && layer.diff_id != *expected)
                return fail(ErrorCode::Corrupted, "received content with digest ", layer.diff_id,
                            " instead of ", *expected);
            return layer;
        },
        true));
}

std::shared_ptr<LayerIntake> LayerIntake::as_it_came(Store::Implementation& implementation,
                                                     const content::Expectation& expected,
                                                     const std::stop_token& stop) {
    return std::shared_ptr<LayerIntake>(new LayerIntake(
        [&implementation, expected, stop](codec::ByteSource& bytes) {
            return keep_and_unpack(implementation, bytes, expected, stop);
        },
        false));
}

LayerIntake::LayerIntake(Work work, bool is_unpacked)
    : is_unpacked_(is_unpacked),
      outcome_(Error(ErrorCode::Internal, "not done")),
      thread_([this, work = std::move(work)] {
          outcome_ = work(channel_);
          channel_.abandon();
      }) {}

LayerIntake::~LayerIntake() {
    if (!is_closed_) channel_.close(fail(ErrorCode::Cancelled, "the archive ended early"));
}

Result<> LayerIntake::write(std::span<const std::byte> bytes) {
    auto written = channel_.write(bytes);
    if (written.is_error() && !written.error().is(ErrorCode::Cancelled)) return written;
    return {};
}

void LayerIntake::close() {
    is_closed_ = true;
    channel_.close();
}

void LayerIntake::finish() {
    if (thread_.joinable()) thread_.join();
}

Result<Layer> LayerIntake::wait() {
    finish();
    if (outcome_.is_error()) return outcome_.error().clone();
    return *outcome_;
}

}  // namespace berth::image
