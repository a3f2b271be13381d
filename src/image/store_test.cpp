#include "image/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <map>

#include "codec/compression.h"
#include "codec/tar.h"
#include "content/store.h"
#include "oci/image_config.h"
#include "record/database.h"
#include "snapshot/driver.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::image {
namespace {

/// One engine's worth of stores in a directory of its own.
struct Stores {
    sys::TempDir directory = sys::TempDir::create().value();
    std::unique_ptr<record::Database> database;
    std::unique_ptr<content::Store> content;
    std::unique_ptr<snapshot::Driver> snapshots;
    std::unique_ptr<remote::Registries> registries;
    std::unique_ptr<Store> images;

    Stores() {
        const record::Schema schemas[] = {schema()};
        database = record::Database::open_in_memory(schemas).value();
        content = content::Store::open(directory.path()).value();
        snapshots =
            snapshot::open_driver({.root = directory.path(), .driver = "directory"}).value();
        registries = remote::Registries::create({.certs_dir = ""}).value();
        images = Store::open({*database, nullptr, *content, *snapshots, *registries}).value();
    }
};

std::string archive_of(const std::string& name, const std::string& text) {
    codec::StringSink sink;
    codec::TarWriter tar(sink);
    codec::TarEntry entry;
    entry.path = name;
    entry.mode = 0644;
    entry.bytes = text.size();
    EXPECT_TRUE(tar.add(entry, text));
    EXPECT_TRUE(tar.finish());
    return sink.take();
}

const ProgressSink quiet = [](const Progress&) {};

class ImageStoreTest : public testing::Test {
protected:
    oci::Digest import(Stores& stores, const std::string& reference, const std::string& text) {
        const std::string archive = archive_of("file", text);
        codec::MemorySource source(archive);
        auto id = stores.images->import(
            source, {.reference = reference, .config_json = R"({"Cmd":["sh"],"Labels":{"k":"v"}})"},
            quiet, {});
        EXPECT_TRUE(id) << id.error().message();
        return *id;
    }
    std::string save(Stores& stores, const std::vector<std::string>& names) {
        codec::StringSink sink;
        auto saved = stores.images->save(names, std::nullopt, sink, {});
        EXPECT_TRUE(saved) << saved.error().message();
        return sink.take();
    }
    Result<LoadResult> load(Stores& stores, const std::string& archive) {
        codec::MemorySource source(archive);
        return stores.images->load(source, std::nullopt, quiet, {});
    }
    Stores stores_;
};

TEST_F(ImageStoreTest, FindsAnImageByNameIdAndPrefix) {
    const auto id = import(stores_, "app:1", "x");
    for (const std::string& name :
         {std::string("app:1"), std::string("docker.io/library/app:1"), id.to_string(),
          id.short_hex(), std::string("app@") + id.to_string()}) {
        const auto image = stores_.images->resolve(name);
        ASSERT_TRUE(image) << name << ": " << image.error().message();
        EXPECT_EQ(image->id, id);
    }
    EXPECT_EQ(stores_.images->resolve("app:1")->config->config.cmd, std::vector<std::string>{"sh"});
    const auto absent = stores_.images->resolve("app:2");
    ASSERT_FALSE(absent);
    EXPECT_TRUE(absent.error().is(ErrorCode::NotFound));
    EXPECT_EQ(absent.error().message(), "No such image: app:2");
    EXPECT_FALSE(stores_.images->resolve("app:1", {"linux", "s390x"}));
}

TEST_F(ImageStoreTest, SavedArchivesLoadElsewhereAsTheSameImage) {
    const auto one = import(stores_, "one:1", "1");
    const auto two = import(stores_, "two:2", "2");
    const std::string archive = save(stores_, {"one:1", "two:2"});
    EXPECT_EQ(archive, save(stores_, {"one:1", "two:2"}));  // deterministic
    Stores other;
    const auto loaded = load(other, archive);
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_EQ(loaded->loaded.size(), 2u);
    EXPECT_EQ(other.images->resolve("one:1")->id, one);
    EXPECT_EQ(other.images->resolve("two:2")->id, two);
    EXPECT_TRUE(other.snapshots->has(other.images->resolve("two:2")->layers.front().diff_id));
}

TEST_F(ImageStoreTest, LoadsAnOlderDockerArchiveAndLeavesNothingUnnamed) {
    const std::string layer = archive_of("file", "x");
    oci::ImageConfig config{.platform = oci::Platform::host()};
    config.diff_ids = {oci::Digest::of(layer)};
    codec::StringSink sink;
    codec::TarWriter tar(sink);
    const auto add = [&](const std::string& path, const std::string& text) {
        codec::TarEntry entry;
        entry.path = path;
        entry.bytes = text.size();
        EXPECT_TRUE(tar.add(entry, text));
    };
    add("abc/layer.tar", layer);
    add("manifest.json",
        R"([{"Config":"config.json","RepoTags":["old:1"],"Layers":["abc/layer.tar"]}])");
    add("config.json", config.to_json());
    ASSERT_TRUE(tar.finish());
    ASSERT_TRUE(load(stores_, sink.text()));
    const auto image = stores_.images->resolve("old:1");
    ASSERT_TRUE(image);
    EXPECT_EQ(image->layers.front().diff_id, oci::Digest::of(layer));
    EXPECT_EQ(stores_.content->list()->size(), 3u);  // manifest, configuration, compressed layer
}

TEST_F(ImageStoreTest, RefusesArchivesThatAreNotWhatTheySay) {
    EXPECT_FALSE(load(stores_, "no archive"));
    EXPECT_FALSE(load(stores_, archive_of("file", "x")));
    EXPECT_FALSE(load(
        stores_, archive_of("manifest.json", R"([{"Config":"../../etc/passwd","Layers":[]}])")));
    EXPECT_FALSE(load(stores_, archive_of("blobs/sha256/" + std::string(64, 'a'), "x")));
    EXPECT_TRUE(stores_.images->list({})->empty());
}

TEST_F(ImageStoreTest, RemovingANameKeepsTheImageUntilTheLast) {
    const auto id = import(stores_, "app:1", "x");
    ASSERT_TRUE(stores_.images->tag("app:1", "app:2"));
    auto removed = stores_.images->remove("app:1", {});
    ASSERT_TRUE(removed);
    ASSERT_EQ(removed->size(), 1u);
    EXPECT_EQ(removed->front().untagged, "app:1");
    removed = stores_.images->remove("app:2", {});
    ASSERT_TRUE(removed);
    ASSERT_EQ(removed->size(), 2u);
    EXPECT_EQ(removed->back().deleted, id.to_string());
    EXPECT_TRUE(stores_.content->list()->empty());
    EXPECT_TRUE(stores_.snapshots->list()->empty());
}

TEST_F(ImageStoreTest, AnIdWithSeveralNamesOrUsersNeedsForce) {
    const auto id = import(stores_, "app:1", "x");
    ASSERT_TRUE(stores_.images->tag("app:1", "app:2"));
    EXPECT_TRUE(stores_.images->remove(id.short_hex(), {}).error().is(ErrorCode::Conflict));
    stores_.images->set_user_lookup([](const oci::Digest&) {
        return std::vector<User>{{"c1", false}};
    });
    ASSERT_TRUE(stores_.images->remove("app:1", {}));
    EXPECT_TRUE(stores_.images->remove("app:2", {}).error().is(ErrorCode::Conflict));
    ASSERT_TRUE(stores_.images->remove("app:2", {.force = true}));
    EXPECT_TRUE(stores_.images->resolve(id.to_string()));  // its container needs it
}

TEST_F(ImageStoreTest, PruneTakesDanglingImagesAndTheirSpace) {
    import(stores_, "app:1", "old");
    const auto kept = import(stores_, "app:1", "new");
    const auto pruned = stores_.images->prune({}, {});
    ASSERT_TRUE(pruned);
    ASSERT_EQ(pruned->removed.size(), 1u);
    EXPECT_GT(pruned->bytes, 0);
    EXPECT_EQ(stores_.images->list({})->size(), 1u);
    EXPECT_EQ(stores_.images->resolve("app:1")->id, kept);
}

TEST_F(ImageStoreTest, PruneLeavesWhatGotANameOrAContainerMeanwhile) {
    const auto named = import(stores_, "app:1", "1"), used = import(stores_, "app:1", "2"),
               unused = import(stores_, "app:1", "3");
    import(stores_, "app:1", "4");
    std::map<oci::Digest, int> asked;
    stores_.images->set_user_lookup([&](const oci::Digest& id) {
        // The first question comes from the list.
        const bool is_listed = asked[id]++ > 0;
        if (id == named && !is_listed) {
            EXPECT_TRUE(stores_.images->tag(named.to_string(), "late:1"));
        }
        return id == used && is_listed ? std::vector<User>{{"c1", true}} : std::vector<User>{};
    });
    const auto pruned = stores_.images->prune({}, {});
    ASSERT_TRUE(pruned);
    ASSERT_EQ(pruned->removed.size(), 1u);
    EXPECT_EQ(pruned->removed.front().deleted, unused.to_string());
    EXPECT_TRUE(stores_.images->resolve("late:1"));
    EXPECT_TRUE(stores_.images->resolve(used.to_string()));
}

TEST_F(ImageStoreTest, ACollectionSparesLayersOfWhatIsMadeWhileItRuns) {
    import(stores_, "app:1", "x");
    const auto diff_id = stores_.images->resolve("app:1")->layers.front().diff_id;
    ASSERT_TRUE(stores_.database->execute("DELETE FROM image_name"));
    ASSERT_TRUE(stores_.database->execute("DELETE FROM image"));
    // A pull begins and ends while the collection runs: it found the layer there, and its row comes
    // after the roots were read.
    bool is_over = false;
    stores_.images->add_root_provider([&](Roots&) {
        if (!is_over) const auto lease = stores_.content->lease();
    });
    stores_.images->end_background_work();  // what is put off stays so
    ASSERT_TRUE(stores_.images->collect_garbage({}));
    EXPECT_TRUE(stores_.snapshots->has(diff_id));
    is_over = true;
    ASSERT_TRUE(stores_.images->collect_garbage({}));
    EXPECT_FALSE(stores_.snapshots->has(diff_id));
}

TEST_F(ImageStoreTest, ADamagedConfigurationIsNamedAndCanBeRepaired) {
    import(stores_, "app:1", "x");
    const std::string archive = save(stores_, {"app:1"});
    const auto config = stores_.images->resolve("app:1")->config_digest;
    ASSERT_TRUE(sys::unlink(concat(stores_.directory.path(), "/blobs/sha256/", config.hex())));
    ASSERT_TRUE(sys::write_file_atomic(
        concat(stores_.directory.path(), "/blobs/sha256/", config.hex()), "{}"));
    const auto damaged = stores_.images->resolve("app:1");
    ASSERT_FALSE(damaged);
    EXPECT_TRUE(damaged.error().is(ErrorCode::Corrupted)) << damaged.error().message();
    EXPECT_FALSE(damaged.error().hint().empty());
    EXPECT_EQ(stores_.images->list({})->size(), 1u);  // still listed, so that it can be removed
    ASSERT_TRUE(load(stores_, archive));
    EXPECT_TRUE(stores_.images->resolve("app:1"));
}

TEST_F(ImageStoreTest, ARepairWithoutDescriptorsTakesNothingAway) {
    import(stores_, "app:1", "x");
    const auto blobs = stores_.content->list()->size();
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    std::vector<sys::Fd> taken;
    rlimit few = before;
    few.rlim_cur = 64;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    // One or two are left: enough to list what is there, too few to read it.
    while (auto fd = sys::open("/dev/null", O_RDONLY)) taken.push_back(std::move(*fd));
    taken.pop_back();
    const auto report = stores_.images->check(true, {});
    taken.clear();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    if (report) {
        for (const auto& problem : report->problems)
            ADD_FAILURE() << problem.subject << ": " << problem.text;
    }
    EXPECT_EQ(stores_.content->list()->size(), blobs);
    EXPECT_TRUE(stores_.images->check(false, {})->problems.empty());
}

TEST_F(ImageStoreTest, LoadsOnlyWhatIsMadeForThePlatform) {
    const std::string layer = archive_of("file", "x");
    oci::ImageConfig config{.platform = {"linux", "arm", "v6"}};
    config.diff_ids = {oci::Digest::of(layer)};
    codec::StringSink sink;
    codec::TarWriter tar(sink);
    const auto add = [&](const std::string& path, const std::string& text) {
        codec::TarEntry entry;
        entry.path = path;
        entry.bytes = text.size();
        EXPECT_TRUE(tar.add(entry, text));
    };
    add("layer.tar", layer);
    add("manifest.json",
        R"([{"Config":"config.json","RepoTags":["old:1"],"Layers":["layer.tar"]}])");
    add("config.json", config.to_json());
    ASSERT_TRUE(tar.finish());
    const auto load_for = [&](const std::string& archive, const std::string& platform) {
        codec::MemorySource source(archive);
        return stores_.images->load(source, oci::Platform::parse(platform).value(), quiet, {});
    };
    for (const std::string platform : {"linux/arm/v7", "linux/arm64", "linux/amd64"}) {
        const auto refused = load_for(sink.text(), platform);
        ASSERT_FALSE(refused) << platform;
        EXPECT_TRUE(refused.error().is(ErrorCode::NotFound)) << refused.error().message();
    }
    EXPECT_TRUE(stores_.images->list({})->empty());
    ASSERT_TRUE(load_for(sink.text(), "linux/arm/v6"));
    // An OCI layout of one manifest names no platform in its index: the configuration counts.
    const std::string saved = save(stores_, {"old:1"});
    EXPECT_FALSE(load_for(saved, "linux/arm/v7"));
    EXPECT_TRUE(load_for(saved, "linux/arm/v6"));
    codec::StringSink strict;
    EXPECT_FALSE(
        stores_.images->save({"old:1"}, oci::Platform::parse("linux/arm/v7").value(), strict, {}));
    EXPECT_TRUE(strict.text().empty());
    EXPECT_TRUE(stores_.images->resolve(
        "old:1", oci::Platform::parse("linux/arm/v7").value()));  // a machine of v7 runs it
}

TEST_F(ImageStoreTest, IndexesThatNameEachOtherManyTimesCostNoMore) {
    import(stores_, "app:1", "x");
    const auto image = stores_.images->resolve("app:1").value();
    auto lease = stores_.content->lease();
    oci::Descriptor inner = image.manifest;
    inner.platform = image.platform;
    std::string outermost;
    for (int depth = 0; depth < 4; ++depth) {
        oci::Index index;
        index.media_type = "application/vnd.oci.image.index.v1+json";
        index.manifests.assign(500, inner);
        outermost = index.to_json();
        const auto blob = stores_.content->put(outermost).value();
        inner = {.media_type = index.media_type,
                 .digest = blob.digest,
                 .size = static_cast<std::int64_t>(blob.bytes)};
    }
    // 500 to the fourth written out.
    ASSERT_TRUE(
        stores_.database->execute("UPDATE image_name SET reference = 'docker.io/library/plain:1'"));
    ASSERT_TRUE(stores_.database->execute(
        "INSERT INTO image (id, media_type, size, parent, created) VALUES (?1, ?2, ?3, '', 0)",
        inner.digest.to_string(), inner.media_type, inner.size));
    const auto found = stores_.images->resolve(inner.digest.to_string());
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->manifest.digest, image.manifest.digest);
    EXPECT_EQ(stores_.images->list({})->size(), 2u);
    ASSERT_TRUE(stores_.images->collect_garbage({}));
    codec::StringSink sink;
    ASSERT_TRUE(stores_.images->save({inner.digest.to_string()}, std::nullopt, sink, {}));
    EXPECT_LT(sink.text().size(), 4u << 20);
}

TEST_F(ImageStoreTest, FiltersWhatItLists) {
    import(stores_, "app:1", "1");
    import(stores_, "lib/tool:2", "2");
    EXPECT_EQ(stores_.images->list({.references = {"app*"}})->size(), 1u);
    EXPECT_EQ(stores_.images->list({.references = {"lib/*:2"}})->size(), 1u);
    EXPECT_EQ(stores_.images->list({.labels = {"k=v"}})->size(), 2u);
    EXPECT_EQ(stores_.images->list({.labels = {"k=w"}})->size(), 0u);
    EXPECT_EQ(stores_.images->list({.dangling = true})->size(), 0u);
}

}  // namespace
}  // namespace berth::image
