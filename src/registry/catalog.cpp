#include "registry/catalog.h"

namespace berth::registry {

record::Schema schema() {
    return {"registry", {R"(
CREATE TABLE registry_blob (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (repository, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_blob_by_digest ON registry_blob (digest);
CREATE TABLE registry_manifest (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    artifact_type TEXT NOT NULL,
    subject TEXT NOT NULL,
    annotations TEXT NOT NULL,
    PRIMARY KEY (repository, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_manifest_by_digest ON registry_manifest (digest);
CREATE INDEX registry_manifest_by_subject ON registry_manifest (repository, subject)
    WHERE subject <> '';
CREATE TABLE registry_tag (
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (repository, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_tag_by_digest ON registry_tag (repository, digest);
CREATE TABLE registry_upload (
    id TEXT PRIMARY KEY,
    repository TEXT NOT NULL,
    started INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)"}};
}

namespace {

constexpr std::string_view manifest_columns =
    "m.digest, m.media_type, m.size, m.artifact_type, m.subject, m.annotations";

Result<oci::Digest> digest_column(const record::Statement& row, int column) {
    const std::string text = row.text(column);
    if (text.empty()) return oci::Digest();
    return oci::Digest::parse(text);
}

Result<StoredManifest> read_manifest(const record::Statement& row) {
    StoredManifest out;
    out.digest = TRY(digest_column(row, 0));
    out.media_type = row.text(1);
    out.size = row.integer(2);
    out.artifact_type = row.text(3);
    out.subject = TRY(digest_column(row, 4));
    out.annotations_json = row.text(5);
    return out;
}

Result<std::optional<StoredManifest>> first_manifest(Result<record::Statement> statement) {
    auto row = TRY(std::move(statement));
    if (!TRY(row.step())) return std::optional<StoredManifest>();
    return std::optional<StoredManifest>(TRY(read_manifest(row)));
}

Result<bool> has_row(Result<record::Statement> statement) {
    auto row = TRY(std::move(statement));
    return row.step();
}

Result<Page> read_page(Result<record::Statement> statement, std::size_t limit) {
    auto row = TRY(std::move(statement));
    Page out;
    while (TRY(row.step())) {
        if (out.names.size() == limit) {
            out.has_more = true;
            break;
        }
        out.names.push_back(row.text(0));
    }
    return out;
}

}  // namespace

Result<bool> Catalog::has_repository(const std::string& repository) const {
    return has_row(
        database_.prepare("SELECT 1 FROM registry_blob WHERE repository = ?1 UNION ALL "
                          "SELECT 1 FROM registry_manifest WHERE repository = ?1 LIMIT 1",
                          repository));
}

Result<Page> Catalog::repositories(const std::string& last, std::size_t limit) const {
    return read_page(
        database_.prepare("SELECT DISTINCT repository FROM registry_manifest WHERE repository > ?1 "
                          "ORDER BY repository LIMIT ?2",
                          last, limit + 1),
        limit);
}

Result<> Catalog::add_blob(const std::string& repository, const oci::Digest& digest) {
    TRY(database_.execute("INSERT OR IGNORE INTO registry_blob VALUES (?1, ?2)", repository,
                          digest.to_string()));
    return {};
}

Result<bool> Catalog::has_blob(const std::string& repository, const oci::Digest& digest) const {
    return has_row(
        database_.prepare("SELECT 1 FROM registry_blob WHERE repository = ?1 AND digest = ?2",
                          repository, digest.to_string()));
}

Result<bool> Catalog::is_blob_known(const oci::Digest& digest) const {
    return has_row(database_.prepare("SELECT 1 FROM registry_blob WHERE digest = ?1 LIMIT 1",
                                     digest.to_string()));
}

Result<bool> Catalog::remove_blob(const std::string& repository, const oci::Digest& digest) {
    return TRY(database_.execute("DELETE FROM registry_blob WHERE repository = ?1 AND digest = ?2",
                                 repository, digest.to_string())) > 0;
}

Result<> Catalog::put_manifest(const std::string& repository, const StoredManifest& manifest,
                               const std::vector<std::string>& tags) {
    auto transaction = TRY(database_.begin());
    TRY(database_.execute(
        "INSERT OR REPLACE INTO registry_manifest VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", repository,
        manifest.digest.to_string(), manifest.media_type, manifest.size, manifest.artifact_type,
        manifest.subject.to_string(), manifest.annotations_json));
    for (const auto& tag : tags)
        TRY(database_.execute("INSERT OR REPLACE INTO registry_tag VALUES (?1, ?2, ?3)", repository,
                              tag, manifest.digest.to_string()));
    return std::move(transaction).commit();
}

Result<std::optional<StoredManifest>> Catalog::find_by_tag(const std::string& repository,
                                                           const std::string& tag) const {
    return first_manifest(database_.prepare(
        concat("SELECT ", manifest_columns,
               " FROM registry_tag t JOIN registry_manifest m ON m.repository = t.repository "
               "AND m.digest = t.digest WHERE t.repository = ?1 AND t.tag = ?2"),
        repository, tag));
}

Result<std::optional<StoredManifest>> Catalog::find_by_digest(const std::string& repository,
                                                              const oci::Digest& digest) const {
    return first_manifest(database_.prepare(
        concat("SELECT ", manifest_columns,
               " FROM registry_manifest m WHERE m.repository = ?1 AND m.digest = ?2"),
        repository, digest.to_string()));
}

Result<bool> Catalog::remove_manifest(const std::string& repository, const oci::Digest& digest) {
    auto transaction = TRY(database_.begin());
    TRY(database_.execute("DELETE FROM registry_tag WHERE repository = ?1 AND digest = ?2",
                          repository, digest.to_string()));
    const auto count =
        TRY(database_.execute("DELETE FROM registry_manifest WHERE repository = ?1 AND digest = ?2",
                              repository, digest.to_string()));
    TRY(std::move(transaction).commit());
    return count > 0;
}

Result<bool> Catalog::remove_tag(const std::string& repository, const std::string& tag) {
    return TRY(database_.execute("DELETE FROM registry_tag WHERE repository = ?1 AND tag = ?2",
                                 repository, tag)) > 0;
}

Result<Page> Catalog::tags(const std::string& repository, const std::string& last,
                           std::size_t limit) const {
    return read_page(
        database_.prepare(
            "SELECT tag FROM registry_tag WHERE repository = ?1 AND tag > ?2 ORDER BY tag LIMIT ?3",
            repository, last, limit + 1),
        limit);
}

Result<std::vector<StoredManifest>> Catalog::referrers(const std::string& repository,
                                                       const oci::Digest& subject) const {
    auto row = TRY(database_.prepare(
        concat("SELECT ", manifest_columns,
               " FROM registry_manifest m WHERE m.repository = ?1 AND m.subject = ?2"),
        repository, subject.to_string()));
    std::vector<StoredManifest> out;
    while (TRY(row.step())) out.push_back(TRY(read_manifest(row)));
    return out;
}

Result<> Catalog::add_upload(const std::string& id, const std::string& repository,
                             std::int64_t now) {
    // A power cut ends the client's connection too, so nobody would come back for it.
    auto transaction = TRY(database_.begin(record::Durability::Relaxed));
    TRY(database_.execute("INSERT INTO registry_upload VALUES (?1, ?2, ?3)", id, repository, now));
    return std::move(transaction).commit();
}

Result<std::optional<std::string>> Catalog::find_upload(const std::string& id) const {
    auto row = TRY(database_.prepare("SELECT repository FROM registry_upload WHERE id = ?1", id));
    if (!TRY(row.step())) return std::optional<std::string>();
    return std::optional(row.text(0));
}

Result<> Catalog::remove_upload(const std::string& id) {
    auto transaction = TRY(database_.begin(record::Durability::Relaxed));
    TRY(database_.execute("DELETE FROM registry_upload WHERE id = ?1", id));
    return std::move(transaction).commit();
}

Result<std::vector<std::string>> Catalog::uploads_before(std::int64_t time) const {
    auto row = TRY(database_.prepare("SELECT id FROM registry_upload WHERE started < ?1", time));
    std::vector<std::string> out;
    while (TRY(row.step())) out.push_back(row.text(0));
    return out;
}

Result<bool> Catalog::is_used(const oci::Digest& digest) const {
    return has_row(
        database_.prepare("SELECT 1 FROM registry_blob WHERE digest = ?1 UNION ALL "
                          "SELECT 1 FROM registry_manifest WHERE digest = ?1 LIMIT 1",
                          digest.to_string()));
}

}  // namespace berth::registry
