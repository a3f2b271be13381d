#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/digest.h"
#include "sys/remover.h"

namespace berth::snapshot {

/// The directories `<root>/layers/<hex>` that both drivers keep: each appears complete by one
/// rename and vanishes by one. Names that begin with a dot are half-made or on their way out.
class LayerStore {
public:
    /// A layer being made; removed on destruction unless published.
    class Staged {
    public:
        Staged(Staged&& other) noexcept : path_(std::exchange(other.path_, {})) {}
        Staged& operator=(Staged&&) = delete;
        ~Staged();
        const std::string& path() const { return path_; }

    private:
        friend class LayerStore;
        explicit Staged(std::string path) : path_(std::move(path)) {}
        std::string path_;
    };

    /// Creates the directory, and removes in the background what a crash left.
    static Result<std::unique_ptr<LayerStore>> open(const std::string& root);
    LayerStore(const LayerStore&) = delete;
    LayerStore& operator=(const LayerStore&) = delete;

    std::string path(const oci::Digest& diff_id) const {
        return concat(layers_, "/", diff_id.hex());
    }
    Result<Staged> stage();
    /// Gives the layer its name, durably; its files must be synced. One that has the name already
    /// stays, if it holds `marker`, the file or directory that is the layer proper; else it is of
    /// another driver and makes room.
    Result<> publish(Staged staged, const oci::Digest& diff_id, const std::string& marker);
    /// The same in the place of one that is there, in one step.
    Result<> replace(Staged staged, const oci::Digest& diff_id, const std::string& marker);
    /// Takes the name away at once and the space in the background. Absent is fine.
    Result<> remove(const oci::Digest& diff_id);
    /// Lets go of a layer's mount in the background: the kernel forgets its inodes one by one.
    void release(std::shared_ptr<const void> mount) { remover_.release(std::move(mount)); }
    /// Blocks until what was removed or released has gone.
    void wait() { remover_.wait(); }
    /// Layers that hold `marker`.
    Result<std::vector<oci::Digest>> list(const std::string& marker) const;
    Result<std::uint64_t> disk_usage(const oci::Digest& diff_id) const;
    Result<std::uint64_t> usage() const;

private:
    explicit LayerStore(std::string layers);
    std::string layers_;
    sys::Remover remover_;
};

}  // namespace berth::snapshot
