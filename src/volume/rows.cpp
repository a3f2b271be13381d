#include "codec/json.h"
#include "volume/rows_internal.h"

namespace berth::volume {

using codec::Json;

const record::Schema& schema() {
    static const record::Schema value{"volume", {R"(
        CREATE TABLE volume (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, state INTEGER NOT NULL,
                             document TEXT NOT NULL) STRICT;
        CREATE TABLE volume_hold (volume_id TEXT NOT NULL, container_id TEXT NOT NULL,
                                  PRIMARY KEY (volume_id, container_id)) STRICT;
        )"}};
    return value;
}

namespace {
Json write_map(const StringMap& map) {
    Json out = Json::object();
    for (const auto& [key, value] : map) out[key] = value;
    return out;
}

StringMap read_map(const Json& object, std::string_view key) {
    StringMap out;
    for (auto& [name, value] : codec::get_string_map(object, key))
        out.emplace(std::move(name), std::move(value));
    return out;
}

std::string document_of(const Volume& volume) {
    return codec::dump_json({{"driver", volume.driver},
                             {"created", to_rfc3339(volume.created)},
                             {"anonymous", volume.anonymous},
                             {"options", write_map(volume.options)},
                             {"labels", write_map(volume.labels)}});
}
}  // namespace

Result<> insert_volume(record::Database& database, const Volume& volume, VolumeState state) {
    TRY(database.execute("INSERT INTO volume (id, name, state, document) VALUES (?1, ?2, ?3, ?4)",
                         volume.id, volume.name, static_cast<int>(state), document_of(volume)));
    return {};
}

Result<> set_volume_state(record::Database& database, const std::string& id, VolumeState state) {
    TRY(database.execute("UPDATE volume SET state = ?2 WHERE id = ?1", id,
                         static_cast<int>(state)));
    return {};
}

Result<> rename_volume(record::Database& database, const std::string& id, std::string_view name) {
    TRY(database.execute("UPDATE volume SET name = ?2 WHERE id = ?1", id, name));
    return {};
}

Result<> delete_volume(record::Database& database, const std::string& id) {
    TRY(database.execute("DELETE FROM volume WHERE id = ?1", id));
    return {};
}

Result<std::vector<StoredVolume>> load_volumes(record::Database& database) {
    auto rows = TRY(database.prepare("SELECT id, name, state, document FROM volume"));
    std::vector<StoredVolume> out;
    while (TRY(rows.step())) {
        Json document = TRY(codec::parse_json(rows.text(3)).context("volume ", rows.text(1)));
        StoredVolume row;
        row.state = static_cast<VolumeState>(rows.integer(2));
        row.volume.id = rows.text(0);
        row.volume.name = rows.text(1);
        row.volume.driver = codec::get_string(document, "driver");
        row.volume.created =
            parse_rfc3339(codec::get_string(document, "created")).value_or(Timestamp{});
        row.volume.anonymous = codec::get_bool(document, "anonymous");
        row.volume.options = read_map(document, "options");
        row.volume.labels = read_map(document, "labels");
        out.push_back(std::move(row));
    }
    return out;
}

Result<> insert_hold(record::Database& database, const std::string& volume_id,
                     std::string_view container_id) {
    TRY(database.execute(
        "INSERT OR IGNORE INTO volume_hold (volume_id, container_id) VALUES (?1, ?2)", volume_id,
        container_id));
    return {};
}

Result<> delete_holds(record::Database& database, std::string_view container_id) {
    TRY(database.execute("DELETE FROM volume_hold WHERE container_id = ?1", container_id));
    return {};
}

Result<std::vector<std::pair<std::string, std::string>>> load_holds(record::Database& database) {
    auto rows = TRY(database.prepare("SELECT volume_id, container_id FROM volume_hold"));
    std::vector<std::pair<std::string, std::string>> out;
    while (TRY(rows.step())) out.emplace_back(rows.text(0), rows.text(1));
    return out;
}

}  // namespace berth::volume
