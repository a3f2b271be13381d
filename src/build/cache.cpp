#include "build/cache.h"

#include "record/database.h"

namespace berth::build {
namespace {

constexpr const char* version_1 = R"(
CREATE TABLE build_cache (
    key TEXT PRIMARY KEY,
    parent TEXT NOT NULL,
    type TEXT NOT NULL,
    description TEXT NOT NULL,
    diff_id TEXT NOT NULL,
    blob_digest TEXT NOT NULL,
    blob_media_type TEXT NOT NULL,
    blob_bytes INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    usage_count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE build_digest (
    tree TEXT NOT NULL,
    selection TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (tree, selection)
) STRICT, WITHOUT ROWID;
CREATE TABLE build_mount (
    directory TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL
) STRICT;
)";

std::int64_t to_number(Timestamp time) { return time.time_since_epoch().count(); }
Timestamp to_time(std::int64_t number) { return Timestamp(std::chrono::nanoseconds(number)); }

Result<std::optional<image::Layer>> read_layer(const record::Statement& row, int column) {
    if (row.text(column).empty()) return std::optional<image::Layer>();
    image::Layer layer;
    layer.diff_id = TRY(oci::Digest::parse(row.text(column)));
    layer.blob.digest = TRY(oci::Digest::parse(row.text(column + 1)));
    layer.blob.media_type = row.text(column + 2);
    layer.blob.size = row.integer(column + 3);
    return std::optional<image::Layer>(std::move(layer));
}

}  // namespace

record::Schema schema() { return {"build", {version_1}}; }

Result<std::optional<Cache::Found>> Cache::find(const std::string& key) {
    Found found;
    {
        auto row =
            TRY(database_.prepare("SELECT diff_id, blob_digest, blob_media_type, blob_bytes, "
                                  "created FROM build_cache WHERE key = ?1",
                                  key));
        if (!TRY(row.step())) return std::optional<Found>();
        found.added = TRY(read_layer(row, 0));
        found.created = to_time(row.integer(4));
    }
    // Outside the statement: it looks at files.
    if (found.added && !is_available_(*found.added)) return std::optional<Found>();
    return std::optional<Found>(std::move(found));
}

Result<> Cache::store(const Record& record) {
    const image::Layer none;
    const image::Layer& layer = record.added ? *record.added : none;
    // Layer and blob are on the disk; losing the record in a power cut costs one step, so it need
    // not wait for one.
    auto transaction = TRY(database_.begin(record::Durability::Relaxed));
    TRY(database_.execute(
        "INSERT INTO build_cache VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 1) "
        "ON CONFLICT (key) DO UPDATE SET diff_id = excluded.diff_id, blob_digest = "
        "excluded.blob_digest, "
        "blob_media_type = excluded.blob_media_type, blob_bytes = excluded.blob_bytes, "
        "bytes = excluded.bytes, created = excluded.created, last_used = excluded.last_used, "
        "usage_count = usage_count + 1",
        record.key, record.parent, record.type, record.description, layer.diff_id.to_string(),
        layer.blob.digest.to_string(), layer.blob.media_type, layer.blob.size, record.bytes,
        to_number(record.created)));
    return std::move(transaction).commit();
}

Result<std::optional<std::string>> Cache::find_digest(const std::string& tree,
                                                      const std::string& selection) {
    auto row = TRY(database_.prepare(
        "SELECT digest FROM build_digest WHERE tree = ?1 AND selection = ?2", tree, selection));
    if (!TRY(row.step())) return std::optional<std::string>();
    return std::optional<std::string>(row.text(0));
}

Result<> Cache::store_digest(const std::string& tree, const std::string& selection,
                             const std::string& digest) {
    auto transaction = TRY(database_.begin(record::Durability::Relaxed));
    TRY(database_.execute("INSERT OR REPLACE INTO build_digest VALUES (?1, ?2, ?3)", tree,
                          selection, digest));
    return std::move(transaction).commit();
}

Result<> Cache::touch(const std::set<std::string>& keys, Timestamp now) {
    if (keys.empty()) return {};
    auto transaction = TRY(database_.begin(record::Durability::Relaxed));
    for (const auto& key : keys)
        TRY(database_.execute(
            "UPDATE build_cache SET last_used = ?2, usage_count = usage_count + 1 WHERE key = ?1",
            key, to_number(now)));
    return std::move(transaction).commit();
}

Result<std::vector<CacheRecord>> Cache::list() const {
    auto rows =
        TRY(database_.prepare("SELECT key, parent, type, description, bytes, created, last_used, "
                              "usage_count, diff_id, blob_digest, blob_media_type, blob_bytes "
                              "FROM build_cache ORDER BY last_used, key"));
    std::vector<CacheRecord> out;
    while (TRY(rows.step())) {
        CacheRecord record;
        record.id = rows.text(0);
        record.parent = rows.text(1);
        record.type = rows.text(2);
        record.description = rows.text(3);
        record.bytes = rows.integer(4);
        record.created = to_time(rows.integer(5));
        record.last_used = to_time(rows.integer(6));
        record.usage_count = rows.integer(7);
        record.layer = TRY(read_layer(rows, 8));
        out.push_back(std::move(record));
    }
    return out;
}

Result<> Cache::remove(const std::string& key) {
    TRY(database_.execute("DELETE FROM build_cache WHERE key = ?1", key));
    return {};
}

Result<bool> Cache::remove_unused(const std::string& key, Timestamp since) {
    return TRY(database_.execute("DELETE FROM build_cache WHERE key = ?1 AND last_used <= ?2", key,
                                 to_number(since))) > 0;
}

Result<std::vector<image::Layer>> Cache::layers() const {
    auto rows = TRY(database_.prepare(
        "SELECT diff_id, blob_digest, blob_media_type, blob_bytes FROM build_cache"));
    std::vector<image::Layer> out;
    while (TRY(rows.step())) {
        auto layer = TRY(read_layer(rows, 0));
        if (layer) out.push_back(std::move(*layer));
    }
    return out;
}

Result<Cache::Turn> Cache::take_turn(const std::string& key, const std::stop_token& stop) {
    auto running = running_.lock();
    if (!running.wait(stop, [&](const std::set<std::string>& keys) { return !keys.contains(key); }))
        return fail(ErrorCode::Cancelled, "cancelled");
    running->insert(key);
    return Turn(*this, key);
}

Cache::Turn::~Turn() {
    if (!cache_) return;
    cache_->running_.lock()->erase(key_);
    cache_->running_.notify_all();
}

}  // namespace berth::build
