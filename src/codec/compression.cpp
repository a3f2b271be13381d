#include "codec/compression.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace berth::codec {
namespace {

constexpr std::size_t input_buffer_bytes = 256 << 10;
constexpr std::size_t output_buffer_bytes = 256 << 10;
constexpr std::size_t head_bytes = 10;
/// Docker's layers are compressed once and read often on fast networks: speed first.
constexpr int default_gzip_level = 1;
constexpr int default_zstd_level = 3;
/// A frame may ask the reader for this much memory at most (128 MiB, zstd's own default for
/// streams).
constexpr int max_zstd_window_log = 27;

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
    return as_text(bytes).starts_with(magic);
}

unsigned char* writable(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

/// The compressed bytes, with a head that detection has read already.
class Input {
public:
    explicit Input(ByteSource& source) : source_(source), buffer_(input_buffer_bytes) {}
    /// Reads until at least `bytes` are there or the input ends.
    Result<> fill_to(std::size_t bytes) {
        while (end_ - begin_ < bytes && !ended_) {
            const std::size_t got = TRY(source_.read(std::span(buffer_).subspan(end_)));
            if (got == 0) ended_ = true;
            end_ += got;
        }
        return {};
    }
    /// Unread bytes; refills when there are none. Empty is the end.
    Result<std::span<std::byte>> peek() {
        if (begin_ == end_ && !ended_) {
            begin_ = end_ = 0;
            TRY(fill_to(1));
        }
        return std::span(buffer_).subspan(begin_, end_ - begin_);
    }
    void consume(std::size_t bytes) { begin_ += bytes; }

private:
    ByteSource& source_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool ended_ = false;
};

class PlainSource final : public ByteSource {
public:
    explicit PlainSource(Input input) : input_(std::move(input)) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const auto bytes = TRY(input_.peek());
        const std::size_t count = std::min(bytes.size(), buffer.size());
        if (count > 0) std::memcpy(buffer.data(), bytes.data(), count);
        input_.consume(count);
        return count;
    }

private:
    Input input_;
};

class GzipSource final : public ByteSource {
public:
    explicit GzipSource(Input input)
        : input_(std::move(input)), state_(std::make_unique<inflate_state>()) {
        start_member();
    }

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        for (;;) {
            const auto bytes = TRY(input_.peek());
            if (state_->block_state == ISAL_BLOCK_FINISH) {
                if (bytes.empty()) return std::size_t{0};
                // Zero bytes after the last member are padding (gzip(1) skips them too); anything
                // else is a member.
                if (bytes[0] == std::byte{0}) {
                    TRY(skip_padding());
                    return std::size_t{0};
                }
                start_member();
            }
            state_->next_in = writable(bytes.data());
            state_->avail_in = static_cast<std::uint32_t>(bytes.size());
            state_->next_out = writable(buffer.data());
            const auto room =
                static_cast<std::uint32_t>(std::min<std::size_t>(buffer.size(), 1U << 30));
            state_->avail_out = room;
            const int outcome = isal_inflate(state_.get());
            if (outcome == ISAL_INCORRECT_CHECKSUM)
                return fail(ErrorCode::Corrupted, "gzip: checksum does not match");
            if (outcome < 0) return fail(ErrorCode::Corrupted, "gzip: damaged data");
            input_.consume(bytes.size() - state_->avail_in);
            const std::size_t produced = room - state_->avail_out;
            if (produced > 0) return produced;
            if (bytes.empty() && state_->block_state != ISAL_BLOCK_FINISH) {
                return fail(ErrorCode::Corrupted, "gzip: unexpected end of data");
            }
        }
    }

private:
    void start_member() {
        isal_inflate_init(state_.get());
        state_->crc_flag = ISAL_GZIP;
    }
    Result<> skip_padding() {
        for (;;) {
            const auto bytes = TRY(input_.peek());
            if (bytes.empty()) return {};
            if (std::any_of(bytes.begin(), bytes.end(),
                            [](std::byte b) { return b != std::byte{0}; })) {
                return fail(ErrorCode::Corrupted, "gzip: garbage after the data");
            }
            input_.consume(bytes.size());
        }
    }

    Input input_;
    std::unique_ptr<inflate_state> state_;
};

class ZstdSource final : public ByteSource {
public:
    explicit ZstdSource(Input input)
        : input_(std::move(input)), context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
        ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, max_zstd_window_log);
    }

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        for (;;) {
            const auto bytes = TRY(input_.peek());
            ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
            ZSTD_outBuffer out = {buffer.data(), buffer.size(), 0};
            const bool at_frame_start = wanted_ == 0;
            if (bytes.empty() && at_frame_start) return std::size_t{0};
            const std::size_t wanted = ZSTD_decompressStream(context_.get(), &out, &in);
            if (ZSTD_isError(wanted))
                return fail(ErrorCode::Corrupted, "zstd: ", ZSTD_getErrorName(wanted));
            wanted_ = wanted;
            input_.consume(in.pos);
            if (out.pos > 0) return out.pos;
            if (bytes.empty() && wanted_ != 0)
                return fail(ErrorCode::Corrupted, "zstd: unexpected end of data");
        }
    }

private:
    Input input_;
    std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
    std::size_t wanted_ = 0;
};

class PlainCompressor final : public Compressor {
public:
    explicit PlainCompressor(ByteSink& inner) : inner_(inner) {}
    Result<> write(std::span<const std::byte> bytes) override { return inner_.write(bytes); }
    Result<> finish() override { return {}; }

private:
    ByteSink& inner_;
};

