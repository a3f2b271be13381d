#include "container/storage_limit.h"

#include "container/mount_plan.h"
#include "sys/file.h"
#include "sys/project_quota.h"

namespace berth::container {
namespace {

/// Less has no room for an overlay's own directories.
constexpr std::int64_t least_bytes = 64 << 10;

/// A number that is free as long as the directory is there: its inode's, in a range of our own, as
/// administrators count from 1.
std::uint32_t project_for(const struct stat& directory) {
    constexpr std::uint32_t range = 1U << 30U;
    return range | (static_cast<std::uint32_t>(directory.st_ino) & (range - 1));
}

}  // namespace

Result<std::uint64_t> storage_limit(const StringMap& options) {
    for (const auto& [name, value] : options) {
        if (name != "size")
            return fail(ErrorCode::InvalidArgument, "unknown storage option \"", name, "\"")
                .with_hint("there is size=BYTES, such as --storage-opt size=10G");
    }
    const auto found = options.find("size");
    if (found == options.end()) return std::uint64_t{0};
    const auto bytes = parse_size(found->second);
    if (bytes.is_error() || *bytes < least_bytes)
        return fail(ErrorCode::InvalidArgument, "--storage-opt size=", found->second,
                    ": not a size of at least 64k");
    return static_cast<std::uint64_t>(*bytes);
}

Result<> limit_storage(const snapshot::Writable& writable, std::uint64_t bytes) {
    const sys::Fd upper = TRY(sys::open(writable.upper, O_RDONLY | O_DIRECTORY));
    if (!sys::has_project_quotas(upper)) {
        const std::string root = writable.upper.substr(0, writable.upper.find("/containers/"));
        return fail(ErrorCode::InvalidArgument, "--storage-opt size: the file system of ", root,
                    " has no project quotas")
            .with_hint(
                "XFS has them when it is mounted with pquota, ext4 when it was made with -O "
                "quota,project and is mounted with prjquota");
    }
    const sys::Fd work = TRY(sys::open(writable.work, O_RDONLY | O_DIRECTORY));
    const std::uint32_t project = project_for(TRY(sys::fstat(upper)));
    // Files are made in one and moved to the other, which only one project allows.
    TRY(sys::set_project(work, project));
    TRY(sys::set_project(upper, project));
    return sys::limit_project(upper, project, bytes);
}

Result<> release_storage(const snapshot::Writable& writable) {
    const sys::Fd upper = TRY(sys::open(writable.upper, O_RDONLY | O_DIRECTORY));
    const std::uint32_t project = TRY(sys::project_of(upper));
    if (project != project_for(TRY(sys::fstat(upper)))) return {};
    return sys::limit_project(upper, project, 0);
}

}  // namespace berth::container
