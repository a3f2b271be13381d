#pragma once
#include "api/auth.h"
#include "http/headers.h"
#include "remote/registry.h"

namespace berth::daemon {

remote::Credentials credentials_of(const api::AuthConfig& auth);
/// The registry that a client's server address means: "https://index.docker.io/v1/" and "" are
/// "docker.io".
std::string registry_host(std::string_view server_address);
/// Header X-Registry-Auth as credentials for `host` alone. One that cannot be read is as good as
/// none, as in Docker.
remote::CredentialsProvider credentials_for(const http::Headers& headers, const std::string& host);
/// Header X-Registry-Config of a build: credentials for many hosts. Berth's client sends it, too,
/// with what may have to fetch dropped blobs again.
remote::CredentialsProvider credentials_for_any(const http::Headers& headers);
/// For a push to `host`: both headers, of which the first one counts for that host.
remote::CredentialsProvider credentials_for_push(const http::Headers& headers,
                                                 const std::string& host);

}  // namespace berth::daemon
