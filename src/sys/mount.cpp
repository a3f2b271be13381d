#include "sys/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

// <sys/mount.h> and <linux/mount.h> of Debian 12 cannot both be included.
extern "C" int umount2(const char* target, int flags) noexcept;
extern "C" int mount(const char* source, const char* target, const char* type, unsigned long flags,
                     const void* data) noexcept;

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif

namespace berth::sys {
namespace {

constexpr int detach = 2;               // MNT_DETACH
constexpr unsigned long read_only = 1;  // MS_RDONLY

Result<> move_to(BorrowedFd mount, int target_directory, const char* path, unsigned flags) {
    if (::syscall(SYS_move_mount, mount.get(), "", target_directory, path,
                  MOVE_MOUNT_F_EMPTY_PATH | flags) < 0)
        return Error::from_errno("move_mount", errno);
    return {};
}

// What the kernel wrote into the context's log, such as "e overlay: ...": one message a read.
std::string read_kernel_log(BorrowedFd context) {
    char buffer[512];
    std::string text;
    for (;;) {
        const ssize_t size = ::read(context.get(), buffer, sizeof(buffer));
        if (size <= 2) return text;
        if (!text.empty()) text += "; ";
        text += trim(std::string_view(buffer + 2, static_cast<std::size_t>(size) - 2));
    }
}

Error mount_error(std::string_view call, int error_number, BorrowedFd context,
                  const std::string& type) {
    std::string said = read_kernel_log(context);
    Error error = Error::from_errno(call, error_number);
    if (!said.empty()) error = std::move(error).with_context(std::move(said));
    return std::move(error).with_context(type);
}

}  // namespace

Result<> DetachedMount::attach(BorrowedFd target) const {
    return move_to(fd_, target.get(), "", MOVE_MOUNT_T_EMPTY_PATH);
}

Result<> DetachedMount::attach_at(const std::string& path) const {
    return move_to(fd_, AT_FDCWD, path.c_str(), 0).context(path);
}

Result<DetachedMount> make_mount(const std::string& type, const std::vector<MountOption>& options,
                                 std::uint64_t attributes) {
    const Fd context(static_cast<int>(::syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC)));
    if (!context) return Error::from_errno("fsopen", errno).with_context(type);
    for (const auto& option : options) {
        const long done = option.fd >= 0 ? ::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_FD,
                                                     option.key.c_str(), nullptr, option.fd)
                          : option.value.empty()
                              ? ::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_FLAG,
                                          option.key.c_str(), nullptr, 0)
                              : ::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING,
                                          option.key.c_str(), option.value.c_str(), 0);
        if (done < 0)
            return mount_error(concat("fsconfig(", option.key, ")"), errno, context, type);
    }
    if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
        return mount_error("fsconfig(create)", errno, context, type);
    Fd mount(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, attributes)));
    if (!mount) return mount_error("fsmount", errno, context, type);
    return DetachedMount(std::move(mount));
}

Result<DetachedMount> clone_tree_at(BorrowedFd directory, const std::string& path,
                                    const CloneTreeOptions& options) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    if (path.empty()) flags |= AT_EMPTY_PATH;
    if (options.recursive) flags |= AT_RECURSIVE;
    if (options.no_follow) flags |= AT_SYMLINK_NOFOLLOW;
    Fd fd(static_cast<int>(::syscall(SYS_open_tree, directory.get(), path.c_str(), flags)));
    if (!fd) return Error::from_errno("open_tree", errno);
    return DetachedMount(std::move(fd));
}

Result<DetachedMount> clone_tree(const std::string& path, const CloneTreeOptions& options) {
    return clone_tree_at(AT_FDCWD, path, options).context(path);
}

Result<DetachedMount> clone_tree(BorrowedFd fd, const CloneTreeOptions& options) {
    return clone_tree_at(fd, "", options);
}

bool can_copy_detached_mounts() {
    static const bool answer = [] {
        const auto mount = make_mount("tmpfs", {});
        return mount && clone_tree(mount->fd());
    }();
    return answer;
}

