#include "snapshot/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>

#include "codec/compression.h"
#include "codec/sha256.h"
#include "codec/tar.h"
#include "content/store.h"
#include "snapshot/capture.h"
#include "sys/file.h"
#include "sys/xattr.h"

// The contract that every driver keeps. Mounting needs CAP_SYS_ADMIN, so that these tests are
// skipped for others.

namespace berth::snapshot {
namespace {

using codec::TarEntry;
using codec::TarType;

struct Item {
    TarEntry entry;
    std::string content;
};

Item file(std::string path, std::string content, std::uint32_t mode = 0644) {
    Item item;
    item.entry.path = std::move(path);
    item.entry.mode = mode;
    item.entry.bytes = content.size();
    item.content = std::move(content);
    return item;
}

Item other(TarType type, std::string path, std::string target = {}, std::uint32_t mode = 0755) {
    Item item;
    item.entry.type = type;
    item.entry.path = std::move(path);
    item.entry.link_target = std::move(target);
    item.entry.mode = mode;
    return item;
}

std::string archive(const std::vector<Item>& items,
                    codec::Compression compression = codec::Compression::None) {
    codec::StringSink sink;
    const auto compressor = codec::make_compressor(compression, sink);
    codec::TarWriter tar(*compressor);
    for (const auto& item : items) tar.add(item.entry, item.content).value();
    tar.finish().value();
    compressor->finish().value();
    return sink.take();
}

class DriverContract : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
        temp_.emplace(sys::TempDir::create("/tmp").value());
        // With mounts attached, as kernels before 6.15 need it, and as this kernel needs it.
        const auto parts = split(GetParam(), '+');
        DriverOptions options{.root = temp_->path(), .driver = parts[0]};
        if (parts.size() > 1) options.attach_mounts = true;
        auto driver = open_driver(options);
        if (driver.is_error() && driver.error().is(ErrorCode::Unsupported))
            GTEST_SKIP() << driver.error().message();
        ASSERT_FALSE(driver.is_error()) << driver.error().message();
        driver_ = std::move(driver).value();
    }
    oci::Digest apply(const std::vector<Item>& items) {
        const std::string bytes = archive(items);
        codec::MemorySource source(bytes);
        auto layer = driver_->apply(source, {}, {});
        EXPECT_FALSE(layer.is_error()) << layer.error().message();
        return layer.is_error() ? oci::Digest() : layer->diff_id;
    }
    Error apply_error(const std::string& bytes, const ApplyOptions& options = {}) {
        codec::MemorySource source(bytes);
        auto layer = driver_->apply(source, options, {});
        if (!layer.is_error()) return fail(ErrorCode::Internal, "accepted");
        EXPECT_THAT(driver_->list().value(), testing::IsEmpty());
        const auto left = sys::list_dir(temp_->path() + "/layers").value();
        for (const auto& entry : left) {
            EXPECT_FALSE(entry.name.starts_with(".new")) << "left behind: " << entry.name;
        }
        return std::move(layer).error();
    }
    sys::DetachedMount mount(const std::vector<oci::Digest>& layers) {
        auto root = driver_->mount_root({.layers = layers});
        EXPECT_FALSE(root.is_error()) << root.error().message();
        return root.is_error() ? sys::DetachedMount() : std::move(root).value();
    }
    static std::string read(sys::BorrowedFd root, const std::string& path) {
        auto text = sys::read_file_at(root, path);
        return text.is_error() ? concat("error: ", text.error().message()) : *text;
    }
    static bool exists(sys::BorrowedFd root, const std::string& path) {
        return !sys::fstatat(root, path, AT_SYMLINK_NOFOLLOW).is_error();
    }

    std::optional<sys::TempDir> temp_;
    std::unique_ptr<Driver> driver_;
};

TEST_P(DriverContract, StacksLayersWithWhiteouts) {
    const auto base = apply({other(TarType::Directory, "etc"), file("etc/kept", "kept"),
                             file("etc/gone", "gone"), other(TarType::Directory, "var"),
                             file("var/old", "old"), other(TarType::Directory, "opt"),
                             file("opt/old", "old"), file("etc/changed", "one")});
    const auto top = apply({file("etc/.wh.gone", ""), file("etc/changed", "two"),
                            other(TarType::Directory, "var"), file("var/.wh..wh..opq", ""),
                            file("var/new", "new"), file(".wh.opt", "")});
    const auto root = mount({base, top});
    EXPECT_EQ(read(root.fd(), "etc/kept"), "kept");
    EXPECT_EQ(read(root.fd(), "etc/changed"), "two");
    EXPECT_FALSE(exists(root.fd(), "etc/gone"));
    EXPECT_FALSE(exists(root.fd(), "var/old"));
    EXPECT_EQ(read(root.fd(), "var/new"), "new");
    EXPECT_FALSE(exists(root.fd(), "opt"));
}

