#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/compression.h"
#include "codec/stream.h"
#include "sys/fd.h"
#include "sys/room.h"

namespace berth::layer {

// A layer's image holds what its files contain, but not the tar that it came as: other programs
// write other headers, orders and paddings. The *frame* is the rest of that tar: every byte that is
// no file content, and in between where in the image the content is. Image and frame together give
// the tar again, byte for byte, so that its digest still holds; and a frame is small, since headers
// compress well.
//
// The file is one zstd frame, which carries a sum of its own, over
//
//     "BTF1" { tag operands }...
//     0 BYTES <bytes>            so many bytes of the tar
//     1 OFFSET BYTES             bytes of the image, from its beginning
//     2 SEGMENT OFFSET BYTES     bytes of the image, from the beginning of a metadata segment
//     3 OFFSET                   where the next segment begins; all of them come last
//
// with numbers as LEB128.

class TarFrameWriter final : public codec::ByteSink {
public:
    /// `file` is empty and outlives this; the caller syncs it.
    explicit TarFrameWriter(sys::BorrowedFd file, sys::Room* room = nullptr);
    /// Bytes of the tar that are no content.
    Result<> write(std::span<const std::byte> bytes) override;
    Result<> add_content(std::uint64_t offset, std::uint64_t bytes);
    Result<> add_content_of_segment(std::uint32_t segment, std::uint32_t offset,
                                    std::uint64_t bytes);
    Result<> finish(std::span<const std::uint64_t> segment_bases);

private:
    class File final : public codec::ByteSink {
    public:
        File(sys::BorrowedFd file, sys::Room* room) : file_(file), room_(room) {}
        Result<> write(std::span<const std::byte> bytes) override;

    private:
        sys::BorrowedFd file_;
        sys::Room* room_;
        std::uint64_t end_ = 0;
    };
    void add_number(std::uint64_t number);
    Result<> flush_literal();
    Result<> flush_content();
    Result<> write_records();

    File file_;
    std::unique_ptr<codec::Compressor> compressor_;
    std::string records_;
    std::string literal_;                                   ///< not yet in records_
    std::uint64_t content_offset_ = 0, content_bytes_ = 0;  ///< the same, grown while it can be
};

/// The tar again. Whoever reads it compares its digest: image and frame are as the disk has them.
class TarFrameReader final : public codec::ByteSource {
public:
    /// Reads the frame through first: Corrupted when it is damaged. Both files outlive the result.
    static Result<std::unique_ptr<TarFrameReader>> open(sys::BorrowedFd frame,
                                                        sys::BorrowedFd image);
    Result<std::size_t> read(std::span<std::byte> buffer) override;

private:
    class Records;
    struct Piece {
        bool is_literal = false;
        std::uint64_t offset = 0;  ///< in the image
        std::uint64_t bytes = 0;
    };
    TarFrameReader(sys::BorrowedFd frame, sys::BorrowedFd image);
    /// Empty at the end.
    Result<std::optional<Piece>> next_piece();

    sys::BorrowedFd frame_, image_;
    std::vector<std::uint64_t> segment_bases_;
    std::unique_ptr<Records> records_;
    Piece piece_;
    bool has_ended_ = false;

public:
    ~TarFrameReader() override;
};

}  // namespace berth::layer
