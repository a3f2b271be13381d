#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"
#include "content/store.h"
#include "registry/catalog.h"

namespace berth::registry {

/// Blobs being uploaded, each by an id. Kept open between requests; after a restart the bytes on
/// disk are taken up again.
class Uploads {
public:
    Uploads(content::Store& content, Catalog& catalog, const Clock& clock)
        : content_(content), catalog_(catalog), clock_(clock) {}

    /// One upload, used by one request at a time.
    class Session {
    public:
        content::BlobWriter& writer() { return *state_->writer; }
        const std::string& id() const { return state_->id; }

    private:
        friend class Uploads;
        struct State {
            std::string id, repository;
            std::timed_mutex busy;
            std::optional<content::BlobWriter> writer;
            Timestamp last_used{};
        };
        Session(std::shared_ptr<State> state, std::unique_lock<std::timed_mutex> lock)
            : state_(std::move(state)), lock_(std::move(lock)) {}
        std::shared_ptr<State> state_;
        std::unique_lock<std::timed_mutex> lock_;
    };

    Result<Session> begin(const std::string& repository);
    /// NotFound for an unknown id (or one of another repository), Conflict while another request
    /// uses it.
    Result<Session> take(const std::string& repository, const std::string& id);
    /// Makes the blob of it and forgets the upload.
    Result<content::BlobInfo> finish(Session session, const content::Expectation& expected);
    Result<> cancel(Session session);
    /// Closes what nobody used for an hour (the bytes stay), and discards what is older than a
    /// week.
    Result<> expire();

private:
    using Open = std::map<std::string, std::shared_ptr<Session::State>>;
    content::Store& content_;
    Catalog& catalog_;
    const Clock& clock_;
    Guarded<Open> open_;
};

}  // namespace berth::registry
