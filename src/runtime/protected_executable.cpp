#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "runtime/launch.h"
#include "sys/file.h"
#include "sys/mount.h"

// A process that enters a container shows its own program there as /proc/<pid>/exe. CVE-2019-5736
// opened that for writing and replaced the host's binary. A read-only bind mount that is attached
// nowhere cannot be written through and cannot be remounted from a container, and costs two system
// calls instead of a copy of the program.
namespace berth::runtime {
namespace {

constexpr int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

// Where trees cannot be cloned (no CAP_SYS_ADMIN, an old kernel): a sealed copy in memory.
Result<sys::Fd> sealed_copy(const std::string& path) {
    const sys::Fd source = TRY(sys::open(path, O_RDONLY));
    sys::Fd copy = TRY(sys::memfd("program"));
    TRY(sys::copy_range(source, copy, ~std::uint64_t(0) >> 1).context("copy ", path));
    if (::fcntl(copy.get(), F_ADD_SEALS, all_seals) < 0)
        return Error::from_errno("fcntl(F_ADD_SEALS)", errno);
    return sys::reopen(copy, O_RDONLY);
}

Result<sys::Fd> read_only_view(const std::string& path) {
    const sys::DetachedMount view = TRY(sys::clone_tree(path));
    TRY(sys::set_attributes(view.fd(), {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV}));
    return sys::reopen(view.fd(), O_RDONLY);
}

}  // namespace

Result<sys::Fd> open_protected_executable(const std::string& path) {
    auto view = read_only_view(path);
    return view ? std::move(view) : sealed_copy(path).context("protect ", path);
}

bool is_executable_protected() {
    struct statvfs status;
    if (::statvfs("/proc/self/exe", &status) == 0 && (status.f_flag & ST_RDONLY)) return true;
    const auto self = sys::open("/proc/self/exe", O_RDONLY);
    return self && ::fcntl(self->get(), F_GET_SEALS) == all_seals;
}

}  // namespace berth::runtime
