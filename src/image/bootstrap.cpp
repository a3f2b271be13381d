// Base images without a registry: from the distribution's own package archive (mmdebstrap), or from
// the host's static busybox. The result depends on the archive's state only: times are clamped to
// one fixed date.
#include <elf.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "codec/json.h"
#include "codec/tar.h"
#include "image/implementation_internal.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

namespace berth::image {

namespace {

constexpr std::int64_t fixed_epoch = 1'672'531'200;  // 2023-01-01

class FdSource final : public codec::ByteSource {
public:
    explicit FdSource(sys::Fd fd) : fd_(std::move(fd)) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::size_t count = TRY(sys::read(fd_, buffer));
        if (count == 0) has_ended_ = true;
        return count;
    }
    bool has_ended() const { return has_ended_; }

private:
    sys::Fd fd_;
    bool has_ended_ = false;
};

/// A program whose standard output is read as a source; its standard error becomes progress lines.
class Tool {
public:
    static Result<std::unique_ptr<Tool>> start(const std::string& path,
                                               std::vector<std::string> arguments,
                                               const ProgressSink& progress) {
        auto tool = std::unique_ptr<Tool>(new Tool);
        // Whatever the program leaves behind when it is killed goes with this directory. Its
        // helpers run as other users.
        tool->scratch_ = TRY(sys::TempDir::create());
        TRY(sys::chmod_at(AT_FDCWD, tool->scratch_->path(), 0755));
        auto [out_read, out_write] = TRY(sys::make_pipe());
        auto [error_read, error_write] = TRY(sys::make_pipe());
        sys::SpawnRequest request;
        request.path = path;
        request.arguments = std::move(arguments);
        request.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root",
                               concat("SOURCE_DATE_EPOCH=", fixed_epoch),
                               concat("TMPDIR=", tool->scratch_->path())};
        for (const char* name : {"http_proxy", "https_proxy", "no_proxy"}) {
            if (const char* value = std::getenv(name))
                request.environment.push_back(concat(name, "=", std::string_view(value)));
        }
        request.new_session = true;  // so that its children can be reached with it
        request.fds = {{STDOUT_FILENO, out_write.get()}, {STDERR_FILENO, error_write.get()}};
        tool->child_ = TRY(sys::spawn(request));
        tool->output_ = std::make_unique<FdSource>(std::move(out_read));
        tool->messages_ =
            std::jthread([fd = std::move(error_read), &progress, owner = tool.get()]() mutable {
                FdSource source{std::move(fd)};
                std::string line;
                std::byte buffer[4096];
                for (;;) {
                    auto count = source.read(buffer);
                    if (!count || *count == 0) break;
                    for (const char c : as_text(std::span(buffer).first(*count))) {
                        if (c != '\n' && c != '\r') {
                            if (line.size() < 4096) line += c;
                        } else if (!line.empty()) {
                            progress({.status = line});
                            owner->last_lines_ = owner->last_lines_.size() > 4000
                                                     ? line
                                                     : owner->last_lines_ + line + "\n";
                            line.clear();
                        }
                    }
                }
            });
        return tool;
    }
    ~Tool() { finish().ignore("only its end matters"); }

    codec::ByteSource& output() { return *output_; }
    /// From any thread: asks the program and its children to clean up and go, so that its output
    /// ends.
    void interrupt() {
        const std::lock_guard lock(mutex_);
        is_interrupted_ = true;
        if (child_.pid > 0) sys::signal_group(child_.pid, SIGTERM).ignore("it may have ended");
    }
    /// Waits for the end. A program that nobody reads any more, or that was interrupted, gets ten
    /// seconds for it.
    Result<> finish() {
        if (!child_.pidfd) return {};
        if (is_interrupted_ || !is_read_to_the_end()) {
            interrupt();
            const auto ended = child_.pidfd.wait_exited(std::chrono::seconds(10));
            if (!ended || !*ended)
                sys::signal_group(child_.pid, SIGKILL).ignore("it may have ended");
        }
        const auto status = child_.pidfd.wait();
        {
            const std::lock_guard lock(mutex_);
            child_ = {};
        }
        messages_.join();
        if (!status) return status.error().clone();
        if (status->is_success()) return {};
        return fail(ErrorCode::Unavailable, "ended with status ", status->shell_code(), ":\n",
                    last_lines_);
    }

private:
    Tool() = default;
    bool is_read_to_the_end() const { return output_ && output_->has_ended(); }

    std::optional<sys::TempDir> scratch_;  // goes last
    std::mutex mutex_;
    bool is_interrupted_ = false;
    sys::Child child_;
    std::unique_ptr<FdSource> output_;
    std::string last_lines_;
    std::jthread messages_;
};

Result<std::string> find_tool(const std::string& name, const std::string& package) {
    for (const std::string folder : {"/usr/bin/", "/usr/local/bin/", "/bin/"}) {
        if (access((folder + name).c_str(), X_OK) == 0) return folder + name;
    }
    return Error(ErrorCode::NotFound, concat(name, " is not installed"))
        .with_hint(concat("apt-get install ", package));
}

bool is_plain_word(std::string_view word) {
    return !word.empty() && word.front() != '-' &&
           word.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+:_/-=~") ==
               std::string_view::npos;
}

