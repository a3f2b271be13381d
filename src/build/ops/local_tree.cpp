#include "build/ops/local_tree.h"

#include <time.h>

#include "codec/sha256.h"
#include "sys/file.h"

namespace berth::build {
namespace {

// RFC 9110 5.6.7, the one form that is still sent: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<timespec> parse_http_date(std::string_view text) {
    struct tm parts = {};
    const std::string copy(text);
    const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (!end || *end) return std::nullopt;
    return timespec{.tv_sec = ::timegm(&parts), .tv_nsec = 0};
}

}  // namespace

Result<sys::Fd> DirectoryTree::open(std::stop_token) {
    return sys::open(path_, O_RDONLY | O_DIRECTORY);
}

std::optional<std::string> DownloadTree::known_digest() const {
    if (source_.checksum.empty()) return std::nullopt;
    return concat("download ", source_.checksum, " ", source_.file_name);
}

Result<sys::Fd> DownloadTree::open(std::stop_token stop) {
    const std::lock_guard lock(mutex_);
    if (!directory_) {
        auto directory = TRY(sys::TempDir::create(temp_root_));
        TRY(download(directory.path(), stop).context("download ", source_.url));
        directory_ = std::move(directory);
    }
    return sys::open(directory_->path(), O_RDONLY | O_DIRECTORY);
}

Result<sys::Fd> GitTree::open(std::stop_token stop) {
    const std::lock_guard lock(mutex_);
    if (!directory_) {
        auto directory = TRY(sys::TempDir::create(temp_root_));
        path_ = TRY(fetch_git(url_, directory.path(), options_, stop));
        directory_ = std::move(directory);
    }
    return sys::open(path_, O_RDONLY | O_DIRECTORY);
}

Result<> DownloadTree::download(const std::string& directory, std::stop_token stop) {
    const auto file = TRY(sys::open(directory + "/" + source_.file_name,
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    codec::Sha256 hash;
    std::uint64_t received = 0;
    http::TransferRequest request;
    request.url = source_.url;
    request.sink = [&](std::span<const std::byte> bytes) -> Result<> {
        received += bytes.size();
        if (received > max_download_bytes)
            return fail(ErrorCode::InvalidArgument, "the file is too large");
        hash.update(bytes);
        return sys::write_all(file, bytes);
    };
    const auto response = TRY(transfers_.perform(std::move(request), stop));
    if (response.status < 200 || response.status >= 300)
        return fail(response.status == 404 ? ErrorCode::NotFound : ErrorCode::Unavailable,
                    "invalid response status ", response.status);
    const std::string digest = "sha256:" + hash.finish_hex();
    if (!source_.checksum.empty() && source_.checksum != digest)
        return fail(ErrorCode::Corrupted, "digest mismatch ", digest, ": ", source_.checksum);
    if (const auto modified = parse_http_date(response.headers.get("Last-Modified")))
        TRY(sys::set_times(file, *modified, *modified));
    return {};
}

}  // namespace berth::build
