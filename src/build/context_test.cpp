#include "build/context.h"

#include <gtest/gtest.h>

#include "build/memory_tree.h"
#include "codec/compression.h"
#include "codec/tar.h"
#include "sys/file.h"

namespace berth::build {
namespace {

std::string archive(const std::vector<std::pair<std::string, std::string>>& files,
                    codec::Compression compression = codec::Compression::None) {
    codec::StringSink sink;
    const auto compressor = codec::make_compressor(compression, sink);
    codec::TarWriter tar(*compressor);
    for (const auto& [path, content] : files) {
        codec::TarEntry entry;
        entry.path = path;
        entry.mode = 0644;
        entry.bytes = content.size();
        tar.add(entry, content).value();
    }
    tar.finish().value();
    compressor->finish().value();
    return sink.take();
}

class PrepareContext : public testing::Test {
protected:
    Result<Context> prepare(const std::string& sent) {
        codec::MemorySource source(sent);
        BuildRequest request;
        request.context = &source;
        return prepare_context(request, temp_.path(), transfers_, {});
    }
    static std::size_t size_of(const Context& context, const std::string& name) {
        return sys::read_file(context.path + "/" + name).value_or("").size();
    }
    bool is_on_disk() const { return !sys::list_dir(temp_.path()).value().empty(); }

    sys::TempDir temp_ = sys::TempDir::create("/var/tmp").value();
    http::Transfers transfers_{"test"};
};

TEST_F(PrepareContext, IsInMemoryWhenSmall) {
    auto context = prepare(archive({{"Dockerfile", "FROM scratch\n"}, {"folder/file", "text"}}));
    ASSERT_FALSE(context.is_error()) << context.error().message();
    EXPECT_EQ(context->dockerfile, "FROM scratch\n");
    EXPECT_EQ(size_of(*context, "folder/file"), 4u);
    if (!context->memory)
        GTEST_SKIP() << "this kernel does not clone detached mounts, or this user may not mount";
    EXPECT_FALSE(is_on_disk());
}

TEST_F(PrepareContext, IsOnDiskWhenTheArchiveIsLarge) {
    const std::string large(memory_tree_bytes + 1, 'x');
    {
        auto context = prepare(
            archive({{"Dockerfile", "FROM scratch\n"}, {"large", large}, {"last", "text"}}));
        ASSERT_FALSE(context.is_error()) << context.error().message();
        EXPECT_FALSE(context->memory);
        EXPECT_EQ(size_of(*context, "large"), large.size());
        EXPECT_EQ(size_of(*context, "last"), 4u);
        EXPECT_TRUE(is_on_disk());
    }
    EXPECT_FALSE(is_on_disk());
}

TEST_F(PrepareContext, IsOnDiskWhenASmallArchiveHoldsMuch) {
    const std::string large(memory_tree_bytes + 1, 'x');
    const std::string sent =
        archive({{"first", "text"}, {"large", large}, {"Dockerfile", "FROM scratch\n"}},
                codec::Compression::Gzip);
    ASSERT_LT(sent.size(), memory_tree_bytes);
    auto context = prepare(sent);
    ASSERT_FALSE(context.is_error()) << context.error().message();
    EXPECT_FALSE(context->memory);
    EXPECT_EQ(size_of(*context, "first"), 4u);
    EXPECT_EQ(size_of(*context, "large"), large.size());
}

TEST_F(PrepareContext, LeavesOutWhatIsIgnored) {
    auto context = prepare(archive({{"Dockerfile", "FROM scratch\n"},
                                    {".dockerignore", "secret\n"},
                                    {"secret", "text"},
                                    {"kept", "text"}}));
    ASSERT_FALSE(context.is_error()) << context.error().message();
    EXPECT_EQ(size_of(*context, "secret"), 0u);
    EXPECT_EQ(size_of(*context, "kept"), 4u);
}

}  // namespace
}  // namespace berth::build
