#include "sys/xattr.h"

#include <sys/xattr.h>

#include <cerrno>

#include "sys/file.h"

namespace berth::sys {
namespace {

// A kernel lists at most XATTR_LIST_MAX (64 KiB) of names and holds values of at most 64 KiB.
constexpr std::size_t max_xattr_bytes = 65536;

// The f*xattr calls refuse O_PATH descriptors; the magic link leads to the very inode, even if it
// is a symbolic link.
std::string through_proc(BorrowedFd fd) { return concat("/proc/self/fd/", fd.get()); }

}  // namespace

Result<std::vector<std::string>> list_xattrs(BorrowedFd fd) {
    char small[1024];
    std::string names;
    ssize_t length = ::flistxattr(fd.get(), small, sizeof small);
    const bool by_path = length < 0 && errno == EBADF;
    if (by_path) length = ::listxattr(through_proc(fd).c_str(), small, sizeof small);
    if (length >= 0) {
        names.assign(small, static_cast<std::size_t>(length));
    } else if (errno == ERANGE) {
        names.resize(max_xattr_bytes);
        length = by_path ? ::listxattr(through_proc(fd).c_str(), names.data(), names.size())
                         : ::flistxattr(fd.get(), names.data(), names.size());
        if (length < 0) return Error::from_errno("listxattr", errno);
        names.resize(static_cast<std::size_t>(length));
    } else if (errno == EOPNOTSUPP) {
        return std::vector<std::string>();
    } else {
        return Error::from_errno("listxattr", errno);
    }
    if (names.empty()) return std::vector<std::string>();
    names.pop_back();  // the last name's terminator
    return split(names, '\0');
}

Result<std::optional<std::string>> get_xattr(BorrowedFd fd, const std::string& name) {
    std::string value(256, '\0');
    for (;;) {
        ssize_t length = ::fgetxattr(fd.get(), name.c_str(), value.data(), value.size());
        if (length < 0 && errno == EBADF) {
            length = ::getxattr(through_proc(fd).c_str(), name.c_str(), value.data(), value.size());
        }
        if (length >= 0) {
            value.resize(static_cast<std::size_t>(length));
            return std::optional(std::move(value));
        }
        if (errno == ENODATA || errno == EOPNOTSUPP) return std::optional<std::string>();
        if (errno != ERANGE || value.size() >= max_xattr_bytes)
            return Error::from_errno("getxattr", errno);
        value.resize(max_xattr_bytes);
    }
}

Result<> set_xattr(BorrowedFd fd, const std::string& name, std::string_view value) {
    if (::fsetxattr(fd.get(), name.c_str(), value.data(), value.size(), 0) == 0) return {};
    if (errno == EBADF &&
        ::setxattr(through_proc(fd).c_str(), name.c_str(), value.data(), value.size(), 0) == 0) {
        return {};
    }
    return Error::from_errno("setxattr", errno).with_context(name);
}

Result<> remove_xattr(BorrowedFd fd, const std::string& name) {
    int outcome = ::fremovexattr(fd.get(), name.c_str());
    if (outcome != 0 && errno == EBADF)
        outcome = ::removexattr(through_proc(fd).c_str(), name.c_str());
    if (outcome == 0 || errno == ENODATA || errno == EOPNOTSUPP) return {};
    return Error::from_errno("removexattr", errno).with_context(name);
}

namespace {
Result<Fd> pin(BorrowedFd dir, const std::string& name) {
    return openat(dir, name, O_PATH | O_NOFOLLOW);
}
}  // namespace

Result<std::vector<std::string>> list_xattrs_at(BorrowedFd dir, const std::string& name) {
    const Fd fd = TRY(pin(dir, name));
    return list_xattrs(fd);
}

Result<std::optional<std::string>> get_xattr_at(BorrowedFd dir, const std::string& name,
                                                const std::string& attribute) {
    const Fd fd = TRY(pin(dir, name));
    return get_xattr(fd, attribute);
}

Result<> set_xattr_at(BorrowedFd dir, const std::string& name, const std::string& attribute,
                      std::string_view value) {
    const Fd fd = TRY(pin(dir, name));
    return set_xattr(fd, attribute, value);
}

}  // namespace berth::sys
