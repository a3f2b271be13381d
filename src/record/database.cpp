#include "record/database.h"

#include <sqlite3.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "record/reserve.h"
#include "sys/file.h"

namespace berth::record {

namespace {
constexpr std::size_t most_idle_statements = 64;
constexpr int busy_timeout_ms = 5000;

ErrorCode code_of(int sqlite_code, int system_errno) {
    switch (sqlite_code & 0xff) {
        case SQLITE_FULL: return ErrorCode::NoSpace;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return ErrorCode::Unavailable;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return ErrorCode::Corrupted;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH: return ErrorCode::PermissionDenied;
        case SQLITE_CONSTRAINT:
            return sqlite_code == SQLITE_CONSTRAINT_UNIQUE ||
                           sqlite_code == SQLITE_CONSTRAINT_PRIMARYKEY
                       ? ErrorCode::AlreadyExists
                       : ErrorCode::Conflict;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
            return system_errno ? code_from_errno(system_errno) : ErrorCode::Internal;
        default: return ErrorCode::Internal;
    }
}

// Copies the write-ahead log into the database, so that it begins anew in the room it has.
void checkpoint(sqlite3* handle) {
    sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}
}  // namespace

// ---- Statement

Statement::Statement(Database& database, sqlite3_stmt* handle,
                     std::unique_lock<std::recursive_mutex> lock)
    : lock_(std::move(lock)), database_(&database), handle_(handle) {}

Statement::Statement(Statement&& other) noexcept
    : lock_(std::move(other.lock_)),
      database_(other.database_),
      handle_(std::exchange(other.handle_, nullptr)),
      bind_error_(other.bind_error_),
      has_stepped_(other.has_stepped_) {}

Statement::~Statement() {
    if (handle_) database_->give_back(handle_);
}

void Statement::bind(int index, std::string_view text) {
    // An empty view may carry a null pointer, which SQLite would store as NULL.
    const char* data = text.data() ? text.data() : "";
    if (int code =
            sqlite3_bind_text64(handle_, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8))
        bind_error_ = code;
}

void Statement::bind(int index, double number) {
    if (int code = sqlite3_bind_double(handle_, index, number)) bind_error_ = code;
}

void Statement::bind(int index, std::span<const std::byte> blob) {
    const void* data = blob.empty() ? static_cast<const void*>("") : blob.data();
    if (int code = sqlite3_bind_blob64(handle_, index, data, blob.size(), SQLITE_TRANSIENT))
        bind_error_ = code;
}

void Statement::bind(int index, std::nullptr_t) {
    if (int code = sqlite3_bind_null(handle_, index)) bind_error_ = code;
}

void Statement::bind_integer(int index, std::int64_t number) {
    if (int code = sqlite3_bind_int64(handle_, index, number)) bind_error_ = code;
}

Result<bool> Statement::step() {
    if (bind_error_) return database_->error("bind", bind_error_);
    int code = sqlite3_step(handle_);
    // A transaction has made sure of its room when it began, and cannot be repeated from here.
    while (!has_stepped_ && !database_->is_in_transaction() && database_->make_room(code)) {
        sqlite3_reset(handle_);
        code = sqlite3_step(handle_);
    }
    has_stepped_ = true;
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return database_->error("step", code);
}

Result<std::int64_t> Statement::run() {
    while (TRY(step())) {
    }
    return static_cast<std::int64_t>(sqlite3_changes64(database_->handle_));
}

void Statement::reset() {
    sqlite3_reset(handle_);
    sqlite3_clear_bindings(handle_);
    bind_error_ = 0;
    has_stepped_ = false;
}

std::string Statement::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    return data ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column)))
                : std::string();
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

double Statement::real(int column) const { return sqlite3_column_double(handle_, column); }

std::vector<std::byte> Statement::blob(int column) const {
    const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_, column));
    return data ? std::vector<std::byte>(data, data + sqlite3_column_bytes(handle_, column))
                : std::vector<std::byte>();
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::optional<std::string> Statement::optional_text(int column) const {
    return is_null(column) ? std::nullopt : std::optional(text(column));
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
    return is_null(column) ? std::nullopt : std::optional(integer(column));
}

