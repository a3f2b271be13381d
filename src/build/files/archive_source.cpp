#include "build/files/archive_source.h"

#include <archive.h>

#include <array>

#include "codec/compression.h"
#include "sys/file.h"

namespace berth::build {
namespace {

class FdSource final : public codec::ByteSource {
public:
    explicit FdSource(sys::BorrowedFd fd) : fd_(fd) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override { return sys::read(fd_, buffer); }

private:
    sys::BorrowedFd fd_;
};

/// gzip, zstd or nothing, by our own decompressors.
class OwnSource final : public codec::ByteSource {
public:
    static Result<std::unique_ptr<codec::ByteSource>> open(sys::BorrowedFd fd) {
        auto source = std::unique_ptr<OwnSource>(new OwnSource(fd));
        source->plain_ = TRY(codec::open_decompressor(source->file_));
        return std::unique_ptr<codec::ByteSource>(std::move(source));
    }
    Result<std::size_t> read(std::span<std::byte> buffer) override { return plain_->read(buffer); }

private:
    explicit OwnSource(sys::BorrowedFd fd) : file_(fd) {}
    FdSource file_;
    std::unique_ptr<codec::ByteSource> plain_;
};

/// xz and bzip2, by libarchive's filters over its "raw" format: one entry that is the decompressed data.
class ForeignSource final : public codec::ByteSource {
public:
    static Result<std::unique_ptr<codec::ByteSource>> open(sys::BorrowedFd fd) {
        auto source = std::unique_ptr<ForeignSource>(new ForeignSource);
        archive* reader = source->reader_;
        archive_read_support_filter_xz(reader);
        archive_read_support_filter_bzip2(reader);
        archive_read_support_format_raw(reader);
        archive_entry* entry = nullptr;
        if (archive_read_open_fd(reader, fd.get(), 64 << 10) != ARCHIVE_OK || archive_read_next_header(reader, &entry) != ARCHIVE_OK)
            return source->error();
        return std::unique_ptr<codec::ByteSource>(std::move(source));
    }
    ~ForeignSource() override { archive_read_free(reader_); }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const auto got = archive_read_data(reader_, buffer.data(), buffer.size());
        if (got < 0) return error();
        return static_cast<std::size_t>(got);
    }

private:
    ForeignSource() : reader_(archive_read_new()) {}
    Error error() const {
        const char* text = archive_error_string(reader_);
        return fail(ErrorCode::Corrupted, "compressed data is damaged: ", text ? text : "unknown reason");
    }
    archive* reader_;
};

}  // namespace

Result<std::unique_ptr<codec::ByteSource>> open_archive_file(sys::BorrowedFd file) {
    std::array<std::byte, 6> head{};
    const std::size_t got = TRY(sys::pread(file, head, 0));
    const std::string_view magic = as_text(std::span(head).first(got));
    using namespace std::string_view_literals;
    if (magic == "\xFD" "7zXZ\0"sv || magic.starts_with("BZh")) return ForeignSource::open(file);
    return OwnSource::open(file);
}

}  // namespace berth::build
