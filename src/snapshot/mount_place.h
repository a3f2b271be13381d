#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "base/result.h"
#include "sys/mount.h"

namespace berth::snapshot {

/// Where mounts are attached that the kernel wants to find in this mount namespace: before
/// Linux 6.15 it makes neither an overlay nor a bind mount of one that is attached nowhere. One
/// directory, covered by a file system in memory, so that nothing of it is on disk and all of it
/// goes at once.
class MountPlace : public std::enable_shared_from_this<MountPlace> {
public:
    /// A directory in the place, with or without a mount on it; taken off and removed on
    /// destruction. Whoever uses the mount at that time goes on doing so.
    class Point {
    public:
        Point() = default;
        Point(std::shared_ptr<MountPlace> place, std::string path)
            : place_(std::move(place)), path_(std::move(path)) {}
        Point(Point&&) = default;
        Point& operator=(Point&& other) noexcept;
        ~Point();
        const std::string& path() const { return path_; }

    private:
        void clear();
        std::shared_ptr<MountPlace> place_;
        std::string path_;
    };

    /// Takes away what an engine before this one attached at `directory`, which is made if need be.
    static Result<std::shared_ptr<MountPlace>> open(const std::string& directory);
    MountPlace(const MountPlace&) = delete;
    ~MountPlace();

    Result<Point> make_point();
    /// `mount` stays valid: it is the attached mount from now on.
    Result<Point> attach(const sys::DetachedMount& mount);

private:
    explicit MountPlace(std::string directory) : directory_(std::move(directory)) {}
    std::string directory_;
    std::atomic<std::uint64_t> next_ = 0;
};

}  // namespace berth::snapshot
