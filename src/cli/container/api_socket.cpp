#include "cli/container/api_socket.h"

#include <algorithm>
#include <utility>

#include "codec/tar.h"

namespace berth::cli {
namespace {

constexpr std::string_view socket_inside = "/var/run/docker.sock";
constexpr std::string_view logins_folder = "run/secrets/docker";
constexpr std::string_view folder_variable = "DOCKER_CONFIG=";

}  // namespace

Result<> add_api_socket(Context& context, api::ContainerCreateRequest& request) {
    const std::string path = TRY(context.engine())->host().unix_path;
    if (path.empty()) {
        return fail(ErrorCode::InvalidArgument,
                    "--use-api-socket: ", TRY(context.engine())->host().to_string(),
                    " is not a socket of this machine")
            .with_hint("set DOCKER_HOST inside with -e, or use an engine at unix://...");
    }
    request.host_config.mounts.push_back(
        {.type = "bind", .source = path, .target = std::string(socket_inside)});
    auto& variables = request.config.env;
    const bool is_set = std::any_of(variables.begin(), variables.end(), [](const auto& variable) {
        return variable.starts_with(folder_variable);
    });
    if (!is_set) variables.push_back(concat(folder_variable, "/", logins_folder));
    return {};
}

Result<> copy_logins(Context& context, const std::string& id) {
    const std::string logins = TRY(context.config())->plain_logins();
    if (logins.empty()) return {};
    codec::StringSink archive;
    codec::TarWriter tar(archive);
    codec::TarEntry entry;
    entry.type = codec::TarType::File;
    entry.path = concat(logins_folder, "/config.json");
    entry.mode = 0600;
    entry.bytes = logins.size();
    TRY(tar.add(entry, logins));
    TRY(tar.finish());
    // One piece, then the end.
    return TRY(context.engine())
        ->copy_to(id, "/", [text = archive.take()]() mutable { return std::exchange(text, {}); },
                  {})
        .context("--use-api-socket: copy the registry logins");
}

}  // namespace berth::cli
