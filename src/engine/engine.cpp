#include "engine/engine.h"

#include "base/random.h"
#include "record/database.h"

namespace berth::engine {

const record::Schema& schema() {
    static const record::Schema schema{
        "engine", {"CREATE TABLE engine (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"}};
    return schema;
}

Result<std::string> load_or_make_id(record::Database& database) {
    {
        auto row = TRY(database.prepare("SELECT value FROM engine WHERE name = 'id'"));
        if (TRY(row.step())) return row.text(0);
    }
    const std::string hex = random_hex(16);
    const std::string id = concat(hex.substr(0, 8), "-", hex.substr(8, 4), "-4", hex.substr(13, 3),
                                  "-a", hex.substr(17, 3), "-", hex.substr(20, 12));
    TRY(database.execute("INSERT INTO engine VALUES ('id', ?1)", id));
    return id;
}

Result<PruneGuard> PruneGuard::acquire(std::atomic<bool>& busy) {
    if (busy.exchange(true))
        return fail(ErrorCode::Conflict, "a prune operation is already running");
    return PruneGuard(busy);
}

}  // namespace berth::engine
