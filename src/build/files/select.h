#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/ignore_pattern.h"
#include "sys/fd.h"
#include "sys/file.h"

// Which files of a tree COPY means. Cache keys and copies use the same code, so that they can not
// disagree.
namespace berth::build {

struct Selection {
    std::vector<std::string> sources;  // absolute; may hold wildcards
    std::vector<std::string> excludes;
    bool parents = false;
    std::string to_text() const;
};

/// One thing that a source means.
struct Selected {
    std::string path;      // absolute and clean
    std::string relative;  // with --parents: the path to keep below the destination
    bool is_directory = false;
};

/// Resolves sources inside `root`, in order; what one wildcard matches is sorted. A source without
/// wildcards that does not exist is NotFound; a wildcard may match nothing. Symbolic links are
/// followed inside the root only.
Result<std::vector<Selected>> select(sys::BorrowedFd root, const Selection& selection);

/// A file as walk() shows it.
struct Visited {
    sys::BorrowedFd node;  // O_PATH: of the file itself, link or not
    std::string path;      // relative to where the walk began; "" for the beginning itself
    struct stat status;
};
using Visitor = std::function<Result<>(const Visited&)>;

/// Shows `node` and everything below, directories before what they hold, names sorted. Links are
/// not followed, except that `node` may have been found through some. `excludes` are matched with
/// paths relative to it, or with `name` when it is no directory. Sockets are left out.
Result<> walk(sys::BorrowedFd node, const std::string& name, const codec::IgnorePatterns& excludes,
              const Visitor& visit, std::stop_token stop);

/// What decides whether a copy of the selection would be another: names, kinds, modes, owners,
/// attributes, content, link targets. Not times.
Result<std::string> digest_selection(sys::BorrowedFd root, const Selection& selection,
                                     std::stop_token stop);

/// Splits an absolute path into directory and last component ("/" and "" for the root itself).
std::pair<std::string, std::string> split_path(std::string_view path);

inline constexpr int max_tree_depth = 400;

}  // namespace berth::build
