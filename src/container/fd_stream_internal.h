#pragma once
#include "codec/stream.h"
#include "container/containers.h"
#include "sys/file.h"

namespace berth::container {

/// A descriptor as a sink of bytes.
class FdSink final : public codec::ByteSink {
public:
    explicit FdSink(sys::BorrowedFd fd) : fd_(fd) {}
    Result<> write(std::span<const std::byte> bytes) override { return sys::write_all(fd_, bytes); }

private:
    sys::BorrowedFd fd_;
};

/// A descriptor as a source of bytes.
class FdSource final : public codec::ByteSource {
public:
    explicit FdSource(sys::BorrowedFd fd) : fd_(fd) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        return sys::read(fd_, buffer);
    }

private:
    sys::BorrowedFd fd_;
};

/// The callbacks of the facade as streams.
class CallbackSink final : public codec::ByteSink {
public:
    explicit CallbackSink(const container::ByteSink& sink) : sink_(sink) {}
    Result<> write(std::span<const std::byte> bytes) override { return sink_(bytes); }

private:
    const container::ByteSink& sink_;
};
class CallbackSource final : public codec::ByteSource {
public:
    explicit CallbackSource(const container::ByteSource& source) : source_(source) {}
    Result<std::size_t> read(std::span<std::byte> buffer) override { return source_(buffer); }

private:
    const container::ByteSource& source_;
};

}  // namespace berth::container
