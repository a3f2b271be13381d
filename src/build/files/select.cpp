#include "build/files/select.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <set>

#include "codec/sha256.h"
#include "sys/xattr.h"

namespace berth::build {
namespace {

bool has_wildcard(std::string_view text) {
    return text.find_first_of("*?[\\") != std::string_view::npos;
}

std::vector<std::string> components(std::string_view path) {
    std::vector<std::string> out;
    for (auto& part : split(path, '/'))
        if (!part.empty() && part != ".") out.push_back(std::move(part));
    return out;
}

Result<std::vector<std::string>> sorted_names(sys::BorrowedFd root, const std::string& directory) {
    auto fd = sys::open_in_root(root, directory.empty() ? "/" : directory,
                                O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    std::vector<std::string> names;
    // A wildcard below something that is no directory matches nothing.
    if (!fd) return names;
    const auto entries = TRY(sys::list_dir(*fd));
    for (const auto& entry : entries) names.push_back(entry.name);
    std::ranges::sort(names);
    return names;
}

// Where the search has been: several `**` in one pattern reach the same place by many ways.
using Seen = std::set<std::pair<std::size_t, std::string>>;

// Adds everything below `done` that matches the components from `at` on.
Result<> expand(sys::BorrowedFd root, const std::vector<std::string>& pattern, std::size_t at,
                const std::string& done, Seen& seen, std::vector<std::string>& out) {
    if (!seen.emplace(at, done).second) return {};
    if (at == pattern.size()) {
        if (sys::open_in_root(root, done.empty() ? "/" : done, O_PATH))
            out.push_back(done.empty() ? "/" : done);
        return {};
    }
    if (pattern[at] == "**") {
        TRY(expand(root, pattern, at + 1, done, seen, out));
        const auto names = TRY(sorted_names(root, done));
        for (const auto& name : names) {
            const auto fd = sys::open_in_root(root, done + "/" + name, O_PATH | O_NOFOLLOW);
            if (!fd || split(done, '/').size() > max_tree_depth) continue;
            const auto status = TRY(sys::fstat(*fd));
            if (S_ISDIR(status.st_mode))
                TRY(expand(root, pattern, at, done + "/" + name, seen, out));
        }
        return {};
    }
    if (!has_wildcard(pattern[at]))
        return expand(root, pattern, at + 1, done + "/" + pattern[at], seen, out);
    const auto names = TRY(sorted_names(root, done));
    for (const auto& name : names)
        if (codec::match_pattern(pattern[at], name))
            TRY(expand(root, pattern, at + 1, done + "/" + name, seen, out));
    return {};
}

std::string join_components(const std::vector<std::string>& parts, std::size_t from = 0) {
    std::string out;
    for (std::size_t i = from; i < parts.size(); ++i) out += (out.empty() ? "" : "/") + parts[i];
    return out;
}

Result<Selected> describe(sys::BorrowedFd root, std::string path, std::size_t pivot) {
    const auto fd = TRY(sys::open_in_root(root, path, O_PATH));
    const auto status = TRY(sys::fstat(fd));
    return Selected{.path = path,
                    .relative = join_components(components(path), pivot),
                    .is_directory = S_ISDIR(status.st_mode)};
}

Result<> walk_below(sys::BorrowedFd directory, const std::string& prefix,
                    const codec::IgnorePatterns& excludes, const Visitor& visit,
                    const std::stop_token& stop, int depth) {
    if (depth > max_tree_depth)
        return fail(ErrorCode::InvalidArgument, prefix, " is nested too deeply");
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
    auto entries = TRY(sys::list_dir(directory));
    std::ranges::sort(entries, {}, &sys::DirEntry::name);
    for (const auto& entry : entries) {
        const auto node = TRY(sys::openat(directory, entry.name, O_PATH | O_NOFOLLOW));
        Visited visited{.node = node,
                        .path = prefix.empty() ? entry.name : prefix + "/" + entry.name,
                        .status = {}};
        visited.status = TRY(sys::fstat(node));
        if (S_ISSOCK(visited.status.st_mode)) continue;
        const bool is_directory = S_ISDIR(visited.status.st_mode);
        const bool excluded = !excludes.is_empty() && excludes.excludes(visited.path);
        if (excluded && (!is_directory || excludes.can_skip_directory(visited.path))) continue;
        if (!excluded) TRY(visit(visited));
        if (!is_directory) continue;
        const auto below = TRY(sys::reopen(node, O_RDONLY | O_DIRECTORY));
        TRY(walk_below(below, visited.path, excludes, visit, stop, depth + 1));
    }
    return {};
}

// Values with their lengths, so that no two different lists give the same bytes.
class Hash {
public:
    void add(std::string_view text) {
        number(text.size());
        sha_.update(as_bytes(text));
    }
    void number(std::uint64_t value) { sha_.update(std::as_bytes(std::span(&value, 1))); }
    void bytes(std::span<const std::byte> bytes) { sha_.update(bytes); }
    std::string finish() { return sha_.finish_hex(); }

private:
    codec::Sha256 sha_;
};

Result<> hash_content(Hash& hash, const Visited& file, std::vector<std::byte>& buffer) {
    const auto fd = TRY(sys::reopen(file.node, O_RDONLY));
    while (true) {
        const std::size_t got = TRY(sys::read(fd, buffer));
        if (got == 0) return {};
        hash.bytes(std::span(buffer).first(got));
    }
}

Result<> hash_entry(Hash& hash, const Visited& file, std::vector<std::byte>& buffer) {
    const auto& status = file.status;
    hash.add(file.path);
    hash.number(status.st_mode);
    hash.number(status.st_uid);
    hash.number(status.st_gid);
    if (S_ISREG(status.st_mode)) {
        hash.number(static_cast<std::uint64_t>(status.st_size));
        TRY(hash_content(hash, file, buffer));
    } else if (S_ISLNK(status.st_mode)) {
        const std::string target = TRY(sys::readlink_at(file.node, ""));
        hash.add(target);
    } else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
        hash.number(status.st_rdev);
    }
    auto names = TRY(sys::list_xattrs(file.node));
    std::ranges::sort(names);
    for (const auto& name : names) {
        hash.add(name);
        const auto value = TRY(sys::get_xattr(file.node, name));
        hash.add(value.value_or(""));
    }
    return {};
}

}  // namespace

std::string Selection::to_text() const {
    return concat(join(sources, "\n"), "\n!", join(excludes, "\n!"), parents ? "\nparents" : "");
}

std::pair<std::string, std::string> split_path(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return {"/", std::string(path)};
    return {slash == 0 ? std::string("/") : std::string(path.substr(0, slash)),
            std::string(path.substr(slash + 1))};
}

Result<std::vector<Selected>> select(sys::BorrowedFd root, const Selection& selection) {
    std::vector<Selected> out;
    for (const auto& source : selection.sources) {
        const auto pivot_at = source.find("/./");
        const std::size_t pivot =
            pivot_at == std::string::npos ? 0 : components(source.substr(0, pivot_at)).size();
        const auto pattern = components(source);
        if (!has_wildcard(source)) {
            const std::string path = "/" + join_components(pattern);
            auto found = describe(root, path, pivot);
            if (!found) {
                if (found.error().is(ErrorCode::NotFound))
                    return fail(ErrorCode::NotFound, "\"", path, "\": not found");
                return std::move(found).error();
            }
            out.push_back(std::move(*found));
            continue;
        }
        std::vector<std::string> paths;
        Seen seen;
        TRY(expand(root, pattern, 0, "", seen, paths));
        for (auto& path : paths) out.push_back(TRY(describe(root, std::move(path), pivot)));
    }
    return out;
}

Result<> walk(sys::BorrowedFd node, const std::string& name, const codec::IgnorePatterns& excludes,
              const Visitor& visit, std::stop_token stop) {
    Visited first{.node = node, .path = {}, .status = {}};
    first.status = TRY(sys::fstat(node));
    if (S_ISSOCK(first.status.st_mode)) return {};
    const bool is_directory = S_ISDIR(first.status.st_mode);
    if (!is_directory && excludes.excludes(name)) return {};
    TRY(visit(first));
    if (!is_directory) return {};
    const auto below = TRY(sys::reopen(node, O_RDONLY | O_DIRECTORY));
    return walk_below(below, "", excludes, visit, stop, 0);
}

Result<std::string> digest_selection(sys::BorrowedFd root, const Selection& selection,
                                     std::stop_token stop) {
    const auto excludes = TRY(codec::IgnorePatterns::of(selection.excludes));
    const auto selected = TRY(select(root, selection));
    Hash hash;
    std::vector<std::byte> buffer(256 << 10);
    const auto visit = [&](const Visited& file) { return hash_entry(hash, file, buffer); };
    for (const auto& source : selected) {
        hash.add(selection.parents ? source.relative : split_path(source.path).second);
        // Found through links, so that a source that is a link means what it points to.
        const auto node = TRY(sys::open_in_root(root, source.path, O_PATH));
        TRY(walk(node, split_path(source.path).second, excludes, visit, stop));
    }
    return hash.finish();
}

}  // namespace berth::build