// ---- Transaction

Transaction::Transaction(Database& database, int depth, std::unique_lock<std::recursive_mutex> lock)
    : lock_(std::move(lock)), database_(&database), depth_(depth) {}

Transaction::Transaction(Transaction&& other) noexcept
    : lock_(std::move(other.lock_)),
      database_(std::exchange(other.database_, nullptr)),
      depth_(other.depth_) {}

Transaction::~Transaction() {
    if (!database_) return;
    // SQLite itself has rolled back already after some errors; then this reports "no transaction",
    // which is fine.
    const std::string sql =
        depth_ == 0 ? "ROLLBACK" : concat("ROLLBACK TO s", depth_, "; RELEASE s", depth_);
    database_->run_script(sql).ignore("nothing is left to be rolled back");
    --database_->depth_;
}

Result<> Transaction::commit() && {
    BERTH_ASSERT(database_);
    // On failure the destructor rolls back, so that the connection is usable again.
    TRY(database_->run_script(depth_ == 0 ? "COMMIT" : concat("RELEASE s", depth_)));
    --database_->depth_;
    if (database_->reserve_ && database_->depth_ == 0) database_->reserve_->refill();
    Database* const database = std::exchange(database_, nullptr);
    if (depth_ != 0 || !database->is_durable_ || !database->log_) return {};
    const std::uint64_t commits = ++database->commits_;
    // Others commit meanwhile, and wait together: that is why SQLite is not left to do it.
    lock_.unlock();
    return database->sync_up_to(commits);
}

// ---- Database

Result<std::unique_ptr<Database>> Database::open(const std::string& path,
                                                 std::span<const Schema> schemas) {
    // Opening takes room, too, for the write-ahead log and its index; and so does what else an
    // engine makes when it starts.
    Reserve reserve = TRY(Reserve::open(path + "-reserve").context("database ", path));
    reserve.give_when_full();
    auto database = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, schemas);
    while (database.is_error() && database.error().is(ErrorCode::NoSpace) && reserve.give())
        database = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, schemas);
    if (database) {
        (*database)->reserve_ = std::make_unique<Reserve>(std::move(reserve));
        (*database)->log_ = TRY(sys::open(path + "-wal", O_RDONLY).context("database ", path));
        TRY(sys::fsync_parent(path));
    }
    return std::move(database).context("database ", path);
}

Result<std::unique_ptr<Database>> Database::open_in_memory(std::span<const Schema> schemas) {
    return open_file(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, schemas);
}

