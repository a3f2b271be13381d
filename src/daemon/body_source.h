#pragma once
#include "codec/stream.h"
#include "http/server.h"

namespace berth::daemon {

/// A request's body as a source of bytes.
class BodySource final : public codec::ByteSource {
public:
    explicit BodySource(http::Request& request) : request_(request) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override { return request_.read(buffer); }

private:
    http::Request& request_;
};

/// A response's body as a sink of bytes.
class ResponseSink final : public codec::ByteSink {
public:
    explicit ResponseSink(http::Response& response) : response_(response) {}
    Result<> write(std::span<const std::byte> bytes) override { return response_.write(bytes); }

private:
    http::Response& response_;
};

}  // namespace berth::daemon
