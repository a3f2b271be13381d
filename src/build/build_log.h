#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "build/builder.h"
#include "sys/dir.h"
#include "sys/fd.h"

namespace berth::build {

/// What a build's steps wrote: everything in <root>/builds/<id>/log, and the last lines of each
/// step in memory, for error messages. Thread-safe. A log that cannot be written never fails a
/// build.
class BuildLog {
public:
    static constexpr std::size_t max_bytes = 64 << 20;
    static constexpr std::size_t kept_lines = 20;
    static constexpr std::size_t kept_builds = 50;

    /// Makes the directory of this build and removes those of the oldest beyond `kept_builds`.
    static Result<BuildLog> create(const std::string& directory, const std::string& id);
    BuildLog(BuildLog&& other) noexcept
        : path_(std::move(other.path_)),
          file_(std::move(other.file_)),
          lock_(std::move(other.lock_)) {}
    /// The logs of builds that ended before `until` (any time without one), with their bytes on
    /// disk.
    static Result<std::vector<EndedLog>> list_ended(const std::string& directory,
                                                    const std::optional<Timestamp>& until);
    /// Removes the log of a build; returns its bytes. NotFound without it, Conflict while it runs.
    static Result<std::int64_t> remove(const std::string& directory, const std::string& id);

    const std::string& path() const { return path_; }
    void note(std::string_view line);
    void output(std::size_t step, std::string_view bytes);
    /// The last lines that a step wrote, with a line break each.
    std::string tail(std::size_t step);

private:
    struct Tail {
        std::deque<std::string> lines;
        std::string open;  // not ended by a line break yet
    };
    BuildLog(std::string path, sys::Fd file, sys::FileLock lock)
        : path_(std::move(path)), file_(std::move(file)), lock_(std::move(lock)) {}
    void write(std::string_view text);

    std::string path_;
    sys::Fd file_;
    sys::FileLock lock_;  // says that the build still runs
    std::mutex mutex_;
    std::size_t written_ = 0;
    std::map<std::size_t, Tail> tails_;
};

}  // namespace berth::build
