#pragma once
#include <stop_token>
#include <string>

#include "base/result.h"
#include "build/builder.h"
#include "http/transfer.h"
#include "sys/dir.h"

namespace berth::build {

/// The build context on disk, without what .dockerignore leaves out, and the Dockerfile.
struct Context {
    sys::TempDir directory;
    std::string path;             // of the files
    std::string dockerfile_name;  // as messages show it
    std::string dockerfile;       // its text
};

/// Unpacks, fetches or copies the context below `temp_root`. Everything in it belongs to root; device nodes are
/// refused; nothing can land outside. InvalidArgument or NotFound when there is no Dockerfile.
Result<Context> prepare_context(const BuildRequest& request, const std::string& temp_root, http::Transfers& transfers,
                                std::stop_token stop);

inline constexpr std::uint64_t max_context_bytes = std::uint64_t{1} << 40;

}  // namespace berth::build
