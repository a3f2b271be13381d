#include "container/implementation_internal.h"
#include "container/spec_json.h"
#include "record/database.h"

namespace berth::container {
namespace {

std::int64_t number(Timestamp time) { return time.time_since_epoch().count(); }

std::string join_layers(const std::vector<oci::Digest>& layers) {
    std::vector<std::string> texts;
    for (const oci::Digest& layer : layers) texts.push_back(layer.to_string());
    return join(texts, " ");
}

Result<std::vector<oci::Digest>> split_layers(const std::string& text) {
    std::vector<oci::Digest> layers;
    if (text.empty()) return layers;
    for (const std::string& part : split(text, ' '))
        layers.push_back(TRY(oci::Digest::parse(part)));
    return layers;
}

Result<ContainerPtr> read_row(record::Statement& row) {
    auto container = std::make_shared<Container>();
    container->id = row.text(0);
    container->created_at = timestamp_of(row.integer(2));
    container->image_id = row.text(3);
    container->image_manifest_digest = row.text(4);
    container->platform = row.text(5);
    container->layers = TRY(split_layers(row.text(6)));
    container->mounts = TRY(parse_mounts(row.text(7)));
    auto live = container->live.lock();
    live->name = row.text(1);
    live->spec = std::make_shared<const ContainerSpec>(TRY(parse_spec(row.text(8))));
    State& state = live->state;
    state.status = parse_status(row.text(9)).value_or(Status::Dead);
    state.exit_code = static_cast<int>(row.integer(10));
    state.error = row.text(11);
    state.oom_killed = row.integer(12) != 0;
    state.manually_stopped = row.integer(13) != 0;
    state.restart_count = static_cast<int>(row.integer(14));
    state.started_at = timestamp_of(row.integer(15));
    state.finished_at = timestamp_of(row.integer(16));
    return container;
}

}  // namespace

record::Schema schema() {
    return {"container",
            {"CREATE TABLE container (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at "
             "INTEGER NOT NULL,"
             " image_id TEXT NOT NULL, manifest TEXT NOT NULL, platform TEXT NOT NULL, layers TEXT "
             "NOT NULL,"
             " mounts TEXT NOT NULL, spec TEXT NOT NULL, status TEXT NOT NULL, exit_code INTEGER "
             "NOT NULL,"
             " error TEXT NOT NULL, oom_killed INTEGER NOT NULL, manually_stopped INTEGER NOT NULL,"
             " restart_count INTEGER NOT NULL, started_at INTEGER NOT NULL, finished_at INTEGER "
             "NOT NULL) STRICT"}};
}

Result<> Containers::Implementation::load_rows() {
    record::Statement rows = TRY(services_.database.prepare(
        "SELECT id, name, created_at, image_id, manifest, platform, layers, mounts, spec, status, "
        "exit_code, error,"
        " oom_killed, manually_stopped, restart_count, started_at, finished_at FROM container"));
    while (TRY(rows.step())) {
        ContainerPtr container = TRY(read_row(rows).context("container ", rows.text(0)));
        container->directory = concat(settings_.root, "/containers/", container->id);
        container->run_directory = concat(settings_.run, "/shims/", container->id);
        auto index = index_.lock();
        index->by_name[container->name()] = container->id;
        index->by_id[container->id] = std::move(container);
    }
    return {};
}

Result<> Containers::Implementation::insert_row(Container& container, bool durable) {
    const auto spec = container.spec();
    const State state = container.state();
    record::Transaction change = TRY(
        services_.database.begin(durable ? record::Durability::Full : record::Durability::Relaxed));
    TRY(services_.database.execute(
        "INSERT INTO container VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, '', 0, 0, 0, 0, "
        "0)",
        container.id, container.name(), number(container.created_at), container.image_id,
        container.image_manifest_digest, container.platform, join_layers(container.layers),
        to_json(container.mounts), to_json(*spec), to_string(state.status)));
    return std::move(change).commit();
}

// A power cut ends the container as well, so its state need not survive one.
Result<> Containers::Implementation::save_state(Container& container) {
    const State state = container.state();
    record::Transaction change = TRY(services_.database.begin(record::Durability::Relaxed));
    TRY(services_.database.execute(
        "UPDATE container SET status = ?2, exit_code = ?3, error = ?4, oom_killed = ?5, "
        "manually_stopped = ?6,"
        " restart_count = ?7, started_at = ?8, finished_at = ?9 WHERE id = ?1",
        container.id, to_string(state.status), state.exit_code, state.error,
        state.oom_killed ? 1 : 0, state.manually_stopped ? 1 : 0, state.restart_count,
        number(state.started_at), number(state.finished_at)));
    return std::move(change).commit();
}

Result<> Containers::Implementation::save_spec(Container& container) {
    TRY(services_.database.execute("UPDATE container SET name = ?2, spec = ?3 WHERE id = ?1",
                                   container.id, container.name(), to_json(*container.spec())));
    return {};
}

Result<> Containers::Implementation::delete_row(Container& container) {
    const bool durable = !container.spec()->host.auto_remove;
    record::Transaction change = TRY(
        services_.database.begin(durable ? record::Durability::Full : record::Durability::Relaxed));
    TRY(services_.database.execute("DELETE FROM container WHERE id = ?1", container.id));
    return std::move(change).commit();
}

}  // namespace berth::container
