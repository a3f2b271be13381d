#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "content/store.h"
#include "layer/pack.h"
#include "layer/pipeline.h"
#include "snapshot/driver.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/xattr.h"

// A real tree goes through GNU tar and a driver, and what is mounted then equals the tree in every
// respect.

namespace berth::snapshot {
namespace {

struct Difference {
    std::vector<std::string> lines;
    void add(const std::string& path, std::string_view what) {
        lines.push_back(concat(path, ": ", what));
    }
};

void compare(sys::BorrowedFd a, sys::BorrowedFd b, const std::string& path, Difference& difference);

void compare_xattrs(sys::BorrowedFd a, sys::BorrowedFd b, const std::string& path,
                    Difference& difference) {
    auto names_a = sys::list_xattrs(a).value();
    auto names_b = sys::list_xattrs(b).value();
    std::sort(names_a.begin(), names_a.end());
    std::sort(names_b.begin(), names_b.end());
    if (names_a != names_b) return difference.add(path, "names of attributes");
    for (const auto& name : names_a) {
        if (sys::get_xattr(a, name).value() != sys::get_xattr(b, name).value())
            difference.add(path, name);
    }
}

void compare_entry(sys::BorrowedFd dir_a, sys::BorrowedFd dir_b, const std::string& name,
                   const std::string& path, Difference& difference) {
    const auto a = sys::openat(dir_a, name, O_PATH | O_NOFOLLOW);
    const auto b = sys::openat(dir_b, name, O_PATH | O_NOFOLLOW);
    if (a.is_error() || b.is_error()) return difference.add(path, "is missing");
    const struct stat status_a = sys::fstat(*a).value();
    const struct stat status_b = sys::fstat(*b).value();
    if (status_a.st_mode != status_b.st_mode) difference.add(path, "mode");
    if (status_a.st_uid != status_b.st_uid || status_a.st_gid != status_b.st_gid)
        difference.add(path, "owner");
    if (status_a.st_rdev != status_b.st_rdev) difference.add(path, "device");
    if (status_a.st_mtim.tv_sec != status_b.st_mtim.tv_sec ||
        status_a.st_mtim.tv_nsec != status_b.st_mtim.tv_nsec) {
        difference.add(path, "time");
    }
    compare_xattrs(*a, *b, path, difference);
    if (S_ISDIR(status_a.st_mode)) {
        return compare(sys::openat(dir_a, name, O_RDONLY).value(),
                       sys::openat(dir_b, name, O_RDONLY).value(), path, difference);
    }
    if (status_a.st_size != status_b.st_size) difference.add(path, "size");
    if (S_ISLNK(status_a.st_mode) &&
        sys::readlink_at(*a, "").value() != sys::readlink_at(*b, "").value()) {
        difference.add(path, "target");
    }
    if (S_ISREG(status_a.st_mode) && sys::read_file_at(dir_a, name, 1 << 30).value() !=
                                         sys::read_file_at(dir_b, name, 1 << 30).value()) {
        difference.add(path, "content");
    }
}

void compare(sys::BorrowedFd a, sys::BorrowedFd b, const std::string& path,
             Difference& difference) {
    const auto names = [](sys::BorrowedFd directory) {
        std::vector<std::string> all;
        const auto entries = sys::list_dir(directory).value();
        for (const auto& entry : entries) all.push_back(entry.name);
        std::sort(all.begin(), all.end());
        return all;
    };
    const auto all = names(a);
    if (all != names(b)) return difference.add(path, "names");
    for (const auto& name : all) compare_entry(a, b, name, concat(path, "/", name), difference);
}

/// Directories full of what archives rarely hold.
void make_odd_tree(sys::BorrowedFd root) {
    const auto write = [&](const std::string& name, const std::string& content, mode_t mode) {
        const auto fd = sys::openat(root, name, O_WRONLY | O_CREAT, 0600).value();
        sys::write_all(fd, content).value();
        sys::fchmod(fd, mode).value();
    };
    write("setuid", "s", 04755);
    write("secret", "s", 0);
    write("name with spaces and \xc3\xa4\xff\n", "n", 0644);
    write(std::string(255, 'l'), "long name", 0644);
    write("attributes", "a", 0644);
    sys::set_xattr_at(root, "attributes", "user.empty", "").value();
    sys::set_xattr_at(root, "attributes", "user.large", std::string(3000, 'v')).value();
    sys::set_xattr_at(root, "attributes", "trusted.mine", std::string("\0\1\2", 3)).value();
    sys::set_xattr_at(root, "setuid", "security.capability",
                      std::string("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20))
        .value();
    // u::rw-,u:7:rwx,g::r--,m::rwx,o::---
    sys::set_xattr_at(
        root, "secret", "system.posix_acl_access",
        std::string("\2\0\0\0\1\0\6\0\xff\xff\xff\xff\2\0\7\0\7\0\0\0\4\0\4\0\xff\xff\xff\xff"
                    "\x10\0\7\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff",
                    44))
        .value();
    sys::symlink_at(std::string(4000, 't'), root, "long link").value();
    sys::symlink_at("attributes", root, "link").value();
    sys::chown_at(root, "link", 12, 34).value();
    sys::set_times_at(root, "link", {1, 2}, {-5, 7}).value();
    sys::link_at(root, "setuid", root, "hard link").value();
    sys::link_at(root, "link", root, "hard link to link").value();
    sys::mknod_at(root, "fifo", S_IFIFO | 0622, 0).value();
    sys::mknod_at(root, "disk", S_IFBLK | 0660, makedev(259, 70000)).value();
    const auto sparse = sys::openat(root, "sparse", O_WRONLY | O_CREAT, 0600).value();
    sys::pwrite_all(sparse, as_bytes("island"), 5 << 20).value();
    sys::ftruncate(sparse, 20 << 20).value();
    sys::mkdir_at(root, "sticky", 01777).value();
    sys::chmod_at(root, "sticky", 03777).value();
    sys::mkdir_at(root, "empty", 0700).value();
    sys::chown_at(root, "empty", 4000000000, 65534).value();
    std::string deep = "deep";
    for (int i = 0; i < 60; ++i, deep += "/deep") sys::mkdir_at(root, deep, 0755).value();
}

class GnuTar : public testing::TestWithParam<std::string> {};

TEST_P(GnuTar, GivesTheSameTreeMounted) {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
    const auto temp = sys::TempDir::create("/tmp").value();
    auto opened = open_driver({.root = temp.path() + "/root", .driver = GetParam()});
    if (opened.is_error() && opened.error().is(ErrorCode::Unsupported))
        GTEST_SKIP() << opened.error().message();
    const auto driver = std::move(opened).value();
    const std::string tree = temp.path() + "/tree";
    sys::mkdir_all(tree + "/odd").value();
    make_odd_tree(sys::open(tree + "/odd", O_RDONLY).value());
    // A copy, since the machine's own files may change meanwhile.
    sys::mkdir_all(tree + "/etc").value();
    ASSERT_TRUE(sys::spawn({.path = "/bin/cp", .arguments = {"cp", "-a", "/etc/.", tree + "/etc"}})
                    .value()
                    .pidfd.wait()
                    .value()
                    .is_success());

    const auto check = [&](codec::ByteSource& archive, std::string_view how) {
        const auto layer = driver->apply(archive, {.keeps_archive = true}, {});
        ASSERT_FALSE(layer.is_error()) << how << ": " << layer.error().message();
        const auto mount = driver->mount_root({.layers = {layer->diff_id}}).value();
        const auto root = sys::openat(mount.fd(), ".", O_RDONLY).value();
        EXPECT_EQ(driver->has_archive(layer->diff_id), driver->can_keep_archives());
        if (driver->can_keep_archives()) {
            auto again = driver->open_archive(layer->diff_id).value();
            layer::HashingSource hashed(*again, {});
            std::vector<std::byte> buffer(100'000);
            while (hashed.read(buffer).value() > 0) {
            }
            EXPECT_EQ(hashed.bytes(), layer->tar_bytes) << how;
            EXPECT_EQ(hashed.finish_hex(), layer->diff_id.hex()) << how;
        }
        Difference difference;
        compare(sys::open(tree, O_RDONLY).value(), root, "", difference);
        const std::string image =
            concat(temp.path(), "/root/layers/", layer->diff_id.hex(), "/layer.erofs");
        if (sys::exists(image) && sys::exists("/usr/bin/fsck.erofs")) {
            const auto checked =
                sys::spawn({.path = "/usr/bin/fsck.erofs", .arguments = {"fsck.erofs", image}});
            EXPECT_TRUE(checked.value().pidfd.wait().value().is_success()) << how;
        }
        EXPECT_TRUE(difference.lines.empty()) << how << ":\n"
                                              << join(difference.lines, "\n").substr(0, 2000);
    };
    for (const std::string format : {"--format=posix", "--sparse"}) {
        const std::string archive = temp.path() + "/archive.tar";
        ASSERT_TRUE(
            sys::spawn({.path = "/bin/tar",
                        .arguments = {"tar", "--format=posix", format, "--xattrs",
                                      "--xattrs-include=*", "-C", tree, "-cf", archive, "."}})
                .value()
                .pidfd.wait()
                .value()
                .is_success());
        content::BlobReader source(sys::open(archive, O_RDONLY).value(), 0);
        check(source, format);
    }
    // And our own packer.
    codec::StringSink sink;
    layer::pack(sys::open(tree, O_RDONLY).value(), sink, {}, {}).value();
    codec::MemorySource source(sink.text());
    check(source, "packed by Berth");
}

INSTANTIATE_TEST_SUITE_P(Drivers, GnuTar, testing::Values("erofs", "directory"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace berth::snapshot
