#include "layer/tar_frame.h"

#include <algorithm>
#include <cstring>

#include "sys/file.h"

namespace berth::layer {
namespace {

constexpr std::string_view magic = "BTF1";
enum Tag : std::uint8_t { Literal = 0, Content = 1, ContentOfSegment = 2, SegmentBase = 3 };
constexpr std::size_t flush_bytes = 64 << 10;
/// Headers are alike: more effort gains little.
constexpr int compression_level = 1;
constexpr std::size_t max_segments = 1 << 22;

Error damaged(std::string_view what) {
    return fail(ErrorCode::Corrupted, "the frame of the layer's archive: ", what);
}

/// A file from a place of its own: the same descriptor may be read by others.
class FileSource final : public codec::ByteSource {
public:
    explicit FileSource(sys::BorrowedFd file) : file_(file) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::size_t got = TRY(sys::pread(file_, buffer, offset_));
        offset_ += got;
        return got;
    }

private:
    sys::BorrowedFd file_;
    std::uint64_t offset_ = 0;
};

}  // namespace

TarFrameWriter::TarFrameWriter(sys::BorrowedFd file, sys::Room* room)
    : file_(file, room),
      compressor_(codec::make_compressor(codec::Compression::Zstd, file_, compression_level)),
      records_(magic) {}

Result<> TarFrameWriter::File::write(std::span<const std::byte> bytes) {
    if (room_ != nullptr) TRY(room_->take(bytes.size()));
    TRY(sys::pwrite_all(file_, bytes, end_));
    end_ += bytes.size();
    return {};
}

void TarFrameWriter::add_number(std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) records_.push_back(static_cast<char>(number | 0x80));
    records_.push_back(static_cast<char>(number));
}

Result<> TarFrameWriter::write_records() {
    if (records_.size() < flush_bytes) return {};
    TRY(compressor_->write(as_bytes(records_)));
    records_.clear();
    return {};
}

Result<> TarFrameWriter::flush_literal() {
    if (literal_.empty()) return {};
    records_.push_back(Literal);
    add_number(literal_.size());
    records_ += literal_;
    literal_.clear();
    return write_records();
}

Result<> TarFrameWriter::flush_content() {
    if (content_bytes_ == 0) return {};
    records_.push_back(Content);
    add_number(content_offset_);
    add_number(std::exchange(content_bytes_, 0));
    return write_records();
}

Result<> TarFrameWriter::write(std::span<const std::byte> bytes) {
    TRY(flush_content());
    literal_ += as_text(bytes);
    return literal_.size() < flush_bytes ? Result<>() : flush_literal();
}

Result<> TarFrameWriter::add_content(std::uint64_t offset, std::uint64_t bytes) {
    if (bytes == 0) return {};
    TRY(flush_literal());
    if (content_offset_ + content_bytes_ != offset) TRY(flush_content());
    if (content_bytes_ == 0) content_offset_ = offset;
    content_bytes_ += bytes;
    return {};
}

Result<> TarFrameWriter::add_content_of_segment(std::uint32_t segment, std::uint32_t offset,
                                                std::uint64_t bytes) {
    if (bytes == 0) return {};
    TRY(flush_literal());
    TRY(flush_content());
    records_.push_back(ContentOfSegment);
    add_number(segment);
    add_number(offset);
    add_number(bytes);
    return write_records();
}

Result<> TarFrameWriter::finish(std::span<const std::uint64_t> segment_bases) {
    TRY(flush_literal());
    TRY(flush_content());
    for (const std::uint64_t base : segment_bases) {
        records_.push_back(SegmentBase);
        add_number(base);
    }
    TRY(compressor_->write(as_bytes(records_)));
    records_.clear();
    return compressor_->finish();
}

