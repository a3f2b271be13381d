#include "record/database.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace berth::record {
namespace {

const Schema pets{
    "pets", {"CREATE TABLE pet (name TEXT PRIMARY KEY, age INTEGER NOT NULL, photo BLOB) STRICT"}};

class DatabaseTest : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/berth-database-test-XXXXXX";
        folder_ = mkdtemp(name);
        path_ = folder_ + "/test.db";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::unique_ptr<Database> open(std::span<const Schema> schemas) {
        auto database = Database::open(path_, schemas);
        EXPECT_TRUE(database) << (database ? "" : database.error().message());
        return std::move(database).value();
    }
    static std::int64_t count(Database& database) {
        auto rows = database.prepare("SELECT count(*) FROM pet");
        EXPECT_TRUE(rows->step().value());
        return rows->integer(0);
    }
    std::string folder_;
    std::string path_;
};

TEST_F(DatabaseTest, KeepsRowsAcrossReopening) {
    const std::vector<std::byte> photo{std::byte{0}, std::byte{255}};
    open({{pets}})
        ->execute("INSERT INTO pet VALUES (?1, ?2, ?3)", "Rex", 3,
                  std::span<const std::byte>(photo))
        .value();
    auto database = open({{pets}});
    auto row = database->prepare("SELECT name, age, photo FROM pet WHERE age > ?1", 2);
    ASSERT_TRUE(row->step().value());
    EXPECT_EQ(row->text(0), "Rex");
    EXPECT_EQ(row->integer(1), 3);
    EXPECT_EQ(row->blob(2), photo);
    EXPECT_FALSE(row->step().value());
}

TEST_F(DatabaseTest, TellsNullFromEmpty) {
    auto database = open({{pets}});
    database
        ->execute("INSERT INTO pet VALUES (?1, ?2, ?3)", std::string_view(), 0,
                  std::optional<std::string>())
        .value();
    auto row = database->prepare("SELECT name, photo FROM pet");
    ASSERT_TRUE(row->step().value());
    EXPECT_FALSE(row->is_null(0));
    EXPECT_EQ(row->optional_text(1), std::nullopt);
}

TEST_F(DatabaseTest, RollsBackADroppedTransaction) {
    auto database = open({{pets}});
    {
        auto transaction = database->begin();
        database->execute("INSERT INTO pet VALUES ('Rex', 1, NULL)").value();
    }
    EXPECT_EQ(count(*database), 0);
}

TEST_F(DatabaseTest, UndoesAnInnerTransactionAlone) {
    auto database = open({{pets}});
    auto outer = database->begin(Durability::Relaxed);
    database->execute("INSERT INTO pet VALUES ('Rex', 1, NULL)").value();
    {
        auto inner = database->begin();
        database->execute("INSERT INTO pet VALUES ('Tom', 1, NULL)").value();
    }
    ASSERT_TRUE(std::move(*outer).commit());
    EXPECT_EQ(count(*database), 1);
}

TEST_F(DatabaseTest, MapsConstraintsToCodes) {
    auto database = open({{pets}});
    database->execute("INSERT INTO pet VALUES ('Rex', 1, NULL)").value();
    EXPECT_EQ(database->execute("INSERT INTO pet VALUES ('Rex', 2, NULL)").error().code(),
              ErrorCode::AlreadyExists);
    EXPECT_EQ(database->execute("INSERT INTO pet VALUES ('Tom', NULL, NULL)").error().code(),
              ErrorCode::Conflict);
    EXPECT_EQ(database->execute("INSERT INTO nothing VALUES (1)").error().code(),
              ErrorCode::Internal);
}

TEST_F(DatabaseTest, MigratesForwardKeepingRows) {
    open({{pets}})->execute("INSERT INTO pet VALUES ('Rex', 1, NULL)").value();
    Schema newer = pets;
    newer.versions.push_back("ALTER TABLE pet ADD COLUMN owner TEXT NOT NULL DEFAULT 'nobody'");
    auto database = open({{newer}});
    auto row = database->prepare("SELECT owner FROM pet");
    ASSERT_TRUE(row->step().value());
    EXPECT_EQ(row->text(0), "nobody");
}

TEST_F(DatabaseTest, RefusesTablesOfANewerProgram) {
    Schema newer = pets;
    newer.versions.push_back("ALTER TABLE pet ADD COLUMN owner TEXT");
    open({{newer}});
    auto database = Database::open(path_, {{pets}});
    ASSERT_TRUE(database.is_error());
    EXPECT_EQ(database.error().code(), ErrorCode::Unsupported);
    EXPECT_NE(database.error().hint(), "");
}

TEST_F(DatabaseTest, LeavesTheOldVersionWhenAMigrationFails) {
    open({{pets}});
    Schema broken = pets;
    broken.versions.push_back("CREATE TABLE extra (a INTEGER) STRICT; THIS IS NOT SQL");
    EXPECT_TRUE(Database::open(path_, {{broken}}).is_error());
    auto database = open({{pets}});
    EXPECT_TRUE(database->execute("SELECT * FROM extra").is_error());
}

TEST_F(DatabaseTest, RefusesAFileThatIsNoDatabase) {
    std::ofstream(path_) << std::string(8192, 'x');
    auto database = Database::open(path_, {{pets}});
    ASSERT_TRUE(database.is_error());
    EXPECT_EQ(database.error().code(), ErrorCode::Corrupted);
}

TEST_F(DatabaseTest, ServesManyThreads) {
    auto database = open({{pets}});
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < 25; ++i) {
                    auto transaction =
                        database->begin(i % 2 ? Durability::Relaxed : Durability::Full);
                    database->execute("INSERT INTO pet VALUES (?1, ?2, NULL)", concat(t, "-", i), i)
                        .value();
                    EXPECT_TRUE(std::move(*transaction).commit());
                }
            });
    }
    EXPECT_EQ(count(*database), 100);
    database.reset();
    database = open({{pets}});
    EXPECT_EQ(count(*database), 100);
}

}  // namespace
}  // namespace berth::record
