#include "volume/host_ca.h"

#include <cstdlib>

#include "base/text.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::volume {

namespace {
// Debian and its kin, Fedora and its kin, SUSE, Alpine and the BSD-like.
constexpr const char* bundle_paths[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

// Where administrators put authorities of their own, by distribution.
constexpr const char* anchor_directories[] = {
    "/usr/local/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/etc/pki/trust/anchors",
    "/etc/ca-certificates/trust-source/anchors",
};

// Who reads them: OpenSSL and Go, curl, Python's requests and pip, Node.js, git, AWS tools, gRPC,
// Rust's cargo, Deno.
constexpr const char* bundle_variables[] = {
    "SSL_CERT_FILE",       "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",  "PIP_CERT",
    "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",       "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CARGO_HTTP_CAINFO",   "DENO_CERT",
    "npm_config_cafile",
};

bool is_regular_file(const std::string& path) {
    auto status = sys::stat(path);
    return !status.is_error() && S_ISREG(status->st_mode);
}

bool is_regular_file_in(sys::BorrowedFd root, const std::string& path) {
    auto file = sys::open_in_root(root, path, O_PATH);
    if (file.is_error()) return false;
    auto status = sys::fstat(*file);
    return !status.is_error() && S_ISREG(status->st_mode);
}
}  // namespace

Result<std::string> find_host_bundle() {
    if (const char* named = std::getenv("SSL_CERT_FILE"); named && is_regular_file(named))
        return std::string(named);
    for (const char* path : bundle_paths) {
        if (is_regular_file(path)) return std::string(path);
    }
    return Error(ErrorCode::NotFound, "the host has no CA bundle")
        .with_hint("install the package ca-certificates, or name the bundle in SSL_CERT_FILE");
}

bool has_extra_authorities() {
    for (const char* directory : anchor_directories) {
        auto entries = sys::list_dir(directory);
        if (entries.is_error()) continue;
        for (const auto& entry : *entries) {
            if (entry.name.ends_with(".crt") || entry.name.ends_with(".pem")) return true;
        }
    }
    return false;
}

Result<HostCa> plan_host_ca(sys::BorrowedFd root, HostCaOptions options) {
    HostCa out;
    out.bundle = TRY(find_host_bundle());
    for (const char* name : bundle_variables) out.environment.emplace_back(name, out.target);
    if (!options.overlay_bundles || root.get() < 0) return out;
    for (const char* path : bundle_paths) {
        if (is_regular_file_in(root, path)) out.overlays.emplace_back(path);
    }
    return out;
}

}  // namespace berth::volume
