#include "layer/foreign.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "codec/compression.h"

namespace berth::layer {
namespace {

constexpr std::size_t buffer_bytes = 256 << 10;
constexpr std::size_t magic_bytes = 6;

/// The first bytes of another source, and then the rest of it.
class Pushback final : public codec::ByteSource {
public:
    explicit Pushback(codec::ByteSource& inner) : inner_(inner) {}
    /// Reads ahead to `bytes` bytes, or to the end.
    Result<std::string_view> peek(std::size_t bytes) {
        while (head_.size() < bytes) {
            std::vector<std::byte> more(bytes - head_.size());
            const std::size_t got = TRY(inner_.read(more));
            if (got == 0) break;
            head_.append(as_text(std::span<const std::byte>(more).first(got)));
        }
        return std::string_view(head_);
    }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        if (head_.empty()) return inner_.read(buffer);
        const std::size_t count = std::min(buffer.size(), head_.size());
        std::memcpy(buffer.data(), head_.data(), count);
        head_.erase(0, count);
        return count;
    }

private:
    codec::ByteSource& inner_;
    std::string head_;
};

/// xz and bzip2 by libarchive, whose "raw" format gives one entry with the plain bytes.
class ForeignSource final : public codec::ByteSource {
public:
    explicit ForeignSource(std::unique_ptr<Pushback> inner)
        : inner_(std::move(inner)),
          archive_(archive_read_new(), archive_read_free),
          buffer_(buffer_bytes) {}

    Result<> open() {
        archive_read_support_filter_xz(archive_.get());
        archive_read_support_filter_bzip2(archive_.get());
        archive_read_support_format_raw(archive_.get());
        archive_read_set_read_callback(archive_.get(), &ForeignSource::feed);
        archive_read_set_callback_data(archive_.get(), this);
        archive_entry* entry = nullptr;
        if (archive_read_open1(archive_.get()) != ARCHIVE_OK) return error();
        const int status = archive_read_next_header(archive_.get(), &entry);
        if (status == ARCHIVE_EOF) has_ended_ = true;
        if (status != ARCHIVE_OK && status != ARCHIVE_EOF) return error();
        return {};
    }

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        if (has_ended_) return std::size_t{0};
        const la_ssize_t got = archive_read_data(archive_.get(), buffer.data(), buffer.size());
        if (got < 0) return error();
        has_ended_ = got == 0;
        return static_cast<std::size_t>(got);
    }

private:
    static la_ssize_t feed(archive* archive, void* self_pointer, const void** bytes) {
        auto& self = *static_cast<ForeignSource*>(self_pointer);
        auto got = self.inner_->read(self.buffer_);
        if (got.is_error()) {
            self.input_error_ = std::move(got).error();
            archive_set_error(archive, EIO, "input");
            return -1;
        }
        *bytes = self.buffer_.data();
        return static_cast<la_ssize_t>(*got);
    }
    Error error() {
        if (input_error_) return input_error_->clone();
        const char* text = archive_error_string(archive_.get());
        return fail(ErrorCode::Corrupted, "decompress: ", text != nullptr ? text : "damaged data");
    }

    std::unique_ptr<Pushback> inner_;
    std::unique_ptr<archive, decltype(&archive_read_free)> archive_;
    std::vector<std::byte> buffer_;
    std::optional<Error> input_error_;
    bool has_ended_ = false;
};

/// What libarchive is not needed for, keeping the pushed-back bytes alive.
class KnownSource final : public codec::ByteSource {
public:
    KnownSource(std::unique_ptr<Pushback> inner, std::unique_ptr<codec::ByteSource> plain)
        : inner_(std::move(inner)), plain_(std::move(plain)) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override { return plain_->read(buffer); }

private:
    std::unique_ptr<Pushback> inner_;
    std::unique_ptr<codec::ByteSource> plain_;
};

}  // namespace

Result<std::unique_ptr<codec::ByteSource>> open_any_decompressor(codec::ByteSource& inner) {
    auto source = std::make_unique<Pushback>(inner);
    const std::string_view head = TRY(source->peek(magic_bytes));
    if (head.starts_with("BZh") || head.starts_with(std::string_view("\xfd"
                                                                     "7zXZ\0",
                                                                     magic_bytes))) {
        auto foreign = std::make_unique<ForeignSource>(std::move(source));
        TRY(foreign->open());
        return std::unique_ptr<codec::ByteSource>(std::move(foreign));
    }
    auto plain = TRY(codec::open_decompressor(*source));
    return std::unique_ptr<codec::ByteSource>(
        std::make_unique<KnownSource>(std::move(source), std::move(plain)));
}

}  // namespace berth::layer
