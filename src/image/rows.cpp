#include <algorithm>

#include "image/implementation_internal.h"

namespace berth::image {

record::Schema schema() {
    return {
        "image",
        {"CREATE TABLE image (id TEXT PRIMARY KEY, media_type TEXT NOT NULL, size INTEGER NOT NULL,"
         " parent TEXT NOT NULL DEFAULT '', created INTEGER NOT NULL) STRICT;"
         "CREATE TABLE image_name (reference TEXT PRIMARY KEY, id TEXT NOT NULL REFERENCES "
         "image(id),"
         " tagged INTEGER NOT NULL) STRICT;"
         "CREATE INDEX image_name_by_id ON image_name(id);"
         "CREATE TABLE blob_source (digest TEXT NOT NULL, domain TEXT NOT NULL, path TEXT NOT NULL,"
         " PRIMARY KEY (digest, domain, path)) STRICT, WITHOUT ROWID",
         "ALTER TABLE blob_source ADD COLUMN is_open INTEGER NOT NULL DEFAULT 0;"
         "ALTER TABLE blob_source ADD COLUMN is_dropped INTEGER NOT NULL DEFAULT 0",
         "ALTER TABLE image ADD COLUMN is_pulled INTEGER NOT NULL DEFAULT 0;"
         "ALTER TABLE image ADD COLUMN last_used INTEGER NOT NULL DEFAULT 0;"
         "ALTER TABLE image ADD COLUMN is_pinned INTEGER NOT NULL DEFAULT 0;"
         "ALTER TABLE image_name ADD COLUMN is_pulled INTEGER NOT NULL DEFAULT 0",
         "ALTER TABLE blob_source ADD COLUMN is_pulled INTEGER NOT NULL DEFAULT 0",
         "CREATE TABLE compressed_layer (digest TEXT PRIMARY KEY, diff_id TEXT NOT NULL, size "
         "INTEGER NOT NULL) STRICT;"
         "CREATE INDEX compressed_layer_by_diff_id ON compressed_layer(diff_id);"
         "ALTER TABLE image_name ADD COLUMN digest TEXT NOT NULL DEFAULT ''"}};
}

namespace {

Timestamp time_of(std::int64_t nanoseconds) {
    return Timestamp(std::chrono::nanoseconds(nanoseconds));
}
std::int64_t now() { return SystemClock().now().time_since_epoch().count(); }

Result<Row> read_row(const record::Statement& statement) {
    Row row;
    row.id = TRY(oci::Digest::parse(statement.text(0)));
    row.media_type = statement.text(1);
    row.size = statement.integer(2);
    row.parent = statement.text(3);
    row.created = time_of(statement.integer(4));
    row.last_used = std::max(row.created, time_of(statement.integer(5)));
    row.is_pulled = statement.integer(6) != 0;
    row.is_pinned = statement.integer(7) != 0;
    return row;
}

constexpr std::string_view row_columns =
    "SELECT id, media_type, size, parent, created, last_used, is_pulled, is_pinned FROM image";

Result<std::vector<Name>> read_names(record::Statement statement) {
    std::vector<Name> out;
    while (TRY(statement.step())) {
        Name name;
        name.reference = statement.text(0);
        name.id = TRY(oci::Digest::parse(statement.text(1)));
        name.tagged = time_of(statement.integer(2));
        name.is_pulled = statement.integer(3) != 0;
        name.digest =
            statement.text(4).empty() ? name.id : TRY(oci::Digest::parse(statement.text(4)));
        out.push_back(std::move(name));
    }
    return out;
}

}  // namespace

Result<std::vector<Row>> Store::Implementation::rows() const {
    auto statement =
        TRY(services_.database.prepare(concat(row_columns, " ORDER BY created DESC, id")));
    std::vector<Row> out;
    while (TRY(statement.step())) out.push_back(TRY(read_row(statement)));
    return out;
}

Result<std::optional<Row>> Store::Implementation::find_row(const oci::Digest& id) const {
    auto statement =
        TRY(services_.database.prepare(concat(row_columns, " WHERE id = ?1"), id.to_string()));
    if (!TRY(statement.step())) return std::optional<Row>();
    return std::optional(TRY(read_row(statement)));
}

Result<std::vector<Name>> Store::Implementation::names() const {
    return read_names(TRY(services_.database.prepare(
        "SELECT reference, id, tagged, is_pulled, digest FROM image_name ORDER BY reference")));
}

Result<std::vector<Name>> Store::Implementation::names_of(const oci::Digest& id) const {
    return read_names(TRY(services_.database.prepare(
        "SELECT reference, id, tagged, is_pulled, digest FROM image_name WHERE id = ?1 ORDER BY "
        "reference",
        id.to_string())));
}

Result<> Store::Implementation::save_image(const oci::Descriptor& target, const std::string& parent,
                                           Provenance provenance) {
    TRY(services_.database.execute(
        "INSERT INTO image (id, media_type, size, parent, created, last_used, is_pulled) VALUES "
        "(?1, ?2, ?3, ?4, ?5, ?5, ?6) ON CONFLICT (id) DO UPDATE SET last_used = "
        "excluded.last_used, is_pulled = max(is_pulled, excluded.is_pulled)",
        target.digest.to_string(), target.media_type, target.size, parent, now(),
        std::int64_t{provenance == Provenance::Pulled}));
    return {};
}

Result<> Store::Implementation::save_name(const oci::Reference& reference, const oci::Digest& id,
                                          Provenance provenance) {
    TRY(services_.database.execute(
        "INSERT INTO image_name (reference, id, tagged, is_pulled) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (reference) DO UPDATE SET id = excluded.id, tagged = excluded.tagged,"
        " is_pulled = excluded.is_pulled, digest = ''",
        reference.to_string(), id.to_string(), now(),
        std::int64_t{provenance == Provenance::Pulled}));
    return {};
}

Result<> Store::Implementation::note_pushed_as(const oci::Reference& reference,
                                               const oci::Digest& id, const oci::Digest& digest) {
    TRY(services_.database.execute(
        "UPDATE image_name SET digest = ?3 WHERE reference = ?1 AND id = ?2", reference.to_string(),
        id.to_string(), digest == id ? std::string() : digest.to_string()));
    return {};
}

Result<> Store::Implementation::note_use(const oci::Digest& id) {
    auto transaction = TRY(services_.database.begin(record::Durability::Relaxed));
    const auto changed = TRY(services_.database.execute(
        "UPDATE image SET last_used = ?2 WHERE id = ?1", id.to_string(), now()));
    if (changed == 0) return fail(ErrorCode::NotFound, "No such image: ", id);
    return std::move(transaction).commit();
}

Result<> Store::Implementation::set_pinned(const oci::Digest& id, bool is_pinned) {
    TRY(services_.database.execute("UPDATE image SET is_pinned = ?2 WHERE id = ?1", id.to_string(),
                                   std::int64_t{is_pinned}));
    return {};
}

Result<> Store::Implementation::remove_name(const std::string& reference) {
    TRY(services_.database.execute("DELETE FROM image_name WHERE reference = ?1", reference));
    return {};
}

Result<> Store::Implementation::remove_row(const oci::Digest& id) {
    auto transaction = TRY(services_.database.begin());
    TRY(services_.database.execute("DELETE FROM image_name WHERE id = ?1", id.to_string()));
    TRY(services_.database.execute("DELETE FROM image WHERE id = ?1", id.to_string()));
    return std::move(transaction).commit();
}

Result<> Store::Implementation::note_source(const oci::Reference& repository,
                                            const std::vector<oci::Descriptor>& blobs,
                                            SourceAccess access, Provenance provenance) {
    const std::lock_guard lock(dropping_);
    auto transaction = TRY(services_.database.begin(record::Durability::Relaxed));
    for (const auto& blob : blobs) {
        if (services_.content.has(blob.digest)) TRY(note_returned(blob.digest));
        TRY(services_.database.execute(
            "INSERT INTO blob_source (digest, domain, path, is_open, is_pulled) VALUES (?1, ?2, ?3,"
            " ?4, ?5) ON CONFLICT DO UPDATE SET is_open = excluded.is_open, is_pulled = "
            "max(is_pulled, excluded.is_pulled) WHERE is_open <> excluded.is_open OR is_pulled < "
            "excluded.is_pulled",
            blob.digest.to_string(), repository.domain(), repository.path(),
            std::int64_t{access == SourceAccess::Open},
            std::int64_t{provenance == Provenance::Pulled}));
    }
    return std::move(transaction).commit();
}

Result<bool> Store::Implementation::is_droppable(const oci::Digest& blob) const {
    if (services_.snapshots.has_archive(blob)) return true;
    if (layer_blobs_ == LayerBlobs::Keep) return false;
    auto statement = TRY(services_.database.prepare(
        "SELECT 1 FROM blob_source WHERE digest = ?1 AND (?2 OR (is_open AND is_pulled)) LIMIT 1",
        blob.to_string(), std::int64_t{layer_blobs_ == LayerBlobs::Drop}));
    return statement.step();
}

Result<bool> Store::Implementation::is_dropped(const oci::Digest& blob) const {
    if (services_.snapshots.has_archive(blob)) return true;
    auto statement = TRY(services_.database.prepare(
        "SELECT 1 FROM blob_source WHERE digest = ?1 AND is_dropped LIMIT 1", blob.to_string()));
    return statement.step();
}

Result<> Store::Implementation::note_dropped(const std::set<oci::Digest>& blobs) const {
    auto transaction = TRY(services_.database.begin());
    for (const auto& blob : blobs) {
        TRY(services_.database.execute(
            "UPDATE blob_source SET is_dropped = 1 WHERE digest = ?1 AND NOT is_dropped",
            blob.to_string()));
    }
    return std::move(transaction).commit();
}

Result<> Store::Implementation::note_returned(const oci::Digest& blob) const {
    TRY(services_.database.execute(
        "UPDATE blob_source SET is_dropped = 0 WHERE digest = ?1 AND is_dropped",
        blob.to_string()));
    return {};
}

Result<> Store::Implementation::note_loaded(const std::vector<Layer>& layers) const {
    const std::lock_guard lock(dropping_);
    auto transaction = TRY(services_.database.begin());
    for (const auto& layer : layers) {
        if (!services_.content.has(layer.blob.digest)) continue;
        TRY(services_.database.execute(
            "UPDATE blob_source SET is_pulled = 0, is_dropped = 0 WHERE digest = ?1 AND (is_pulled "
            "OR is_dropped)",
            layer.blob.digest.to_string()));
    }
    return std::move(transaction).commit();
}

Result<std::vector<std::string>> Store::Implementation::sources_of(
    const oci::Digest& blob, const std::string& domain) const {
    auto statement = TRY(services_.database.prepare(
        "SELECT path FROM blob_source WHERE digest = ?1 AND domain = ?2 LIMIT 3", blob.to_string(),
        domain));
    std::vector<std::string> out;
    while (TRY(statement.step())) out.push_back(statement.text(0));
    return out;
}

}  // namespace berth::image