/// Whether an ELF program does without an interpreter (program header PT_INTERP). elf(5). A static
/// C library has the name of one in its data nevertheless.
bool is_static(std::string_view program) {
    Elf64_Ehdr header;
    if (program.size() < sizeof header || !program.starts_with(ELFMAG)) return false;
    std::memcpy(&header, program.data(), sizeof header);
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment;
        const std::size_t at = header.e_phoff + i * sizeof segment;
        if (at > program.size() || program.size() - at < sizeof segment) return false;
        std::memcpy(&segment, program.data() + at, sizeof segment);
        if (segment.p_type == PT_INTERP) return false;
    }
    return true;
}

/// The whole of the host's static busybox as a root file system.
Result<std::string> busybox_archive(const ProgressSink& progress) {
    const std::string path = TRY(find_tool("busybox", "busybox-static"));
    const std::string program = TRY(sys::read_file(path, 16 << 20));
    if (!is_static(program)) {
        return Error(ErrorCode::Unsupported, concat(path, " is not static"))
            .with_hint("apt-get install busybox-static");
    }
    auto tool = TRY(Tool::start(path, {"busybox", "--list"}, progress));
    const std::string applets = TRY(codec::read_all(tool->output(), 1 << 20));
    TRY(tool->finish());
    codec::StringSink sink;
    codec::TarWriter tar(sink);
    const auto add = [&](codec::TarType type, const std::string& name, std::uint32_t mode,
                         const std::string& content) -> Result<> {
        codec::TarEntry entry;
        entry.type = type;
        entry.path = name;
        entry.mode = mode;
        entry.mtime_seconds = fixed_epoch;
        if (type == codec::TarType::Symlink) entry.link_target = content;
        if (type == codec::TarType::File) entry.bytes = content.size();
        return tar.add(
            entry, type == codec::TarType::File ? std::string_view(content) : std::string_view());
    };
    for (const std::string folder : {"bin", "dev", "etc", "home", "root", "run", "usr", "var"})
        TRY(add(codec::TarType::Directory, folder, 0755, ""));
    TRY(add(codec::TarType::Directory, "tmp", 01777, ""));
    TRY(add(codec::TarType::File, "bin/busybox", 0755, program));
    for (const auto& applet : split(applets, '\n')) {
        if (!applet.empty() && applet != "busybox")
            TRY(add(codec::TarType::Symlink, concat("bin/", applet), 0777, "busybox"));
    }
    TRY(add(codec::TarType::File, "etc/passwd", 0644,
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"));
    TRY(add(codec::TarType::File, "etc/group", 0644, "root:x:0:\nnogroup:x:65534:\n"));
    TRY(tar.finish());
    return sink.take();
}

oci::ImageConfig base_config(const Layer& layer, std::string command, const std::string& path,
                             const std::string& made_by) {
    oci::ImageConfig config;
    config.platform = oci::Platform::host();
    config.created = Timestamp(std::chrono::seconds(fixed_epoch));
    config.config.cmd = std::vector<std::string>{std::move(command)};
    config.config.env = {concat("PATH=", path)};
    config.diff_ids = {layer.diff_id};
    config.history.push_back(
        {.created = config.created, .created_by = made_by, .author = "", .comment = ""});
    return config;
}

}  // namespace

Result<oci::Digest> Store::bootstrap(const BootstrapOptions& options, const ProgressSink& progress,
                                     std::stop_token stop) {
    content::Lease lease = implementation_->services_.content.lease();
    const auto parts = split_once(options.suite, ':');
    const std::string suite(parts ? parts->second : std::string_view(options.suite));
    if (!is_plain_word(suite))
        return fail(ErrorCode::InvalidArgument, "\"", options.suite,
                    "\" is no suite; try debian:bookworm");
    const std::string name = options.reference.empty() ? options.suite : options.reference;
    TRY(oci::Reference::parse(name));
    NewImage image;
    image.references = {name};
    if (options.suite == "busybox" || options.suite.starts_with("busybox:")) {
        const std::string archive =
            TRY(busybox_archive(progress).context("bootstrap ", options.suite));
        codec::MemorySource source(archive);
        image.layers = {TRY(add_layer(source, stop))};
        image.config_json =
            base_config(image.layers.front(), "sh", "/bin", "berth image bootstrap busybox")
                .to_json();
        return TRY(commit(std::move(image))).id;
    }
    const std::string program =
        TRY(find_tool("mmdebstrap", "mmdebstrap").context("bootstrap ", options.suite));
    std::vector<std::string> words{"mmdebstrap", "--variant=minbase", "--mode=root",
                                   "--format=tar"};
    for (const auto& package : options.packages) {
        if (!is_plain_word(package))
            return fail(ErrorCode::InvalidArgument, "\"", package, "\" is no package name");
        words.push_back(concat("--include=", package));
    }
    words.insert(words.end(), {suite, "-"});
    if (!options.mirror.empty()) words.push_back(options.mirror);
    auto tool = TRY(Tool::start(program, words, progress));
    const std::stop_callback on_stop(stop, [&] { tool->interrupt(); });
    auto layer = add_layer(tool->output(), stop);
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "interrupted");
    TRY(tool->finish()
            .context("mmdebstrap ", suite)
            .hint("is the package archive in reach, and the suite's name right?"));
    if (layer.is_error()) return std::move(layer).context("bootstrap ", options.suite).error();
    image.layers = {std::move(*layer)};
    image.config_json = base_config(image.layers.front(), "bash",
                                    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                    concat("mmdebstrap --variant=minbase ", suite))
                            .to_json();
    return TRY(commit(std::move(image))).id;
}

}  // namespace berth::image
