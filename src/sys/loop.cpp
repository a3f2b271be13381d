#include "sys/loop.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "sys/retry_internal.h"

namespace berth::sys {

Result<LoopDevice> attach_loop(BorrowedFd file) {
    const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control) return Error::from_errno("open", errno).with_context("/dev/loop-control");
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(file.get());
    config.block_size = 4096;  // of EROFS; a file system that cannot do direct reads of it is read
                               // through its cache
    config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
    // Others look for a free device at the same time: whoever configures it first has it.
    constexpr int max_attempts = 64;
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
        const int number = retry([&] { return ::ioctl(control.get(), LOOP_CTL_GET_FREE); });
        if (number < 0) return Error::from_errno("ioctl(LOOP_CTL_GET_FREE)", errno);
        LoopDevice device{.fd = Fd(), .path = concat("/dev/loop", number)};
        device.fd = Fd(::open(device.path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!device.fd) return Error::from_errno("open", errno).with_context(device.path);
        if (retry([&] { return ::ioctl(device.fd.get(), LOOP_CONFIGURE, &config); }) == 0)
            return device;
        if (errno == EINVAL && (config.info.lo_flags & LO_FLAGS_DIRECT_IO)) {
            config.info.lo_flags &= ~static_cast<std::uint32_t>(LO_FLAGS_DIRECT_IO);
            continue;
        }
        if (errno != EBUSY)
            return Error::from_errno("ioctl(LOOP_CONFIGURE)", errno).with_context(device.path);
    }
    return fail(ErrorCode::Unavailable, "no free loop device");
}

}  // namespace berth::sys
