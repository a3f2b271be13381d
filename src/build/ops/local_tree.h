#pragma once
#include <mutex>
#include <string>

#include "build/executor.h"
#include "build/git.h"
#include "http/transfer.h"
#include "sys/dir.h"

namespace berth::build {

/// A directory that is there already: the build context.
class DirectoryTree final : public LocalTree {
public:
    explicit DirectoryTree(std::string path) : path_(std::move(path)) {}
    Result<sys::Fd> open(std::stop_token stop) override;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

inline constexpr std::uint64_t max_download_bytes = std::uint64_t{64} << 30;

/// One file from the network, downloaded when it is first needed: with a checksum, a cached result
/// needs no download.
class DownloadTree final : public LocalTree {
public:
    DownloadTree(HttpSource source, http::Transfers& transfers, std::string temp_root)
        : source_(std::move(source)), transfers_(transfers), temp_root_(std::move(temp_root)) {}
    Result<sys::Fd> open(std::stop_token stop) override;
    std::optional<std::string> known_digest() const override;

private:
    Result<> download(const std::string& directory, std::stop_token stop);
    HttpSource source_;
    http::Transfers& transfers_;
    std::string temp_root_;
    std::mutex mutex_;  // held over the download: a second user waits for the first
    std::optional<sys::TempDir> directory_;
};

/// A git repository, fetched when it is first needed.
class GitTree final : public LocalTree {
public:
    GitTree(GitUrl url, GitOptions options, std::string temp_root)
        : url_(std::move(url)), options_(std::move(options)), temp_root_(std::move(temp_root)) {}
    Result<sys::Fd> open(std::stop_token stop) override;

private:
    const GitUrl url_;
    const GitOptions options_;
    const std::string temp_root_;
    std::mutex mutex_;  // held over the fetch: a second user waits for the first
    std::optional<sys::TempDir> directory_;
    std::string path_;
};

}  // namespace berth::build
