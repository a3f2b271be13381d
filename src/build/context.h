#pragma once
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "build/builder.h"
#include "build/git.h"
#include "codec/ignore_pattern.h"
#include "http/transfer.h"
#include "sys/dir.h"
#include "sys/mount.h"

namespace berth::build {

/// The build context, without what .dockerignore leaves out, and the Dockerfile.
struct Context {
    sys::DetachedMount memory;              // where a small one is
    std::optional<sys::TempDir> directory;  // where any other is
    std::string path;                       // of the files, for as long as this lives
    std::string dockerfile_name;            // as messages show it
    std::string dockerfile;                 // its text
    codec::IgnorePatterns ignored;
};

/// Unpacks, fetches or copies the context: one that is sent and small into memory, any other below
/// `temp_root`. Everything in it belongs to root; device nodes are refused; nothing can land
/// outside. InvalidArgument or NotFound when there is no Dockerfile.
Result<Context> prepare_context(const BuildRequest& request, const std::string& temp_root,
                                http::Transfers& transfers, std::stop_token stop);

/// What a fetch of this build's repositories may use: the forwarded ssh agent and the secret
/// GIT_AUTH_TOKEN.
GitOptions git_options_of(const BuildRequest& request);

inline constexpr std::uint64_t max_context_bytes = std::uint64_t{1} << 40;

}  // namespace berth::build
