#include "build/build_log.h"

#include <algorithm>
#include <vector>

#include "sys/file.h"

namespace berth::build {
namespace {

constexpr std::size_t longest_line = 2000;

void remove_oldest(const std::string& directory) {
    const auto entries = sys::list_dir(directory);
    if (!entries) return;
    std::vector<std::pair<std::int64_t, std::string>> builds;
    for (const auto& entry : *entries)
        if (const auto status = sys::stat(directory + "/" + entry.name))
            builds.emplace_back(status->st_mtim.tv_sec, entry.name);
    if (builds.size() <= BuildLog::kept_builds) return;
    std::ranges::sort(builds);
    for (std::size_t i = 0; i + BuildLog::kept_builds < builds.size(); ++i)
        sys::remove_tree(directory + "/" + builds[i].second)
            .ignore("tried again with the next build");
}

}  // namespace

Result<BuildLog> BuildLog::create(const std::string& directory, const std::string& id) {
    const std::string path = concat(directory, "/", id);
    TRY(sys::mkdir_all(path, 0700));
    remove_oldest(directory);
    auto file = TRY(sys::open(path + "/log", O_WRONLY | O_CREAT | O_APPEND, 0600));
    auto lock = TRY(sys::FileLock::acquire(path + "/log"));
    return BuildLog(path + "/log", std::move(file), std::move(lock));
}

Result<std::vector<EndedLog>> BuildLog::list_ended(const std::string& directory,
                                                   const std::optional<Timestamp>& until) {
    std::vector<EndedLog> out;
    for (const auto& entry : TRY(sys::list_dir(directory))) {
        const std::string path = concat(directory, "/", entry.name);
        const auto status = sys::stat(path + "/log");
        if (!status) continue;
        const Timestamp changed{std::chrono::seconds(status->st_mtim.tv_sec)};
        if (until && changed > *until) continue;
        if (!sys::FileLock::try_acquire(path + "/log")) continue;
        const auto bytes = sys::disk_usage(path);
        if (bytes) out.push_back({entry.name, static_cast<std::int64_t>(*bytes)});
    }
    return out;
}

Result<std::int64_t> BuildLog::remove(const std::string& directory, const std::string& id) {
    if (id.empty() || id.starts_with('.') || id.find('/') != std::string::npos)
        return fail(ErrorCode::InvalidArgument, "'", id, "' is no build's id");
    const std::string path = concat(directory, "/", id);
    if (!sys::exists(path + "/log")) return fail(ErrorCode::NotFound, "it is gone already");
    const auto lock = TRY(sys::FileLock::try_acquire(path + "/log"));
    const auto bytes = TRY(sys::disk_usage(path));
    TRY(sys::remove_tree(path));
    return static_cast<std::int64_t>(bytes);
}

void BuildLog::write(std::string_view text) {
    if (written_ >= max_bytes) return;
    written_ += text.size();
    sys::write_all(file_, text).ignore("the build matters more than its log");
    if (written_ >= max_bytes)
        sys::write_all(file_, "\n[the rest is left out]\n").ignore("as above");
}

void BuildLog::note(std::string_view line) {
    const std::lock_guard lock(mutex_);
    write(concat(line, "\n"));
}

void BuildLog::output(std::size_t step, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    write(bytes);
    Tail& tail = tails_[step];
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        tail.open += bytes.substr(0, std::min(end, bytes.size()));
        if (tail.open.size() > longest_line) tail.open.resize(longest_line);
        if (end == std::string_view::npos) return;
        tail.lines.push_back(std::exchange(tail.open, {}));
        if (tail.lines.size() > kept_lines) tail.lines.pop_front();
        bytes.remove_prefix(end + 1);
    }
}

std::string BuildLog::tail(std::size_t step) {
    const std::lock_guard lock(mutex_);
    const auto found = tails_.find(step);
    if (found == tails_.end()) return {};
    std::string out;
    for (const auto& line : found->second.lines) out += line + "\n";
    if (!found->second.open.empty()) out += found->second.open + "\n";
    return out;
}

}  // namespace berth::build