Result<std::unique_ptr<Database>> Database::open_file(const std::string& path, int flags,
                                                      std::span<const Schema> schemas) {
    sqlite3* handle = nullptr;
    // NOMUTEX: our own lock already serialises every use.
    const int code = sqlite3_open_v2(path.c_str(), &handle,
                                     flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    std::unique_ptr<Database> database(new Database(handle));
    if (code != SQLITE_OK) return database->error("open", code);
    sqlite3_busy_timeout(handle, busy_timeout_ms);
    // The cache is small because the engine is to stay small; the WAL is cut back so that a burst
    // does not keep its size.
    TRY(database->run_script(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        "PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=4194304;"
        "CREATE TABLE IF NOT EXISTS schema_version"
        " (module TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"));
    for (const Schema& schema : schemas) TRY(database->migrate(schema));
    return database;
}

Database::Database(sqlite3* handle) : handle_(handle) {}

Database::~Database() {
    for (const Cached& cached : idle_) sqlite3_finalize(cached.handle);
    sqlite3_close_v2(handle_);
}

Result<> Database::migrate(const Schema& schema) {
    Transaction transaction = TRY(begin());
    std::size_t version = 0;
    {
        Statement row =
            TRY(prepare("SELECT version FROM schema_version WHERE module = ?1", schema.name));
        if (TRY(row.step())) version = static_cast<std::size_t>(row.integer(0));
    }
    if (version > schema.versions.size()) {
        return fail(ErrorCode::Unsupported, "tables of '", schema.name, "' have version ", version,
                    ", this program knows up to ", schema.versions.size())
            .with_hint("a newer Berth wrote this data root; use that version or another data root");
    }
    if (version == schema.versions.size()) return {};
    for (; version < schema.versions.size(); ++version)
        TRY(run_script(schema.versions[version])
                .context("bring tables of '", schema.name, "' to version ", version + 1));
    TRY(
        execute("INSERT INTO schema_version VALUES (?1, ?2) ON CONFLICT (module) DO UPDATE SET "
                "version = ?2",
                schema.name, schema.versions.size()));
    TRY(std::move(transaction).commit());
    // New tables are most of what a young file grows by. It grows now, not when the disk is full
    // and the log has to be moved into it with what the reserve gives.
    if (depth_ == 0) checkpoint(handle_);
    return {};
}

Result<Transaction> Database::begin(Durability durability) {
    std::unique_lock lock(mutex_);
    if (depth_ == 0) {
        is_durable_ = durability == Durability::Full;
        TRY(set_durability(log_ ? Durability::Relaxed : durability));
        // SQLite rolls back what finds no room at its COMMIT: the room must be there before.
        if (reserve_ && reserve_->give_when_full()) checkpoint(handle_);
        // IMMEDIATE takes the write lock now: a reader that becomes a writer could not wait for it.
        TRY(run_script("BEGIN IMMEDIATE"));
    } else {
        TRY(run_script(concat("SAVEPOINT s", depth_)));
    }
    return Transaction(*this, depth_++, std::move(lock));
}

Result<> Database::sync_up_to(std::uint64_t commits) {
    const std::lock_guard lock(sync_mutex_);
    if (synced_ >= commits) return {};
    const std::uint64_t covered = commits_;
    TRY(sys::fdatasync(log_).context("sync the database's log"));
    synced_ = covered;
    return {};
}

Result<> Database::check_room() const {
    std::unique_lock lock(mutex_);
    if (!reserve_ || !reserve_->is_short()) return {};
    return fail(ErrorCode::NoSpace, "no space left on the disk of the data root")
        .with_hint("`berth system df` shows what takes it, `berth system prune` makes room");
}

std::int64_t Database::last_insert_id() const {
    std::unique_lock lock(mutex_);
    return sqlite3_last_insert_rowid(handle_);
}

Result<Statement> Database::prepare_only(std::string_view sql) {
    std::unique_lock lock(mutex_);
    if (depth_ == 0) TRY(set_durability(Durability::Full));
    const auto found =
        std::find_if(idle_.rbegin(), idle_.rend(), [&](const Cached& c) { return c.sql == sql; });
    if (found != idle_.rend()) {
        sqlite3_stmt* handle = found->handle;
        idle_.erase(std::next(found).base());
        return Statement(*this, handle, std::move(lock));
    }
    sqlite3_stmt* handle = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    if (code != SQLITE_OK) return error("prepare", code).with_context(std::string(sql));
    return Statement(*this, handle, std::move(lock));
}

void Database::give_back(sqlite3_stmt* handle) {
    sqlite3_reset(handle);
    sqlite3_clear_bindings(handle);
    if (idle_.size() >= most_idle_statements) {
        sqlite3_finalize(idle_.front().handle);
        idle_.erase(idle_.begin());
    }
    idle_.push_back({sqlite3_sql(handle), handle});
}

Result<> Database::run_script(const std::string& sql) {
    const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return error("exec", code);
    return {};
}

bool Database::make_room(int code) {
    if (code == SQLITE_OK || !reserve_ ||
        code_of(code, sqlite3_system_errno(handle_)) != ErrorCode::NoSpace)
        return false;
    if (!reserve_->give()) return false;
    checkpoint(handle_);
    return true;
}

bool Database::is_in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

Result<> Database::set_durability(Durability durability) {
    if (durability_ == durability) return {};
    TRY(run_script(durability == Durability::Full ? "PRAGMA synchronous=FULL"
                                                  : "PRAGMA synchronous=NORMAL"));
    durability_ = durability;
    return {};
}

Error Database::error(std::string_view call, int code) const {
    const int system_errno = handle_ ? sqlite3_system_errno(handle_) : 0;
    const char* text = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
    return Error(code_of(code, system_errno), concat("sqlite ", call, ": ", text));
}

}  // namespace berth::record