/// The decompressed records, byte by byte or in runs.
class TarFrameReader::Records {
public:
    static Result<std::unique_ptr<Records>> open(sys::BorrowedFd frame) {
        auto records = std::unique_ptr<Records>(new Records(frame));
        records->plain_ = TRY(codec::open_decompressor(records->file_));
        for (const char wanted : magic)
            if (TRY(records->byte()) != static_cast<std::uint8_t>(wanted))
                return damaged("it is none");
        return records;
    }
    /// nullopt at the end.
    Result<std::optional<std::uint8_t>> tag() {
        if (TRY(run(1)).empty()) return std::optional<std::uint8_t>();
        const auto value = static_cast<std::uint8_t>(buffer_[begin_++]);
        return std::optional(value);
    }
    Result<std::uint64_t> number() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const std::uint8_t part = TRY(byte());
            value |= static_cast<std::uint64_t>(part & 0x7f) << shift;
            if ((part & 0x80) == 0) return value;
        }
        return damaged("a number is too large");
    }
    /// At most so many bytes as there are now; empty at the end.
    Result<std::span<const std::byte>> run(std::uint64_t most) {
        if (begin_ == end_) {
            begin_ = 0;
            end_ = TRY(plain_->read(buffer_));
        }
        const std::size_t count =
            static_cast<std::size_t>(std::min<std::uint64_t>(most, end_ - begin_));
        return std::span<const std::byte>(buffer_).subspan(begin_, count);
    }
    void consume(std::size_t bytes) { begin_ += bytes; }
    Result<> skip(std::uint64_t bytes) {
        while (bytes > 0) {
            const auto some = TRY(run(bytes));
            if (some.empty()) return damaged("it is cut");
            consume(some.size());
            bytes -= some.size();
        }
        return {};
    }

private:
    explicit Records(sys::BorrowedFd frame) : file_(frame), buffer_(256 << 10) {}
    Result<std::uint8_t> byte() {
        const auto value = TRY(tag());
        if (!value) return damaged("it is cut");
        return *value;
    }

    FileSource file_;
    std::unique_ptr<codec::ByteSource> plain_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0, end_ = 0;
};

TarFrameReader::TarFrameReader(sys::BorrowedFd frame, sys::BorrowedFd image)
    : frame_(frame), image_(image) {}
TarFrameReader::~TarFrameReader() = default;

Result<std::unique_ptr<TarFrameReader>> TarFrameReader::open(sys::BorrowedFd frame,
                                                             sys::BorrowedFd image) {
    auto reader = std::unique_ptr<TarFrameReader>(new TarFrameReader(frame, image));
    const auto records = TRY(Records::open(frame));
    while (const auto tag = TRY(records->tag())) {
        switch (*tag) {
            case Literal: TRY(records->skip(TRY(records->number()))); break;
            case ContentOfSegment: TRY(records->number()); [[fallthrough]];
            case Content:
                TRY(records->number());
                TRY(records->number());
                break;
            case SegmentBase:
                if (reader->segment_bases_.size() == max_segments)
                    return damaged("too many segments");
                reader->segment_bases_.push_back(TRY(records->number()));
                break;
            default: return damaged("an unknown record");
        }
    }
    reader->records_ = TRY(Records::open(frame));
    return reader;
}

Result<std::optional<TarFrameReader::Piece>> TarFrameReader::next_piece() {
    if (has_ended_) return std::optional<Piece>();
    const auto tag = TRY(records_->tag());
    if (!tag || *tag == SegmentBase) {
        has_ended_ = true;
        return std::optional<Piece>();
    }
    Piece piece{.is_literal = *tag == Literal};
    if (*tag == ContentOfSegment) {
        const std::uint64_t segment = TRY(records_->number());
        if (segment >= segment_bases_.size()) return damaged("an unknown segment");
        piece.offset = segment_bases_[segment];
    }
    if (!piece.is_literal) piece.offset += TRY(records_->number());
    piece.bytes = TRY(records_->number());
    return std::optional(piece);
}

Result<std::size_t> TarFrameReader::read(std::span<std::byte> buffer) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        if (piece_.bytes == 0) {
            const auto next = TRY(next_piece());
            if (!next) break;
            piece_ = *next;
            continue;
        }
        const auto room = buffer.subspan(done).first(
            static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size() - done, piece_.bytes)));
        std::size_t count = 0;
        if (piece_.is_literal) {
            const auto bytes = TRY(records_->run(room.size()));
            std::memcpy(room.data(), bytes.data(), bytes.size());
            records_->consume(bytes.size());
            count = bytes.size();
        } else {
            count = TRY(sys::pread(image_, room, piece_.offset));
            piece_.offset += count;
        }
        if (count == 0) return damaged("the image is shorter than it says");
        piece_.bytes -= count;
        done += count;
    }
    return done;
}

}  // namespace berth::layer
