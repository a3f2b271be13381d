#pragma once
#include <functional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "client/stream.h"
#include "codec/stream.h"
#include "sys/fd.h"

namespace berth::cli {

class Context;

/// The file at `path`, or standard input for "" and "-", which must not be a terminal. Cancelled
/// when `stop` is requested, also while nothing comes.
Result<client::BytesSource> input_of(const Context& context, const std::string& path,
                                     std::stop_token stop = {});

/// Pieces as a stream.
class PieceSource final : public codec::ByteSource {
public:
    explicit PieceSource(client::BytesSource pieces) : pieces_(std::move(pieces)) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override;

private:
    client::BytesSource pieces_;
    std::string piece_;
    std::size_t used_ = 0;
};

/// Lets a producer that hands bytes out and a consumer that asks for them work at the same time,
/// the producer on a thread of its own. The consumer's failure ends the producer; what the producer
/// failed with is said first.
Result<> connect(const std::function<Result<>(const client::BytesSink&)>& produce,
                 const std::function<Result<>(client::BytesSource)>& consume);

}  // namespace berth::cli
