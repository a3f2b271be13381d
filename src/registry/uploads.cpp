#include "registry/uploads.h"

#include "base/random.h"

namespace berth::registry {

namespace {
std::string ingest_key(const std::string& id) { return "upload-" + id; }
std::int64_t seconds(Timestamp time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}
}  // namespace

Result<Uploads::Session> Uploads::begin(const std::string& repository) {
    auto state = std::make_shared<Session::State>();
    state->id = random_hex(16);
    state->repository = repository;
    state->last_used = clock_.now();
    state->writer = TRY(content_.resume_ingest(ingest_key(state->id)));
    TRY(catalog_.add_upload(state->id, repository, seconds(state->last_used)));
    std::unique_lock lock(state->busy);
    open_.lock()->emplace(state->id, state);
    return Session(std::move(state), std::move(lock));
}

Result<Uploads::Session> Uploads::take(const std::string& repository, const std::string& id) {
    std::shared_ptr<Session::State> state;
    {
        auto open = open_.lock();
        if (const auto it = open->find(id); it != open->end()) state = it->second;
    }
    if (!state) {
        const auto known = TRY(catalog_.find_upload(id));
        if (!known) return fail(ErrorCode::NotFound, "unknown upload ", id);
        state = std::make_shared<Session::State>();
        state->id = id;
        state->repository = *known;
        state->writer = TRY(content_.resume_ingest(ingest_key(id)));
        open_.lock()->emplace(id, state);
    }
    // A client may go on the moment it has the answer, before the request that gave it has let go.
    std::unique_lock lock(state->busy, std::chrono::seconds(5));
    if (!lock) return fail(ErrorCode::Conflict, "upload ", id, " is in use by another request");
    if (state->repository != repository || !state->writer)
        return fail(ErrorCode::NotFound, "unknown upload ", id);
    state->last_used = clock_.now();
    return Session(std::move(state), std::move(lock));
}

Result<content::BlobInfo> Uploads::finish(Session session, const content::Expectation& expected) {
    auto outcome = std::move(*session.state_->writer).commit(expected);
    session.state_->writer.reset();
    open_.lock()->erase(session.id());
    TRY(catalog_.remove_upload(session.id()));
    return outcome;
}

Result<> Uploads::cancel(Session session) {
    std::move(*session.state_->writer).discard();
    session.state_->writer.reset();
    open_.lock()->erase(session.id());
    return catalog_.remove_upload(session.id());
}

Result<> Uploads::expire() {
    const Timestamp now = clock_.now();
    {
        auto open = open_.lock();
        std::erase_if(*open, [&](auto& entry) {
            std::unique_lock lock(entry.second->busy, std::try_to_lock);
            return lock && now - entry.second->last_used > std::chrono::hours(1);
        });
    }
    for (const auto& id : TRY(catalog_.uploads_before(seconds(now) - 7 * 24 * 3600))) {
        if (open_.lock()->contains(id)) continue;
        TRY(content_.remove_ingest(ingest_key(id)));
        TRY(catalog_.remove_upload(id));
    }
    return {};
}

}  // namespace berth::registry
