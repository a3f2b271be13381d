#include "snapshot/mount_place.h"

#include <fcntl.h>

#include "base/text.h"
#include "sys/dir.h"

namespace berth::snapshot {
namespace {
constexpr int detach = 2;  // MNT_DETACH
}

MountPlace::Point& MountPlace::Point::operator=(Point&& other) noexcept {
    if (this != &other) {
        clear();
        place_ = std::move(other.place_);
        path_ = std::move(other.path_);
    }
    return *this;
}

MountPlace::Point::~Point() { clear(); }

void MountPlace::Point::clear() {
    if (!place_) return;
    sys::unmount(path_, detach).ignore("nothing was mounted there, or the place is gone");
    sys::unlink_at(AT_FDCWD, path_, AT_REMOVEDIR).ignore("it goes with the place");
    place_.reset();
}

Result<std::shared_ptr<MountPlace>> MountPlace::open(const std::string& directory) {
    TRY(sys::mkdir_all(directory, 0700));
    while (sys::unmount(directory, detach)) {
    }
    auto place = std::shared_ptr<MountPlace>(new MountPlace(directory));
    const auto memory = TRY(sys::make_mount("tmpfs", {{.key = "mode", .value = "0700"}}));
    TRY(memory.attach_at(directory));
    return place;
}

MountPlace::~MountPlace() {
    sys::unmount(directory_, detach).ignore("the namespace may be on its way out");
}

Result<MountPlace::Point> MountPlace::make_point() {
    std::string path = concat(directory_, "/", next_++);
    TRY(sys::mkdir_at(AT_FDCWD, path, 0700));
    return Point(shared_from_this(), std::move(path));
}

Result<MountPlace::Point> MountPlace::attach(const sys::DetachedMount& mount) {
    auto point = TRY(make_point());
    TRY(mount.attach_at(point.path()));
    return point;
}

}  // namespace berth::snapshot
