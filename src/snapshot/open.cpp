#include "snapshot/directory/driver.h"
#include "snapshot/driver.h"
#include "snapshot/erofs/driver.h"

namespace berth::snapshot {

Result<std::unique_ptr<Driver>> open_driver(const DriverOptions& options) {
    if (!options.driver.empty() && options.driver != "directory" && options.driver != "erofs" &&
        options.driver != "erofs-loop") {
        return fail(ErrorCode::InvalidArgument, "unknown storage driver \"", options.driver,
                    "\": erofs, erofs-loop and directory are known");
    }
    std::shared_ptr<MountPlace> place;
    if (options.attach_mounts) place = TRY(MountPlace::open(options.root + "/mounts"));
    if (options.driver == "directory")
        return DirectoryDriver::open(options.root, place, options.room);
    auto driver = ErofsDriver::open(
        options.root, options.driver == "erofs-loop" ? ImageSource::LoopDevice : ImageSource::File,
        place, options.room);
    if (!driver.is_error() || options.driver == "erofs-loop") return driver;
    auto through_device =
        ErofsDriver::open(options.root, ImageSource::LoopDevice, place, options.room);
    if (!through_device.is_error()) return through_device;
    if (!options.driver.empty()) return driver;
    return DirectoryDriver::open(options.root, place, options.room);
}

}  // namespace berth::snapshot