class GzipCompressor final : public Compressor {
public:
    GzipCompressor(ByteSink& inner, int level)
        : inner_(inner), stream_(std::make_unique<isal_zstream>()), output_(output_buffer_bytes) {
        isal_deflate_init(stream_.get());
        stream_->gzip_flag = IGZIP_GZIP;
        stream_->level = static_cast<std::uint32_t>(level);
        constexpr std::size_t work_bytes[] = {ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT,
                                              ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
        work_.resize(work_bytes[level]);
        stream_->level_buf = work_.data();
        stream_->level_buf_size = static_cast<std::uint32_t>(work_.size());
    }
    Result<> write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            const auto piece = bytes.first(std::min<std::size_t>(bytes.size(), 1U << 30));
            TRY(run(piece));
            bytes = bytes.subspan(piece.size());
        }
        return {};
    }
    Result<> finish() override {
        stream_->end_of_stream = 1;
        return run({});
    }

private:
    Result<> run(std::span<const std::byte> bytes) {
        stream_->next_in = writable(const_cast<std::byte*>(bytes.data()));
        stream_->avail_in = static_cast<std::uint32_t>(bytes.size());
        do {
            stream_->next_out = writable(output_.data());
            stream_->avail_out = static_cast<std::uint32_t>(output_.size());
            if (isal_deflate(stream_.get()) != COMP_OK)
                return fail(ErrorCode::Internal, "gzip: cannot compress");
            const std::size_t produced = output_.size() - stream_->avail_out;
            if (produced > 0)
                TRY(inner_.write(std::span<const std::byte>(output_).first(produced)));
        } while (stream_->avail_out == 0 || stream_->avail_in > 0);
        return {};
    }

    ByteSink& inner_;
    std::unique_ptr<isal_zstream> stream_;
    std::vector<std::uint8_t> work_;
    std::vector<std::byte> output_;
};

class ZstdCompressor final : public Compressor {
public:
    ZstdCompressor(ByteSink& inner, int level)
        : inner_(inner), context_(ZSTD_createCCtx(), ZSTD_freeCCtx), output_(output_buffer_bytes) {
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    }
    Result<> write(std::span<const std::byte> bytes) override {
        return run(bytes, ZSTD_e_continue);
    }
    Result<> finish() override { return run({}, ZSTD_e_end); }

private:
    Result<> run(std::span<const std::byte> bytes, ZSTD_EndDirective directive) {
        ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
        for (;;) {
            ZSTD_outBuffer out = {output_.data(), output_.size(), 0};
            const std::size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
            if (ZSTD_isError(left))
                return fail(ErrorCode::Internal, "zstd: ", ZSTD_getErrorName(left));
            if (out.pos > 0) TRY(inner_.write(std::span<const std::byte>(output_).first(out.pos)));
            if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
        }
    }

    ByteSink& inner_;
    std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
    std::vector<std::byte> output_;
};

}  // namespace

std::string_view to_string(Compression compression) {
    switch (compression) {
        case Compression::None: return "none";
        case Compression::Gzip: return "gzip";
        case Compression::Zstd: return "zstd";
    }
    return "none";
}

Compression detect_compression(std::span<const std::byte> head) {
    if (starts_with(head, "\x1f\x8b")) return Compression::Gzip;
    if (starts_with(head, "\x28\xb5\x2f\xfd")) return Compression::Zstd;
    // A skippable frame, 0x184D2A50 to 0x184D2A5F in little endian (RFC 8878, 3.1.2).
    if (head.size() >= 4 && (head[0] & std::byte{0xf0}) == std::byte{0x50} &&
        starts_with(head.subspan(1), "\x2a\x4d\x18")) {
        return Compression::Zstd;
    }
    return Compression::None;
}

Result<std::unique_ptr<ByteSource>> open_decompressor(ByteSource& inner) {
    Input input(inner);
    TRY(input.fill_to(head_bytes));
    const auto head = TRY(input.peek());
    switch (detect_compression(head)) {
        case Compression::Gzip:
            return std::unique_ptr<ByteSource>(std::make_unique<GzipSource>(std::move(input)));
        case Compression::Zstd:
            return std::unique_ptr<ByteSource>(std::make_unique<ZstdSource>(std::move(input)));
        case Compression::None: break;
    }
    if (starts_with(head, "BZh") && as_text(head).substr(3).find("1AY&SY") == 1) {
        return fail(ErrorCode::Unsupported, "bzip2 compression is not supported");
    }
    if (starts_with(head, std::string_view("\xfd"
                                           "7zXZ\0",
                                           6))) {
        return fail(ErrorCode::Unsupported, "xz compression is not supported");
    }
    return std::unique_ptr<ByteSource>(std::make_unique<PlainSource>(std::move(input)));
}

std::unique_ptr<Compressor> make_compressor(Compression compression, ByteSink& inner,
                                            std::optional<int> level) {
    switch (compression) {
        case Compression::Gzip:
            return std::make_unique<GzipCompressor>(
                inner, std::clamp(level.value_or(default_gzip_level), 0, 3));
        case Compression::Zstd:
            return std::make_unique<ZstdCompressor>(
                inner, std::clamp(level.value_or(default_zstd_level), 1, 19));
        case Compression::None: break;
    }
    return std::make_unique<PlainCompressor>(inner);
}

}  // namespace berth::codec
