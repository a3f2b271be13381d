#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "record/schema.h"
#include "sys/fd.h"

struct sqlite3;
struct sqlite3_stmt;

namespace berth::record {

/// What a commit waits for. Full: the data is on the disk when commit() returns. Relaxed: it
/// survives a crash of this process but a power cut may undo it (never partly); for state that a
/// power cut ends anyway, such as "running".
enum class Durability { Full, Relaxed };

class Database;
class Reserve;

/// One SQL statement with its parameters, numbered from 1 as in SQL; columns are numbered from 0.
/// Holds the database's lock while it lives (the same thread may hold several): keep it short, and
/// do no I/O meanwhile.
///     auto rows = TRY(database.prepare("SELECT id, size FROM layer WHERE size > ?1", minimum));
///     while (TRY(rows.step())) use(rows.text(0), rows.integer(1));
class Statement {
public:
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    // An error of a bind is reported by the next step().
    void bind(int index, std::string_view text);
    void bind(int index, const char* text) { bind(index, std::string_view(text)); }
    void bind(int index, const std::string& text) { bind(index, std::string_view(text)); }
    void bind(int index, double number);
    void bind(int index, std::span<const std::byte> blob);
    void bind(int index, std::nullptr_t);
    template <std::integral T>
    void bind(int index, T number) {
        bind_integer(index, static_cast<std::int64_t>(number));
    }
    template <typename T>
    void bind(int index, const std::optional<T>& value) {
        value ? bind(index, *value) : bind(index, nullptr);
    }

    /// True when a row is ready, false when there is none (left). AlreadyExists for a broken unique
    /// constraint, Conflict for another constraint, NoSpace when the disk is full.
    Result<bool> step();
    /// Runs to the end and gives the number of rows changed.
    Result<std::int64_t> run();
    /// Ready to be bound and run again.
    void reset();

    // Columns of the current row. NULL reads as "", 0 and empty.
    std::string text(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::vector<std::byte> blob(int column) const;
    bool is_null(int column) const;
    std::optional<std::string> optional_text(int column) const;
    std::optional<std::int64_t> optional_integer(int column) const;

private:
    friend class Database;
    Statement(Database& database, sqlite3_stmt* handle,
              std::unique_lock<std::recursive_mutex> lock);
    void bind_integer(int index, std::int64_t number);

    std::unique_lock<std::recursive_mutex> lock_;
    Database* database_;
    sqlite3_stmt* handle_;
    int bind_error_ = 0;
    bool has_stepped_ = false;
};

/// All changes between begin() and commit(), or none of them: dropping it rolls back. Holds the
/// database's lock. Within another transaction of the same thread it is a part of that one, undone
/// alone if dropped.
class Transaction {
public:
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    Result<> commit() &&;

private:
    friend class Database;
    Transaction(Database& database, int depth, std::unique_lock<std::recursive_mutex> lock);
    std::unique_lock<std::recursive_mutex> lock_;
    Database* database_;
    int depth_;
};

/// The engine's small state: one SQLite file in WAL mode. Thread-safe: one lock, taken by Statement
/// and Transaction. On a full disk what it writes takes from a reserve beside the file
/// (record/reserve.h), so that what makes room can be recorded.
class Database {
public:
    /// Opens or creates the file and brings every module's tables to their newest version, each in
    /// a transaction. Unsupported when a newer Berth wrote the file, Corrupted when it is not a
    /// database, NoSpace.
    static Result<std::unique_ptr<Database>> open(const std::string& path,
                                                  std::span<const Schema> schemas);
    /// The same, in memory, for tests.
    static Result<std::unique_ptr<Database>> open_in_memory(std::span<const Schema> schemas);
    ~Database();
    Database(const Database&) = delete;

    /// Prepares one statement and binds `values` to ?1, ?2 ...
    template <typename... Values>
    Result<Statement> prepare(std::string_view sql, const Values&... values) {
        auto statement = prepare_only(sql);
        if (statement.is_error()) return statement;
        int index = 0;
        (statement->bind(++index, values), ...);
        return statement;
    }
    /// Prepares, binds and runs to the end; gives the number of rows changed. Outside a transaction
    /// it is fully durable.
    template <typename... Values>
    Result<std::int64_t> execute(std::string_view sql, const Values&... values) {
        Statement statement = TRY(prepare(sql, values...));
        return statement.run();
    }
    Result<Transaction> begin(Durability durability = Durability::Full);
    /// For what makes something new, before its first row: NoSpace when only the reserve is left,
    /// which is for removals.
    Result<> check_room() const;
    /// Brings one more module's tables to their newest version.
    Result<> migrate(const Schema& schema);
    /// The rowid of the newest insert of this connection; read it before the transaction ends.
    std::int64_t last_insert_id() const;

private:
    friend class Statement;
    friend class Transaction;
    struct Cached {
        std::string sql;
        sqlite3_stmt* handle;
    };
    explicit Database(sqlite3* handle);
    static Result<std::unique_ptr<Database>> open_file(const std::string& path, int flags,
                                                       std::span<const Schema> schemas);
    Result<Statement> prepare_only(std::string_view sql);
    Result<> run_script(const std::string& sql);
    Result<> set_durability(Durability durability);
    Error error(std::string_view call, int code) const;
    void give_back(sqlite3_stmt* handle);
    /// After an error for want of room: whether there is some now, so that a second attempt is
    /// worth it.
    bool make_room(int code);
    bool is_in_transaction() const;
    /// Waits until the first `commits` commits are on the disk; without the lock. One wait serves
    /// all who came before it began.
    Result<> sync_up_to(std::uint64_t commits);

    sqlite3* handle_;
    std::unique_ptr<Reserve> reserve_;
    mutable std::recursive_mutex mutex_;
    int depth_ = 0;
    Durability durability_ = Durability::Full;
    // Commits of transactions that are to be durable, counted under the lock; the log is written by
    // SQLite and synced by us.
    sys::Fd log_;
    bool is_durable_ = false;  // what the transaction under way is to be
    std::atomic<std::uint64_t> commits_ = 0;
    std::mutex sync_mutex_;
    std::uint64_t synced_ = 0;
    // Statements that are not in use, newest last: preparing costs more than most of them take to
    // run.
    std::vector<Cached> idle_;
};

}  // namespace berth::record
