#pragma once
#include "codec/stream.h"

namespace berth::image {

/// Hands everything that is read on to a sink, too.
class TeeSource final : public codec::ByteSource {
public:
    TeeSource(codec::ByteSource& inner, codec::ByteSink& sink) : inner_(inner), sink_(sink) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::size_t count = TRY(inner_.read(buffer));
        if (count > 0) TRY(sink_.write(buffer.first(count)));
        return count;
    }

private:
    codec::ByteSource& inner_;
    codec::ByteSink& sink_;
};

}  // namespace berth::image
