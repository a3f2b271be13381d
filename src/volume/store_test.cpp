#include "volume/store.h"

#include <gmock/gmock.h>

#include <fstream>

#include "record/database.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::volume {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StoreTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto directory = sys::TempDir::create();
        ASSERT_FALSE(directory.is_error());
        directory_.emplace(std::move(*directory));
        auto schemas = std::vector<record::Schema>{schema()};
        auto database = record::Database::open_in_memory(schemas);
        ASSERT_FALSE(database.is_error());
        database_ = std::move(*database);
        open();
    }
    void open() {
        auto store = Store::open(*database_, directory_->path());
        ASSERT_FALSE(store.is_error());
        store_ = std::move(*store);
    }

    std::optional<sys::TempDir> directory_;
    std::unique_ptr<record::Database> database_;
    std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, CreatesOnceAndReturnsTheSameAgain) {
    auto first = store_->create({.name = "data", .labels = {{"a", "b"}}});
    ASSERT_FALSE(first.is_error()) << first.error().message();
    auto again = store_->create({.name = "data"});
    ASSERT_FALSE(again.is_error());
    EXPECT_EQ(first->id, again->id);
    EXPECT_TRUE(sys::exists(first->mountpoint));
    EXPECT_TRUE(*store_->is_empty("data"));
    std::ofstream(first->mountpoint + "/file") << "x";
    EXPECT_FALSE(*store_->is_empty("data"));
    EXPECT_GT(*store_->usage("data", {}), 0u);
}

TEST_F(StoreTest, GivesAnonymousVolumesLongNames) {
    auto volume = store_->create({});
    ASSERT_FALSE(volume.is_error());
    EXPECT_TRUE(volume->anonymous);
    EXPECT_EQ(volume->name.size(), 64u);
}

TEST_F(StoreTest, RefusesBadNamesOptionsAndDrivers) {
    EXPECT_EQ(store_->create({.name = "a"}).error().code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->create({.name = "../x"}).error().code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->create({.name = "ok", .driver = "nope"}).error().code(), ErrorCode::NotFound);
    EXPECT_EQ(store_->create({.name = "ok", .options = {{"colour", "red"}}}).error().code(),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(store_->create({.name = "ok", .options = {{"type", "nfs"}}}).error().code(),
              ErrorCode::InvalidArgument);
    EXPECT_THAT(store_->list(), IsEmpty());
}

TEST_F(StoreTest, KeepsVolumesThatContainersName) {
    ASSERT_FALSE(store_->create({.name = "data"}).is_error());
    ASSERT_FALSE(store_->acquire("data", "c1").is_error());
    auto removed = store_->remove("data", {});
    ASSERT_TRUE(removed.is_error());
    EXPECT_EQ(removed.error().message(), "remove data: volume is in use - [c1]");
    auto pruned = store_->prune([](const Volume&) { return true; }, {});
    ASSERT_FALSE(pruned.is_error());
    EXPECT_THAT(pruned->volumes, IsEmpty());
    open();
    EXPECT_EQ(store_->users("data"), std::vector<std::string>{"c1"});
    EXPECT_THAT(*store_->release("c1"), IsEmpty());
    EXPECT_FALSE(store_->remove("data", {}).is_error());
    EXPECT_EQ(store_->find("data").error().message(), "get data: no such volume");
    EXPECT_TRUE(sys::list_dir(directory_->path() + "/volumes")->empty());
    EXPECT_TRUE(sys::list_dir(directory_->path() + "/trash")->empty());
    EXPECT_TRUE(store_->remove("data", {}).is_error());
    EXPECT_FALSE(store_->remove("data", {.force = true}).is_error());
}

TEST_F(StoreTest, HandsAnonymousVolumesBackOnRelease) {
    auto volume = store_->create({});
    ASSERT_FALSE(store_->acquire(volume->name, "c1").is_error());
    auto free = store_->release("c1");
    ASSERT_FALSE(free.is_error());
    ASSERT_EQ(free->size(), 1u);
    EXPECT_EQ(free->front().name, volume->name);
}

TEST_F(StoreTest, TellsWhatToMount) {
    ASSERT_FALSE(
        store_
            ->create({.name = "tmp",
                      .options = {{"type", "tmpfs"}, {"device", "tmpfs"}, {"o", "size=1m"}}})
            .is_error());
    auto source = store_->mount_source("tmp");
    ASSERT_FALSE(source.is_error());
    EXPECT_EQ(source->type, "tmpfs");
    EXPECT_EQ(source->options, "size=1m");
    ASSERT_FALSE(
        store_
            ->create({.name = "bound",
                      .options = {{"type", "none"}, {"device", "/nowhere"}, {"o", "bind"}}})
            .is_error());
    auto bound = store_->mount_source("bound");
    ASSERT_TRUE(bound.is_error());
    EXPECT_THAT(bound.error().message(), HasSubstr("no such file or directory"));
}

TEST_F(StoreTest, RenamesWithoutMovingData) {
    auto volume = store_->create({.name = "old"});
    ASSERT_FALSE(store_->rename("old", "new").is_error());
    open();
    auto renamed = store_->find("new");
    ASSERT_FALSE(renamed.is_error());
    EXPECT_EQ(renamed->mountpoint, volume->mountpoint);
    EXPECT_TRUE(store_->find("old").is_error());
}

TEST_F(StoreTest, SweepsWhatACrashLeft) {
    ASSERT_FALSE(store_->create({.name = "kept"}).is_error());
    ASSERT_FALSE(store_->create({.name = "half"}).is_error());
    ASSERT_FALSE(store_->acquire("kept", "gone").is_error());
    ASSERT_FALSE(database_->execute("UPDATE volume SET state = 2 WHERE name = 'half'").is_error());
    ASSERT_FALSE(sys::mkdir_all(directory_->path() + "/volumes/stray/_data").is_error());
    open();
    auto repairs = store_->reconcile({});
    ASSERT_FALSE(repairs.is_error());
    EXPECT_THAT(*repairs, Contains(HasSubstr("half-made volume half")));
    EXPECT_THAT(*repairs, Contains(HasSubstr("without a row: stray")));
    EXPECT_EQ(store_->list().size(), 1u);
    EXPECT_EQ(sys::list_dir(directory_->path() + "/volumes")->size(), 1u);
    EXPECT_THAT(store_->users("kept"), IsEmpty());
}

}  // namespace berth::volume
