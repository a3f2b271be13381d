#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"

// Git repositories as a source of files: of a build context, and of ADD. The `git` command of this
// machine does the work.
namespace berth::build {

/// "https://host/repo.git#branch:folder" and its relatives. Docker's "Git repositories" of `docker
/// build`.
struct GitUrl {
    std::string repository;
    std::string ref;     // branch, tag or commit; empty: what the server's HEAD names
    std::string folder;  // relative, without ".."; empty: the whole tree
    bool operator==(const GitUrl&) const = default;
};

/// Whether the text names a repository: git://, ssh://, git@host:path, github.com/..., or http(s)
/// with a path that ends in .git.
bool is_git_url(std::string_view text);
/// InvalidArgument for a ref or folder that could mean something else.
Result<GitUrl> parse_git_url(std::string_view text);

struct GitOptions {
    bool keep_git_dir = false;
    std::string commit;        // the commit that must come out; may be shortened
    std::string agent_socket;  // SSH_AUTH_SOCK
    std::string token;         // for HTTPS, of the secret GIT_AUTH_TOKEN
};
/// Fetches one commit with its submodules into `directory`, which is empty; returns the path of the
/// wanted folder. Unsupported, with a hint, when there is no git command; NotFound for an absent
/// folder.
Result<std::string> fetch_git(const GitUrl& url, const std::string& directory,
                              const GitOptions& options, std::stop_token stop);

}  // namespace berth::build
