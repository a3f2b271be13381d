#pragma once
#include <string>

#include "base/result.h"
#include "client/stream.h"
#include "sys/fd.h"

namespace berth::cli {

class Context;

/// Where `save` and `export` write: a file that appears only when it is complete, or standard
/// output, which must not be a terminal.
class FileOutput {
public:
    static Result<FileOutput> open(const Context& context, const std::string& path);
    FileOutput(FileOutput&&) noexcept = default;
    ~FileOutput();
    client::BytesSink sink() const;
    Result<> commit() &&;

private:
    FileOutput(sys::Fd file, std::string path, std::string temporary)
        : file_(std::move(file)), path_(std::move(path)), temporary_(std::move(temporary)) {}
    sys::Fd file_;
    std::string path_, temporary_;
};

}  // namespace berth::cli
