#include "build/git.h"

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "base/text.h"
#include "codec/base64.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace berth::build {
namespace {

constexpr std::size_t max_kept_output = 4096;

bool is_http(std::string_view text) {
    return text.starts_with("http://") || text.starts_with("https://");
}

bool is_commit(std::string_view text) {
    return (text.size() == 40 || text.size() == 64) &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string find_git() {
    for (const char* path : {"/usr/local/bin/git", "/usr/bin/git", "/bin/git"})
        if (sys::exists(path)) return path;
    return {};
}

/// Runs git commands in one working tree, apart from the configuration of whoever runs the engine.
class Git {
public:
    Git(std::string program, std::string directory, std::stop_token stop)
        : program_(std::move(program)), directory_(std::move(directory)), stop_(std::move(stop)) {}

    void set_environment(const std::string& home, const GitUrl& url, const GitOptions& options) {
        environment_ = {
            "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", concat("HOME=", home),
            "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
            // Submodules are named by the repository: they may not read this machine's files.
            "GIT_ALLOW_PROTOCOL=http:https:ssh:git",
            "GIT_SSH_COMMAND=ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new"};
        for (const char* name :
             {"http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY", "GIT_SSL_CAINFO"})
            if (const char* value = std::getenv(name))
                environment_.push_back(concat(name, "=", std::string_view(value)));
        if (!options.agent_socket.empty())
            environment_.push_back(concat("SSH_AUTH_SOCK=", options.agent_socket));
        if (options.token.empty() || !is_http(url.repository)) return;
        const auto host_end = url.repository.find('/', url.repository.find("//") + 2);
        environment_.push_back("GIT_CONFIG_COUNT=1");
        environment_.push_back(
            concat("GIT_CONFIG_KEY_0=http.", url.repository.substr(0, host_end), "/.extraheader"));
        environment_.push_back(
            concat("GIT_CONFIG_VALUE_0=Authorization: basic ",
                   codec::encode_base64(concat("x-access-token:", options.token))));
    }

    /// The command's output. Unavailable, with the end of it, when git fails.
    Result<std::string> run(std::vector<std::string> arguments) {
        auto [read_end, write_end] = TRY(sys::make_pipe());
        sys::SpawnRequest request{.path = program_,
                                  .arguments = {"git", "-c", "core.hooksPath=/dev/null", "-c",
                                                "advice.detachedHead=false"},
                                  .environment = environment_,
                                  .fds = {},
                                  .working_directory = directory_,
                                  .new_session = true};
        const std::string shown = concat("git ", arguments.front());
        for (auto& argument : arguments) request.arguments.push_back(std::move(argument));
        const sys::Fd nothing = TRY(sys::open("/dev/null", O_RDONLY));
        request.fds = {{STDIN_FILENO, nothing.get()},
                       {STDOUT_FILENO, write_end.get()},
                       {STDERR_FILENO, write_end.get()}};
        const sys::Child child = TRY(sys::spawn(request));
        write_end = {};
        std::string output;
        {
            const std::stop_callback kill(
                stop_, [&] { sys::signal_group(child.pid, SIGKILL).ignore("it may have ended"); });
            std::byte buffer[4096];
            for (;;) {
                auto count = sys::read(read_end, buffer);
                if (!count || *count == 0) break;
                output += as_text(std::span(buffer).first(*count));
                if (output.size() > 2 * max_kept_output)
                    output.erase(0, output.size() - max_kept_output);
            }
        }
        const auto status = TRY(child.pidfd.wait());
        if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
        if (!status.is_success()) return fail(ErrorCode::Unavailable, shown, ": ", trim(output));
        return std::string(trim(output));
    }

private:
    std::string program_, directory_;
    std::stop_token stop_;
    std::vector<std::string> environment_;
};

Result<> fetch(Git& git, const GitUrl& url) {
    TRY(git.run({"init", "--quiet"}));
    TRY(git.run({"remote", "add", "origin", url.repository}));
    const std::string ref = url.ref.empty() ? "HEAD" : url.ref;
    auto fetched = git.run({"fetch", "--quiet", "--depth", "1", "--no-tags", "origin", ref});
    if (fetched.is_error() && fetched.error().is(ErrorCode::Unavailable) && is_commit(url.ref)) {
        // Not every server hands out any commit by its name: then all branches are fetched to find
        // it.
        TRY(git.run({"fetch", "--quiet", "--tags", "origin"}));
        TRY(git.run({"checkout", "--quiet", "--detach", url.ref}));
    } else {
        TRY(std::move(fetched));
        TRY(git.run({"checkout", "--quiet", "--detach", "FETCH_HEAD"}));
    }
    TRY(git.run({"submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1"}));
    return {};
}

// A submodule has a file of this name, the tree itself a directory.
Result<> remove_git_dirs(sys::BorrowedFd directory, int depth) {
    constexpr int max_depth = 256;
    if (depth > max_depth) return fail(ErrorCode::InvalidArgument, "the tree is nested too deeply");
    for (const auto& entry : TRY(sys::list_dir(directory))) {
        const auto status = TRY(sys::fstatat(directory, entry.name, AT_SYMLINK_NOFOLLOW));
        if (entry.name == ".git") {
            TRY(sys::remove_tree_at(directory, entry.name));
        } else if (S_ISDIR(status.st_mode)) {
            const auto below =
                TRY(sys::openat(directory, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
            TRY(remove_git_dirs(below, depth + 1));
        }
    }
    return {};
}

}  // namespace

bool is_git_url(std::string_view text) {
    for (const std::string_view head : {"git://", "ssh://", "git@", "github.com/"})
        if (text.starts_with(head)) return true;
    return is_http(text) && text.substr(0, text.find_first_of("#?")).ends_with(".git");
}

Result<GitUrl> parse_git_url(std::string_view text) {
    GitUrl out;
    const auto parts = split_once(text, '#');
    out.repository = std::string(parts ? parts->first : text);
    if (out.repository.starts_with("github.com/")) out.repository.insert(0, "https://");
    if (!parts) return out;
    const auto fragment = split_once(parts->second, ':');
    out.ref = std::string(fragment ? fragment->first : parts->second);
    if (fragment) out.folder = std::string(trim(fragment->second));
    while (out.folder.starts_with('/')) out.folder.erase(0, 1);
    if (out.ref.starts_with('-') || out.ref.find_first_of(" \t\n:^~?*[\\+") != std::string::npos)
        return fail(ErrorCode::InvalidArgument, "git repository ", out.repository,
                    ": invalid reference \"", out.ref, "\"");
    for (const auto& name : split(out.folder, '/'))
        if (name == "..")
            return fail(ErrorCode::InvalidArgument, "git repository ", out.repository,
                        ": the folder leads out of it");
    return out;
}

Result<std::string> fetch_git(const GitUrl& url, const std::string& directory,
                              const GitOptions& options, std::stop_token stop) {
    const std::string program = find_git();
    if (program.empty())
        return fail(ErrorCode::Unsupported,
                    "a git repository as a source needs the git command, which is not installed "
                    "here")
            .with_hint("install git, or clone the repository and build from its directory");
    const std::string tree = directory + "/tree", home = directory + "/home";
    TRY(sys::mkdir_all(tree, 0755));
    TRY(sys::mkdir_all(home, 0700));
    Git git(program, tree, std::move(stop));
    git.set_environment(home, url, options);
    TRY(fetch(git, url).context("git repository ", url.repository));
    if (!options.commit.empty()) {
        const std::string commit = TRY(git.run({"rev-parse", "HEAD"}));
        if (!commit.starts_with(options.commit))
            return fail(ErrorCode::Corrupted, "git repository ", url.repository,
                        ": expected commit ", options.commit, ", got ", commit);
    }
    TRY(sys::remove_tree(home));
    const auto root = TRY(sys::open(tree, O_RDONLY | O_DIRECTORY));
    if (!options.keep_git_dir) TRY(remove_git_dirs(root, 0));
    if (url.folder.empty()) return tree;
    // The folder may be a link of the repository's: it is followed inside the tree only.
    const auto folder =
        TRY(sys::open_in_root(root, url.folder, O_PATH | O_DIRECTORY)
                .context("git repository ", url.repository, ": folder ", url.folder));
    return TRY(sys::readlink(concat("/proc/self/fd/", folder.get())));
}

}  // namespace berth::build