Result<> mount_at(const std::string& path, const std::string& type, const std::string& options,
                  bool is_read_only) {
    if (::mount(type.c_str(), path.c_str(), type.c_str(), is_read_only ? read_only : 0,
                options.c_str()) < 0)
        return Error::from_errno("mount", errno).with_context(concat(type, " at ", path));
    return {};
}

namespace {
Result<> set_attributes(int directory, const char* path, unsigned flags,
                        const MountAttributes& attributes) {
    mount_attr value{};
    value.attr_set = attributes.set;
    value.attr_clr = attributes.clear;
    value.propagation = attributes.propagation;
    if (attributes.user_namespace >= 0)
        value.userns_fd = static_cast<std::uint64_t>(attributes.user_namespace);
    if (attributes.recursive) flags |= AT_RECURSIVE;
    if (::syscall(SYS_mount_setattr, directory, path, flags, &value, sizeof(value)) < 0)
        return Error::from_errno("mount_setattr", errno);
    return {};
}
}  // namespace

Result<> set_attributes(BorrowedFd mount, const MountAttributes& attributes) {
    return set_attributes(mount.get(), "", AT_EMPTY_PATH, attributes);
}

Result<> set_attributes_at(const std::string& path, const MountAttributes& attributes) {
    return set_attributes(AT_FDCWD, path.c_str(), 0, attributes).context(path);
}

Result<> unmount(const std::string& path, int flags) {
    if (::umount2(path.c_str(), flags) < 0)
        return Error::from_errno("umount2", errno).with_context(path);
    return {};
}

Result<> pivot_to(BorrowedFd new_root) {
    if (::fchdir(new_root.get()) < 0) return Error::from_errno("fchdir", errno);
    // With both arguments "." the old root ends up on top of the new one, where MNT_DETACH finds
    // it. pivot_root(2).
    if (::syscall(SYS_pivot_root, ".", ".") < 0) return Error::from_errno("pivot_root", errno);
    if (::umount2(".", detach) < 0)
        return Error::from_errno("umount2", errno).with_context("old root");
    if (::chdir("/") < 0) return Error::from_errno("chdir", errno).with_context("/");
    return {};
}

namespace {

// Mountinfo writes space, tab, newline and backslash as three octal digits.
std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() + 0 && text[i + 1] >= '0' &&
            text[i + 1] <= '3') {
            const auto code = parse_octal(text.substr(i + 1, 3));
            if (code) {
                out += static_cast<char>(*code);
                i += 3;
                continue;
            }
        }
        out += text[i];
    }
    return out;
}

}  // namespace

std::vector<MountEntry> parse_mountinfo(std::string_view text) {
    std::vector<MountEntry> entries;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const auto fields = split(line, ' ');
        std::size_t separator = 6;
        while (separator < fields.size() && fields[separator] != "-") ++separator;
        if (separator + 3 >= fields.size()) continue;
        MountEntry entry;
        entry.id = parse_uint(fields[0]).value_or(0);
        entry.parent_id = parse_uint(fields[1]).value_or(0);
        entry.root = unescape(fields[3]);
        entry.target = unescape(fields[4]);
        entry.options = fields[5];
        for (std::size_t i = 6; i < separator; ++i) {
            if (!entry.propagation.empty()) entry.propagation += ' ';
            entry.propagation += fields[i];
        }
        entry.type = fields[separator + 1];
        entry.source = unescape(fields[separator + 2]);
        entry.super_options = fields[separator + 3];
        entries.push_back(std::move(entry));
    }
    return entries;
}

Result<std::vector<MountEntry>> list_mounts(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return Error::from_errno("open", errno).with_context(path);
    std::string text;
    char buffer[16384];
    for (;;) {
        const ssize_t size = ::read(file.get(), buffer, sizeof(buffer));
        if (size < 0) return Error::from_errno("read", errno).with_context(path);
        if (size == 0) return parse_mountinfo(text);
        text.append(buffer, static_cast<std::size_t>(size));
    }
}

}  // namespace berth::sys
