#include "build/context.h"

#include "build/dockerfile/lines.h"
#include "build/files/copy.h"
#include "build/memory_tree.h"
#include "codec/ignore_pattern.h"
#include "layer/extract.h"
#include "sys/file.h"

namespace berth::build {
namespace {

// Reads a file of the context; links stay inside.
Result<std::string> read_in_context(sys::BorrowedFd root, const std::string& path,
                                    std::size_t limit) {
    const auto fd = TRY(sys::open_in_root(root, path, O_RDONLY | O_NONBLOCK));
    const auto status = TRY(sys::fstat(fd));
    if (!S_ISREG(status.st_mode)) return fail(ErrorCode::InvalidArgument, path, " is not a file");
    return sys::read_all(fd, limit);
}

Result<> unpack(codec::ByteSource& archive, sys::BorrowedFd root, const std::stop_token& stop) {
    layer::ExtractOptions options{
        .uid = 0, .gid = 0, .xattrs = false, .devices = false, .limit_bytes = max_context_bytes};
    TRY(layer::extract(archive, root, options, stop).context("build context"));
    // Whoever sent it may go on after the archive's end.
    std::array<std::byte, 16384> rest;
    while (TRY(archive.read(rest)) > 0) {
    }
    return {};
}

// The beginning of a stream, read ahead, and then the rest. The beginning can be read again as
// often as it is wanted.
class ReadAhead final : public codec::ByteSource {
public:
    explicit ReadAhead(codec::ByteSource& rest) : rest_(rest) {}

