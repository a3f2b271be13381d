#pragma once
#include <map>
#include <stop_token>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "base/result.h"
#include "build/graph.h"

namespace berth::record {
class Database;
}

namespace berth::build {

/// The directories behind RUN --mount=type=cache: they outlive builds, one per id, and more for
/// `private` when several steps use one id at a time. Thread-safe.
class CacheMounts {
public:
    /// `directory` is <root>/build-cache; made when the first mount is needed.
    CacheMounts(record::Database& database, std::string directory)
        : database_(database), directory_(std::move(directory)) {}

    /// One step's use of a directory; others may have to wait until it is dropped.
    class Use {
    public:
        Use(Use&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)),
              name_(std::move(other.name_)),
              path_(std::move(other.path_)),
              is_new_(other.is_new_) {}
        ~Use();
        const std::string& path() const { return path_; }
        /// Made just now, hence empty.
        bool is_new() const { return is_new_; }

    private:
        friend class CacheMounts;
        Use(CacheMounts& owner, std::string name, std::string path, bool is_new)
            : owner_(&owner), name_(std::move(name)), path_(std::move(path)), is_new_(is_new) {}
        CacheMounts* owner_;
        std::string name_, path_;
        bool is_new_;
    };
    /// Waits while another holds the directory and either of the two wants it alone.
    Result<Use> acquire(const ExecMount& mount, const std::stop_token& stop);

    /// Removes what nobody uses; returns how many bytes that gave.
    Result<std::int64_t> remove(const std::string& name);
    bool is_in_use(const std::string& name);
    const std::string& directory() const { return directory_; }

private:
    struct Users {
        int count = 0;
        bool exclusive = false;
    };
    Result<bool> prepare(const ExecMount& mount, const std::string& name);
    record::Database& database_;
    std::string directory_;
    Guarded<std::map<std::string, Users>> users_;
};

}  // namespace berth::build