TEST_P(DriverContract, GivesAnArchiveAgainThatItWasToldToKeep) {
    // Content of every length around a block, entries that replace others, what archives carry
    // beside files, and an end that no canonical archive has.
    std::vector<Item> items = {other(TarType::Directory, "d"), file("d/.wh.gone", ""),
                               file(".wh..wh.plnk/x", "ignored")};
    for (const std::size_t bytes : {1, 100, 3900, 4095, 4096, 4097, 8191, 8192, 300'000})
        items.push_back(
            file(concat("d/", bytes), std::string(bytes, static_cast<char>('a' + bytes % 26))));
    items.push_back(file("d/100", "replaced"));
    items.push_back(other(TarType::HardLink, "link", "d/4097"));
    items.push_back(other(TarType::Symlink, "symbolic", "d/1"));
    items.push_back(file(concat(std::string(120, 'n'), "/", std::string(120, 'm')), "a long name"));
    const std::string bytes = archive(items) + std::string(10'240, '\0') + "what follows";
    codec::MemorySource source(bytes);
    const auto layer = driver_->apply(source, {.keeps_archive = true}, {});
    ASSERT_FALSE(layer.is_error()) << layer.error().message();
    ASSERT_EQ(driver_->has_archive(layer->diff_id), driver_->can_keep_archives());
    if (!driver_->can_keep_archives()) {
        EXPECT_TRUE(driver_->open_archive(layer->diff_id).error().is(ErrorCode::NotFound));
        return;
    }
    const auto again = [&] {
        auto opened = driver_->open_archive(layer->diff_id);
        return opened ? codec::read_all(**opened, 1 << 24).value() : opened.error().message();
    };
    EXPECT_TRUE(again() == bytes);
    EXPECT_TRUE(driver_->verify(layer->diff_id, {}).value());
    const std::string frame =
        concat(temp_->path(), "/layers/", layer->diff_id.hex(), "/layer.tar-frame");
    const std::string whole = sys::read_file(frame).value();
    EXPECT_LT(whole.size(), bytes.size() / 50);
    // One damaged byte of the frame is found, and what is lost is not given.
    for (const std::size_t at : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        sys::write_file_atomic(frame, damaged).value();
        EXPECT_TRUE(driver_->check_archive(layer->diff_id).error().is(ErrorCode::Corrupted)) << at;
    }
    sys::write_file_atomic(frame, whole).value();
    EXPECT_TRUE(driver_->check_archive(layer->diff_id));
    driver_->drop_archive(layer->diff_id).value();
    EXPECT_FALSE(driver_->has_archive(layer->diff_id));
    EXPECT_TRUE(driver_->has(layer->diff_id));
}

TEST_P(DriverContract, ALayerThatIsThereLearnsToGiveItsArchive) {
    const std::vector<Item> items = {file("a", "one"), file("b", std::string(10'000, 'b'))};
    const auto diff_id = apply(items);
    EXPECT_FALSE(driver_->has_archive(diff_id));
    const auto root = mount({diff_id});
    const std::string bytes = archive(items);
    for (const auto& expected : {std::optional<oci::Digest>(), std::optional(diff_id)}) {
        codec::MemorySource source(bytes);
        ASSERT_TRUE(driver_->apply(source, {.diff_id = expected, .keeps_archive = true}, {}));
        EXPECT_EQ(driver_->has_archive(diff_id), driver_->can_keep_archives());
    }
    EXPECT_EQ(read(root.fd(), "a"), "one");
    EXPECT_EQ(read(mount({diff_id}).fd(), "a"), "one");
    driver_->wait_for_removals();
    EXPECT_EQ(driver_->list().value().size(), 1u);
}

TEST_P(DriverContract, KeepsEveryAttribute) {
    Item item = file("tool", "content", 04751);
    item.entry.uid = 1234;
    item.entry.gid = 70000;
    item.entry.mtime_seconds = 1700000000;
    item.entry.mtime_nanoseconds = 123456789;
    item.entry.xattrs = {
        {"security.capability", std::string("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20)},
        {"user.note", "hello"}};
    Item device = other(TarType::CharDevice, "null", {}, 0666);
    device.entry.device_major = 1;
    device.entry.device_minor = 3;
    const auto layer = apply({item, other(TarType::HardLink, "same", "tool"),
                              other(TarType::Symlink, "link", "/etc/x"), device,
                              other(TarType::Fifo, "pipe", {}, 0600)});
    const auto root = mount({layer});
    const auto status = sys::fstatat(root.fd(), "tool", 0).value();
    EXPECT_EQ(status.st_mode, S_IFREG | 04751);
    EXPECT_EQ(status.st_uid, 1234U);
    EXPECT_EQ(status.st_gid, 70000U);
    EXPECT_EQ(status.st_mtim.tv_sec, 1700000000);
    EXPECT_EQ(status.st_mtim.tv_nsec, 123456789);
    EXPECT_EQ(status.st_nlink, 2U);
    EXPECT_EQ(sys::fstatat(root.fd(), "same", 0).value().st_ino, status.st_ino);
    EXPECT_EQ(sys::get_xattr_at(root.fd(), "tool", "user.note").value(), "hello");
    EXPECT_EQ(sys::get_xattr_at(root.fd(), "tool", "security.capability").value(),
              item.entry.xattrs[0].second);
    EXPECT_EQ(sys::readlink_at(root.fd(), "link").value(), "/etc/x");
    EXPECT_EQ(sys::fstatat(root.fd(), "null", AT_SYMLINK_NOFOLLOW).value().st_rdev, makedev(1, 3));
    EXPECT_TRUE(S_ISFIFO(sys::fstatat(root.fd(), "pipe", AT_SYMLINK_NOFOLLOW).value().st_mode));
}

TEST_P(DriverContract, CapturesWhatWasWritten) {
    const auto base =
        apply({other(TarType::Directory, "etc"), file("etc/gone", "x"), file("etc/kept", "y"),
               other(TarType::Directory, "old"), file("old/f", "z")});
    const std::string directory = temp_->path() + "/c";
    sys::mkdir_all(directory).value();
    const auto writable = driver_->create_writable(directory, {base}).value();
    {
        const auto root = driver_->mount_root({.layers = {base}, .writable = writable}).value();
        sys::unlink_at(root.fd(), "etc/gone").value();
        sys::remove_tree_at(root.fd(), "old").value();
        sys::mkdir_at(root.fd(), "old", 0700).value();
        const auto fd = sys::openat(root.fd(), "etc/new", O_WRONLY | O_CREAT, 0640).value();
        sys::write_all(fd, "new").value();
        sys::link_at(root.fd(), "etc/new", root.fd(), "etc/link").value();
    }
    const auto store = content::Store::open(temp_->path()).value();
    const auto upper = sys::open(writable.upper, O_RDONLY | O_DIRECTORY).value();
    auto captured = capture_layer(*driver_, *store, upper, codec::Compression::Gzip, {});
    ASSERT_FALSE(captured.is_error()) << captured.error().message();
    const auto root = mount({base, captured->layer.diff_id});
    EXPECT_FALSE(exists(root.fd(), "etc/gone"));
    EXPECT_FALSE(exists(root.fd(), "old/f"));
    EXPECT_EQ(sys::fstatat(root.fd(), "old", 0).value().st_mode, S_IFDIR | 0700);
    EXPECT_EQ(read(root.fd(), "etc/new"), "new");
    EXPECT_EQ(sys::fstatat(root.fd(), "etc/link", 0).value().st_nlink, 2U);

    // The blob gives the same layer again, and the same tree the same blob.
    auto blob = store->open_blob(captured->blob.digest).value();
    const auto again = driver_->apply(blob, {.diff_id = captured->layer.diff_id}, {});
    ASSERT_FALSE(again.is_error()) << again.error().message();
    driver_->remove(captured->layer.diff_id).value();
    const auto second =
        capture_layer(*driver_, *store, upper, codec::Compression::Gzip, {}).value();
    EXPECT_EQ(second.layer.diff_id, captured->layer.diff_id);
    EXPECT_EQ(second.blob.digest, captured->blob.digest);
}

TEST_P(DriverContract, CapturesTheSameLayerOfTheSameContent) {
    const auto store = content::Store::open(temp_->path() + "/content").value();
    std::vector<oci::Digest> made;
    for (int time = 0; time < 2; ++time) {
        const std::string directory = concat(temp_->path(), "/container", time);
        sys::mkdir_all(directory).value();
        const auto writable = driver_->create_writable(directory, {}).value();
        const auto upper = sys::open(writable.upper, O_RDONLY | O_DIRECTORY).value();
        {
            const auto text = sys::openat(upper, "f", O_WRONLY | O_CREAT, 0644).value();
            sys::write_all(text, "same").value();
            sys::set_times(text, {.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 1000, .tv_nsec = 5})
                .value();
        }
        // The directory's own time is that of this run.
        sys::set_times(upper, {.tv_sec = 2000 + time, .tv_nsec = 0},
                       {.tv_sec = 2000 + time, .tv_nsec = 0})
            .value();
        made.push_back(capture_layer(*driver_, *store, upper, codec::Compression::Gzip, {})
                           .value()
                           .layer.diff_id);
    }
    EXPECT_EQ(made[0], made[1]);
    EXPECT_EQ(sys::fstat(mount({made[0]}).fd()).value().st_mtim.tv_sec, 1000);
}

TEST_P(DriverContract, TakesCompressedArchivesAndChecksTheDiffId) {
    const auto plain = archive({file("f", std::string(100000, 'x'))});
    const auto diff_id = oci::Digest::of(plain);
    for (const auto compression : {codec::Compression::Gzip, codec::Compression::Zstd}) {
        const auto bytes = archive({file("f", std::string(100000, 'x'))}, compression);
        EXPECT_TRUE(
            apply_error(bytes, {.diff_id = oci::Digest::of("other")}).is(ErrorCode::Corrupted));
        codec::MemorySource source(bytes);
        const auto layer = driver_->apply(source, {.diff_id = diff_id}, {}).value();
        EXPECT_EQ(layer.diff_id, diff_id);
        EXPECT_EQ(layer.tar_bytes, plain.size());
        driver_->remove(diff_id).value();
    }
}

TEST_P(DriverContract, RefusesHostileArchivesAndLeavesNothing) {
    const std::vector<std::vector<Item>> cases = {
        {file("../escape", "x")},
        {file("a/../../escape", "x")},
        {other(TarType::HardLink, "x", "../../etc/passwd")},
        {other(TarType::HardLink, "x", "/etc/absent")},
        {other(TarType::Directory, "d"), other(TarType::HardLink, "x", "d")},
        {file("f", "x"), file("f/below", "x")},
        {file("d/.wh...", "x")},
        {file("d/.wh.", "x")},
        {file(".wh.a/b", "x")},
        {file(std::string(300, 'n'), "x")},
        {file(".", "x")},
        {other(TarType::Symlink, "a", "b"), other(TarType::Symlink, "b", "a"), file("a/f", "x")},
    };
    for (const auto& items : cases) {
        EXPECT_TRUE(apply_error(archive(items)).error_number() == ELOOP ||
                    apply_error(archive(items)).is(ErrorCode::InvalidArgument) ||
                    apply_error(archive(items)).is(ErrorCode::NotFound))
            << items.back().entry.path << ": " << apply_error(archive(items)).message();
    }
    std::string cut = archive({file("f", std::string(10000, 'x'))});
    cut.resize(5000);
    EXPECT_TRUE(apply_error(cut).is(ErrorCode::Corrupted));
    EXPECT_TRUE(apply_error(std::string(4096, 'z')).is(ErrorCode::Corrupted));
}

TEST_P(DriverContract, KeepsLinksOfAnArchiveInside) {
    // What lands "below" a link goes where the link leads inside the layer, never to the host.
    const std::string outside = temp_->path() + "/outside";
    sys::mkdir_all(outside).value();
    const auto layer =
        apply({other(TarType::Directory, outside.substr(1)),
               other(TarType::Symlink, "link", outside), file("link/file", "inside"),
               other(TarType::Directory, "usr/lib"), other(TarType::Symlink, "lib", "usr/lib"),
               file("lib/a", "a"), file("/absolute", "b"), file("x/../y", "c")});
    EXPECT_THAT(sys::list_dir(outside).value(), testing::IsEmpty());
    const auto root = mount({layer});
    EXPECT_EQ(read(root.fd(), outside.substr(1) + "/file"), "inside");
    EXPECT_EQ(read(root.fd(), "usr/lib/a"), "a");
    EXPECT_EQ(read(root.fd(), "absolute"), "b");
    EXPECT_EQ(read(root.fd(), "y"), "c");
}

TEST_P(DriverContract, LetsLaterEntriesReplaceEarlierOnes) {
    const auto layer =
        apply({file("a", "1"), other(TarType::Directory, "a"), file("a/b", "2"), file("a/b", "3"),
               other(TarType::Directory, "c"), file("c/d", "x"), file("c", "4"),
               other(TarType::Directory, "e", {}, 0700), other(TarType::Directory, "e", {}, 0711)});
    const auto root = mount({layer});
    EXPECT_EQ(read(root.fd(), "a/b"), "3");
    EXPECT_EQ(read(root.fd(), "c"), "4");
    EXPECT_EQ(sys::fstatat(root.fd(), "e", 0).value().st_mode & 07777, 0711U);
}

TEST_P(DriverContract, HoldsFilesOfEverySize) {
    std::vector<Item> items;
    std::vector<std::string> contents;
    for (const std::size_t bytes :
         {0, 1, 31, 32, 4031, 4032, 4033, 4095, 4096, 4097, 8191, 8192, 100000, 3000000}) {
        std::string content(bytes, '\0');
        for (std::size_t i = 0; i < bytes; ++i)
            content[i] = static_cast<char>(i * 7 + i / 251 + bytes);
        items.push_back(file(concat("f", bytes), content));
        contents.push_back(std::move(content));
    }
    items.push_back(other(TarType::Symlink, "long", std::string(4090, 'l')));
    for (int i = 0; i < 3000; ++i)
        items.push_back(file(concat("many/entry-with-a-long-name-", i), std::to_string(i)));
    const auto root = mount({apply(items)});
    for (std::size_t i = 0; i < contents.size(); ++i) {
        EXPECT_TRUE(read(root.fd(), items[i].entry.path) == contents[i]) << items[i].entry.path;
    }
    EXPECT_EQ(sys::readlink_at(root.fd(), "long").value().size(), 4090U);
    EXPECT_EQ(sys::list_dir(sys::openat(root.fd(), "many", O_RDONLY).value()).value().size(),
              3000U);
    for (int i = 0; i < 3000; i += 97) {
        EXPECT_EQ(read(root.fd(), concat("many/entry-with-a-long-name-", i)), std::to_string(i));
    }
}

TEST_P(DriverContract, HoldsSparseFiles) {
    Item item = file("sparse", "");
    item.entry.is_sparse = true;
    item.entry.bytes = std::uint64_t{3} << 30;
    item.entry.segments = {
        {5000, 6}, {std::uint64_t{1} << 30, 3}, {(std::uint64_t{3} << 30) - 4, 4}};
    item.content = "first!midlast";
    Item empty = file("hole", "");
    empty.entry.is_sparse = true;
    empty.entry.bytes = 10 << 20;
    const auto root = mount({apply({item, empty})});
    const auto fd = sys::openat(root.fd(), "sparse", O_RDONLY).value();
    EXPECT_EQ(sys::fstat(fd).value().st_size, std::int64_t{3} << 30);
    const auto at = [&](std::uint64_t offset, std::size_t bytes) {
        std::string text(bytes, '?');
        sys::pread(fd, std::as_writable_bytes(std::span(text)), offset).value();
        return text;
    };
    EXPECT_EQ(at(4999, 8), std::string("\0first!\0", 8));
    EXPECT_EQ(at(std::uint64_t{1} << 30, 4), std::string("mid\0", 4));
    EXPECT_EQ(at((std::uint64_t{3} << 30) - 5, 5), std::string("\0last", 5));
    EXPECT_LT(driver_->usage().value(), 16U << 20);
    EXPECT_EQ(read(root.fd(), "hole"), std::string(10 << 20, '\0'));
}

TEST_P(DriverContract, FindsEveryChangedByteOfAnImage) {
    Item sparse = file("sparse", "");
    sparse.entry.is_sparse = true;
    sparse.entry.bytes = std::uint64_t{3} << 30;
    sparse.entry.segments = {{5000, 6}, {(std::uint64_t{3} << 30) - 4, 4}};
    sparse.content = "first!last";
    // Links make the writer change what it has written already.
    const auto layer = apply({file("big", std::string((1 << 20) + 7, 'x')),
                              other(TarType::HardLink, "link", "big"), sparse,
                              other(TarType::Directory, "d"), file("d/small", "s")});
    ASSERT_TRUE(driver_->verify(oci::Digest::of("absent"), {}).error().is(ErrorCode::NotFound));
    const bool has_sum = driver_->verify(layer, {}).value();
    EXPECT_EQ(has_sum, driver_->name() == "erofs");
    if (!has_sum) return;
    const auto image =
        sys::open(concat(temp_->path(), "/layers/", layer.hex(), "/layer.erofs"), O_RDWR).value();
    const auto bytes = static_cast<std::uint64_t>(sys::fstat(image).value().st_size);
    std::array<std::byte, 1> byte;
    // Everywhere in the first two blocks, then in strides that are no multiple of anything; data,
    // holes and metadata alike.
    for (std::uint64_t offset = 0; offset < bytes; offset += offset < 8192 ? 13 : 40009) {
        sys::pread(image, byte, offset).value();
        byte[0] ^= std::byte{0x10};
        sys::pwrite_all(image, byte, offset).value();
        EXPECT_TRUE(driver_->verify(layer, {}).is_error()) << "byte " << offset << " of " << bytes;
        byte[0] ^= std::byte{0x10};
        sys::pwrite_all(image, byte, offset).value();
    }
    EXPECT_TRUE(driver_->verify(layer, {}).value());
    std::stop_source stop;
    stop.request_stop();
    EXPECT_TRUE(driver_->verify(layer, stop.get_token()).error().is(ErrorCode::Cancelled));
}

TEST_P(DriverContract, RemovesLayersAndNamesMissingOnes) {
    const auto layer = apply({file("f", "x")});
    EXPECT_TRUE(driver_->has(layer));
    EXPECT_THAT(driver_->list().value(), testing::ElementsAre(layer));
    EXPECT_EQ(driver_->inspect(layer).value().entries, 1U);
    driver_->remove(layer).value();
    driver_->remove(layer).value();
    EXPECT_FALSE(driver_->has(layer));
    const auto root = driver_->mount_root({.layers = {layer}});
    ASSERT_TRUE(root.is_error());
    EXPECT_TRUE(root.error().is(ErrorCode::NotFound));
    EXPECT_THAT(root.error().message(), testing::HasSubstr(layer.to_string()));
}

TEST_P(DriverContract, MountsRootsWithoutLayersAndReadOnlyOnes) {
    const std::string directory = temp_->path() + "/c";
    sys::mkdir_all(directory).value();
    const auto writable = driver_->create_writable(directory, {}).value();
    for (int round = 0; round < 2; ++round) {
        auto root = driver_->mount_root({.writable = writable, .is_volatile = true});
        ASSERT_FALSE(root.is_error()) << root.error().message();
        EXPECT_FALSE(sys::openat(root->fd(), "f", O_WRONLY | O_CREAT, 0600).is_error());
    }
    const auto layer = apply({file("f", "x")});
    const auto root = mount({layer});
    EXPECT_TRUE(sys::openat(root.fd(), "f", O_WRONLY).is_error());
    EXPECT_TRUE(sys::openat(root.fd(), "g", O_WRONLY | O_CREAT, 0600).is_error());
}

TEST_P(DriverContract, StopsWhenAsked) {
    std::stop_source stop;
    stop.request_stop();
    const auto bytes = archive({file("f", "x")});
    codec::MemorySource source(bytes);
    const auto layer = driver_->apply(source, {}, stop.get_token());
    ASSERT_TRUE(layer.is_error());
    EXPECT_TRUE(layer.error().is(ErrorCode::Cancelled)) << layer.error().message();
}

INSTANTIATE_TEST_SUITE_P(Drivers, DriverContract,
                         testing::Values("erofs", "erofs-loop", "directory", "erofs+attached",
                                         "directory+attached"),
                         [](const auto& info) {
                             std::string name = info.param;
                             for (char& c : name) c = c == '-' || c == '+' ? '_' : c;
                             return name;
                         });

}  // namespace
}  // namespace berth::snapshot