    /// Whether the whole stream is in memory now.
    Result<bool> fill(std::size_t limit) {
        constexpr std::size_t piece = 64 << 10;
        while (beginning_.size() < limit) {
            const std::size_t had = beginning_.size();
            beginning_.resize(had + piece);
            auto count = rest_.read(std::span(beginning_).subspan(had));
            beginning_.resize(had + (count ? *count : 0));
            if (TRY(std::move(count)) == 0) return true;
        }
        return false;
    }
    void rewind() { position_ = 0; }

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        if (position_ == beginning_.size()) return rest_.read(buffer);
        const std::size_t count = std::min(buffer.size(), beginning_.size() - position_);
        std::copy_n(beginning_.begin() + static_cast<std::ptrdiff_t>(position_), count,
                    buffer.begin());
        position_ += count;
        return count;
    }

private:
    codec::ByteSource& rest_;
    std::vector<std::byte> beginning_;
    std::size_t position_ = 0;
};

// A tree in memory with the archive's files; none when they do not fit.
Result<std::optional<sys::DetachedMount>> unpack_in_memory(codec::ByteSource& archive,
                                                           const std::stop_token& stop) {
    auto memory = make_memory_tree();
    if (!memory) return memory;
    auto unpacked = unpack(archive, memory->fd(), stop);
    if (unpacked.is_error() && unpacked.error().is(ErrorCode::NoSpace))
        return std::optional<sys::DetachedMount>();
    TRY(std::move(unpacked));
    return memory;
}

Result<> copy_directory(const std::string& from, sys::BorrowedFd to, const std::stop_token& stop) {
    const auto source =
        TRY(sys::open(from, O_RDONLY | O_DIRECTORY).context("build context ", from));
    return copy_selection(source, Selection{.sources = {"/"}, .excludes = {}}, to, "/",
                          {.owner = Owner{}}, stop);
}

// `remote=`: a Dockerfile, or a tar that is the context.
Result<> fetch_remote(const std::string& url, sys::BorrowedFd root, http::Transfers& transfers,
                      std::string& dockerfile, const std::stop_token& stop) {
    if (!url.starts_with("http://") && !url.starts_with("https://"))
        return fail(ErrorCode::Unsupported, "a build context from ", url, " is not supported")
            .with_hint(
                "name a git repository (https://host/name.git#branch:folder), or the URL of a "
                "Dockerfile or of a tar");
    const auto file = TRY(sys::memfd("build-context"));
    http::TransferRequest request;
    request.url = url;
    request.sink = [&](std::span<const std::byte> bytes) { return sys::write_all(file, bytes); };
    const auto response =
        TRY(transfers.perform(std::move(request), stop).context("download ", url));
    if (response.status < 200 || response.status >= 300)
        return fail(ErrorCode::NotFound, "download ", url, ": response status ", response.status);
    TRY(sys::seek(file, 0, SEEK_SET));
    const std::string type = to_lower(response.headers.get("Content-Type"));
    if (type.starts_with("text/")) {
        dockerfile = TRY(sys::read_all(file, dockerfile::max_dockerfile_bytes));
        return {};
    }
    class Source final : public codec::ByteSource {
    public:
        explicit Source(sys::BorrowedFd fd) : fd_(fd) {}
        Result<std::size_t> read(std::span<std::byte> buffer) override {
            return sys::read(fd_, buffer);
        }

    private:
        sys::BorrowedFd fd_;
    };
    Source source(file);
    return unpack(source, root, stop);
}

Result<> find_dockerfile(const BuildRequest& request, sys::BorrowedFd root, Context& context) {
    context.dockerfile_name = request.dockerfile.empty() ? "Dockerfile" : request.dockerfile;
    if (request.dockerfile_text) context.dockerfile = *request.dockerfile_text;
    if (!context.dockerfile.empty() || request.dockerfile_text) return {};
    auto text = read_in_context(root, context.dockerfile_name, dockerfile::max_dockerfile_bytes);
    if (!text && text.error().is(ErrorCode::NotFound) && context.dockerfile_name == "Dockerfile") {
        text = read_in_context(root, "dockerfile", dockerfile::max_dockerfile_bytes);
        if (text) context.dockerfile_name = "dockerfile";
    }
    if (!text && text.error().is(ErrorCode::NotFound))
        return fail(ErrorCode::NotFound,
                    "Cannot locate specified Dockerfile: ", context.dockerfile_name)
            .with_hint("name it with --file; the path is relative to the context");
    if (!text) return std::move(text).error().with_context(context.dockerfile_name);
    context.dockerfile = std::move(*text);
    return {};
}

Result<codec::IgnorePatterns> read_ignore_file(sys::BorrowedFd root,
                                               const std::string& dockerfile) {
    constexpr std::size_t limit = 1 << 20;
    for (const auto& name : {dockerfile + ".dockerignore", std::string(".dockerignore")}) {
        const auto text = read_in_context(root, name, limit);
        if (text) return codec::IgnorePatterns::parse(*text);
        if (!text.error().is(ErrorCode::NotFound)) return text.error().clone();
    }
    return codec::IgnorePatterns();
}

// Takes away what the client should not have sent; clients that obey .dockerignore leave nothing to
// do.
Result<> remove_ignored(sys::BorrowedFd directory, const std::string& prefix,
                        const codec::IgnorePatterns& patterns, int depth) {
    if (depth > max_tree_depth)
        return fail(ErrorCode::InvalidArgument, prefix, " is nested too deeply");
    const auto entries = TRY(sys::list_dir(directory));
    for (const auto& entry : entries) {
        const std::string path = prefix.empty() ? entry.name : prefix + "/" + entry.name;
        const bool excluded = patterns.excludes(path);
        const auto status = TRY(sys::fstatat(directory, entry.name, AT_SYMLINK_NOFOLLOW));
        if (!S_ISDIR(status.st_mode)) {
            if (excluded) TRY(sys::unlink_at(directory, entry.name));
            continue;
        }
        if (excluded && patterns.can_skip_directory(path)) {
            TRY(sys::remove_tree_at(directory, entry.name));
            continue;
        }
        {
            const auto below =
                TRY(sys::openat(directory, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
            TRY(remove_ignored(below, path, patterns, depth + 1));
            TRY(sys::set_times(below, status.st_atim, status.st_mtim));
        }
        // An excluded directory stays only for what was re-included below it.
        if (excluded)
            sys::unlink_at(directory, entry.name, AT_REMOVEDIR)
                .ignore("it holds something that is kept");
    }
    return {};
}

}  // namespace

GitOptions git_options_of(const BuildRequest& request) {
    GitOptions options;
    if (const auto agent = request.ssh_agents.find("default"); agent != request.ssh_agents.end())
        options.agent_socket = agent->second;
    if (const auto token = request.secrets.find("GIT_AUTH_TOKEN"); token != request.secrets.end())
        options.token = token->second;
    return options;
}

Result<Context> prepare_context(const BuildRequest& request, const std::string& temp_root,
                                http::Transfers& transfers, std::stop_token stop) {
    Context context;
    std::optional<ReadAhead> sent;
    if (request.context && request.remote.empty() && request.context_directory.empty()) {
        sent.emplace(*request.context);
        if (TRY(sent->fill(memory_tree_bytes))) {
            auto memory = TRY(unpack_in_memory(*sent, stop));
            if (memory) context.memory = std::move(*memory);
            sent->rewind();
        }
    }
    if (context.memory) {
        context.path = concat("/proc/self/fd/", context.memory.fd().get());
    } else {
        context.directory = TRY(sys::TempDir::create(temp_root));
        context.path = context.directory->path() + "/context";
        TRY(sys::mkdir_all(context.path, 0755));
        if (is_git_url(request.remote)) {
            const auto url = TRY(parse_git_url(request.remote));
            context.path = TRY(fetch_git(url, context.path, git_options_of(request), stop));
        }
    }
    const auto root = TRY(sys::open(context.path, O_RDONLY | O_DIRECTORY));
    if (is_git_url(request.remote)) {
        // Everything is there already.
    } else if (!request.remote.empty()) {
        TRY(fetch_remote(request.remote, root, transfers, context.dockerfile, stop));
    } else if (!request.context_directory.empty()) {
        TRY(copy_directory(request.context_directory, root, stop));
    } else if (sent && !context.memory) {
        TRY(unpack(*sent, root, stop));
    }
    TRY(find_dockerfile(request, root, context));
    context.ignored = TRY(read_ignore_file(root, context.dockerfile_name));
    if (!context.ignored.is_empty()) TRY(remove_ignored(root, "", context.ignored, 0));
    return context;
}

}  // namespace berth::build
