#include "snapshot/directory/driver.h"
#include "snapshot/driver.h"
#include "snapshot/erofs/driver.h"

namespace berth::snapshot {

Result<std::unique_ptr<Driver>> open_driver(const DriverOptions& options) {
    if (options.driver == "directory") return DirectoryDriver::open(options.root);
    if (!options.driver.empty() && options.driver != "erofs") {
        return fail(ErrorCode::InvalidArgument, "unknown storage driver \"", options.driver,
                    "\": erofs and directory are known");
    }
    auto driver = ErofsDriver::open(options.root);
    if (!driver.is_error() || !options.driver.empty()) return driver;
    return DirectoryDriver::open(options.root);
}

}  // namespace berth::snapshot
