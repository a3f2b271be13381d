#include "cli/image/build_context.h"

#include <unistd.h>

#include <memory>

#include "cli/archive/pack.h"
#include "cli/parse/mount.h"
#include "codec/ignore_pattern.h"
#include "codec/tar.h"
#include "oci/digest.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::cli {

namespace {

constexpr std::size_t max_dockerfile = 16 << 20;

bool is_url(std::string_view text) {
    for (const std::string_view head : {"http://", "https://", "git://", "git@", "ssh://"}) {
        if (text.starts_with(head)) return true;
    }
    return text.starts_with("github.com/") && !sys::exists(std::string(text));
}

// A compressed archive, or a tar header with its magic word or a fitting checksum.
bool looks_like_archive(std::string_view head) {
    if (head.starts_with("\x1F\x8B") || head.starts_with("BZh") ||
        head.starts_with("\xFD"
                         "7zXZ") ||
        head.starts_with("\x28\xB5\x2F\xFD")) {
        return true;
    }
    return head.size() >= 262 && head.substr(257, 5) == "ustar";
}

Result<std::string> archive_of(const std::string& dockerfile) {
    codec::StringSink sink;
    codec::TarWriter tar(sink);
    codec::TarEntry entry;
    entry.path = "Dockerfile";
    entry.mode = 0644;
    entry.bytes = dockerfile.size();
    TRY(tar.add(entry, dockerfile));
    TRY(tar.finish());
    return sink.take();
}

Result<BuildContext> from_input(const std::string& dockerfile) {
    std::string head(64 << 10, '\0');
    std::size_t size = 0;
    while (size < 512) {
        const std::size_t count =
            TRY(sys::read(STDIN_FILENO, std::as_writable_bytes(std::span(head).subspan(size))));
        if (count == 0) break;
        size += count;
    }
    head.resize(size);
    if (!looks_like_archive(head)) {
        const std::string text = head + TRY(sys::read_all(STDIN_FILENO, max_dockerfile));
        if (trim(text).empty())
            return fail(ErrorCode::InvalidArgument,
                        "standard input has neither a Dockerfile nor an archive");
        const std::string archive = TRY(archive_of(text));
        return BuildContext{[archive, done = false]() mutable -> Result<std::string> {
                                return std::exchange(done, true) ? std::string() : archive;
                            },
                            "Dockerfile",
                            {}};
    }
    return BuildContext{
        [head]() mutable -> Result<std::string> {
            if (!head.empty()) return std::exchange(head, {});
            std::string piece(64 << 10, '\0');
            piece.resize(TRY(sys::read(STDIN_FILENO, std::as_writable_bytes(std::span(piece)))));
            return piece;
        },
        dockerfile.empty() ? "Dockerfile" : dockerfile,
        {}};
}

Result<std::string> read_ignore_file(const std::string& folder, const std::string& dockerfile) {
    for (const auto& path : {dockerfile + ".dockerignore", folder + "/.dockerignore"}) {
        // A pipe of that name has nobody who writes, and would be waited for without end.
        if (const auto about = sys::stat(path); about && !S_ISREG(about->st_mode))
            return fail(ErrorCode::InvalidArgument, path, " is not a regular file");
        auto text = sys::read_file(path, max_dockerfile);
        if (text) return text;
        if (!text.error().is(ErrorCode::NotFound))
            return std::move(text).context("read ", path).error();
    }
    return std::string();
}

// The name for a Dockerfile that lies outside of the context: stable, so that the cache is.
std::string guest_name(const std::string& text) {
    return ".dockerfile." + oci::Digest::of(text).short_hex();
}

Error no_dockerfile(const std::string& folder, const std::string& path) {
    auto error = fail(ErrorCode::NotFound, "there is no Dockerfile at ", path);
    std::vector<std::string> likely;
    if (auto entries = sys::list_dir(folder)) {
        for (const auto& entry : *entries) {
            const std::string lower = to_lower(entry.name);
            if (lower.find("dockerfile") != std::string::npos ||
                lower.find("containerfile") != std::string::npos)
                likely.push_back(entry.name);
        }
    }
    if (likely.empty()) return std::move(error).with_hint("name the file with -f");
    return std::move(error).with_hint(
        concat("the folder has ", join(likely, ", "), ": name it with -f"));
}

Result<BuildContext> from_folder(const std::string& source, const std::string& dockerfile) {
    const std::string here = TRY(sys::readlink("/proc/self/cwd"));
    const std::string folder = absolute_path(source, here);
    const auto status = TRY(sys::stat(folder).context("build context ", source));
    if (!S_ISDIR(status.st_mode))
        return fail(ErrorCode::InvalidArgument, "the build context ", source, " is no folder");
    BuildContext context;
    PackRequest request{.folder = folder};
    const std::string file =
        dockerfile.empty() ? folder + "/Dockerfile" : absolute_path(dockerfile, here);
    std::string relative =
        file.starts_with(folder + "/") ? file.substr(folder.size() + 1) : std::string();
    if (folder == "/") relative = file.substr(1);
    if (dockerfile == "-") relative.clear();
    std::string ignore = TRY(read_ignore_file(folder, file));
    if (relative.empty()) {
        std::string text;
        if (dockerfile == "-")
            text = TRY(sys::read_all(STDIN_FILENO, max_dockerfile)
                           .context("Dockerfile on standard input"));
        else
            text = TRY(sys::read_file(file, max_dockerfile).context("Dockerfile ", dockerfile));
        context.dockerfile = guest_name(text);
        request.texts.push_back({context.dockerfile, text});
        // COPY must not find what is not in the folder.
        ignore += concat("\n", context.dockerfile, "\n.dockerignore\n");
        request.texts.push_back({".dockerignore", ignore});
    } else {
        if (!sys::exists(file))
            return no_dockerfile(folder, dockerfile.empty() ? source + "/Dockerfile" : dockerfile);
        context.dockerfile = relative;
    }
    const auto patterns = std::make_shared<codec::IgnorePatterns>(
        TRY(codec::IgnorePatterns::parse(ignore).context(".dockerignore")));
    const bool replaces_ignore = relative.empty();
    // The engine reads the Dockerfile and .dockerignore even if COPY may not.
    request.filter.excludes = [patterns, relative, replaces_ignore](const std::string& path) {
        if (path == ".dockerignore") return replaces_ignore;
        return path != relative && patterns->excludes(path);
    };
    request.filter.can_skip_folder = [patterns, relative](const std::string& path) {
        return !relative.starts_with(path + "/") && patterns->can_skip_directory(path);
    };
    context.tar = TRY(pack(std::move(request)));
    return context;
}

}  // namespace

Result<BuildContext> open_build_context(const std::string& source, const std::string& dockerfile) {
    if (is_url(source)) return BuildContext{{}, dockerfile, source};
    if (source == "-") {
        if (dockerfile == "-")
            return fail(ErrorCode::InvalidArgument,
                        "Dockerfile and context cannot both come from standard input");
        return from_input(dockerfile);
    }
    return from_folder(source, dockerfile);
}

}  // namespace berth::cli
