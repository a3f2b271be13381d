#include "cli/output/file_output.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/random.h"
#include "cli/context.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::cli {

Result<FileOutput> FileOutput::open(const Context& context, const std::string& path) {
    if (path.empty() || path == "-") {
        if (context.is_output_terminal()) {
            return fail(ErrorCode::InvalidArgument, "an archive is not written to a terminal")
                .with_hint("use -o FILE, or redirect the output");
        }
        return FileOutput({}, {}, {});
    }
    // A device or a pipe is written to directly.
    auto existing = sys::stat(path);
    if (existing && !S_ISREG(existing->st_mode)) {
        return FileOutput(TRY(sys::open(path, O_WRONLY).context("write ", path)), path, {});
    }
    std::string temporary = concat(path, ".", random_hex(4), ".part");
    return FileOutput(
        TRY(sys::open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600).context("write ", path)), path,
        temporary);
}

FileOutput::~FileOutput() {
    if (!temporary_.empty()) sys::unlink(temporary_).ignore("only a leftover");
}

client::BytesSink FileOutput::sink() const {
    const int fd = file_ ? file_.get() : STDOUT_FILENO;
    return [fd](std::string_view bytes) { return sys::write_all(fd, bytes); };
}

Result<> FileOutput::commit() && {
    if (temporary_.empty()) return {};
    TRY(sys::fsync(file_).context("write ", path_));
    TRY(sys::rename(temporary_, path_).context("write ", path_));
    temporary_.clear();
    return {};
}

}  // namespace berth::cli
