#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "image/channel_internal.h"
#include "image/implementation_internal.h"

namespace berth::image {

/// A layer that arrives in the middle of an archive: threads of its own decompress, hash and
/// unpack it while the archive is read on. Destruction ends them.
class LayerIntake {
public:
    /// How much of a file looks_like_layer() wants to see.
    static constexpr std::size_t head_bytes = 512;
    /// Whether this is the beginning of a tar, or of anything compressed.
    static bool looks_like_layer(std::string_view head);
    static bool looks_like_tar(std::string_view head);

    /// For a file of a docker-archive: the blob is made of it, see Store::add_layer().
    static std::shared_ptr<LayerIntake> compressed(Store& store, const std::stop_token& stop);
    /// The same where layers give their archive again, and for a blob that is one: then its digest
    /// is the expected one.
    static std::shared_ptr<LayerIntake> archive(Store::Implementation& implementation,
                                                std::optional<oci::Digest> expected,
                                                const std::stop_token& stop);
    /// For a blob of an OCI layout, which is kept as it is; wait() is about the blob alone. Whether
    /// it unpacks is known from the driver afterwards: only what a manifest calls a layer needs to.
    static std::shared_ptr<LayerIntake> as_it_came(Store::Implementation& implementation,
                                                   const content::Expectation& expected,
                                                   const std::stop_token& stop);
    ~LayerIntake();
    LayerIntake(const LayerIntake&) = delete;
    LayerIntake& operator=(const LayerIntake&) = delete;

    /// Whether wait() is about the layer, too.
    bool is_unpacked() const { return is_unpacked_; }
    /// Waits while the work is far behind. After a failure the bytes go nowhere: wait() says why.
    Result<> write(std::span<const std::byte> bytes);
    void close();
    /// Until the work is done, well or not.
    void finish();
    /// finish(), and the outcome; can be called again.
    Result<Layer> wait();

private:
    using Work = std::function<Result<Layer>(codec::ByteSource& bytes)>;
    LayerIntake(Work work, bool is_unpacked);

    const bool is_unpacked_;
    bool is_closed_ = false;
    Channel channel_;
    Result<Layer> outcome_;
    std::jthread thread_;  ///< last, so that it ends first
};

}  // namespace berth::image
