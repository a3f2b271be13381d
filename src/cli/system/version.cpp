#include <sys/utsname.h>

#include "api/version.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/format.h"
#include "codec/json.h"

namespace berth::cli {

namespace {

using codec::get_string;
using codec::Json;

Json client_part() {
    utsname machine{};
    uname(&machine);
    const std::string architecture = machine.machine;
    Json part = Json::object();
    part["Platform"] = {{"Name", "Berth"}};
    part["Version"] = BERTH_VERSION;
    part["ApiVersion"] = api::client_api_version.to_string();
    part["DefaultAPIVersion"] = api::client_api_version.to_string();
    part["Os"] = "linux";
    part["Arch"] = architecture == "x86_64"    ? "amd64"
                   : architecture == "aarch64" ? "arm64"
                                               : architecture;
    part["Context"] = "default";
    return part;
}

std::string field_line(std::string_view name, const std::string& value) {
    if (value.empty()) return "";
    return concat(" ", name, ":", std::string(name.size() < 18 ? 18 - name.size() : 1, ' '), value,
                  "\n");
}

std::string client_text(const Json& part) {
    return concat(
        "Client: Berth\n", field_line("Version", get_string(part, "Version")),
        field_line("API version", get_string(part, "ApiVersion")),
        field_line("OS/Arch", concat(get_string(part, "Os"), "/", get_string(part, "Arch"))),
        field_line("Context", "default"));
}

std::string server_text(const Json& server) {
    std::string out = "\nServer:";
    if (const auto* platform = codec::find_member(server, "Platform"))
        out += concat(" ", get_string(*platform, "Name"));
    out += "\n Engine:\n";
    const auto inner = [&](std::string_view name, const std::string& value) {
        return value.empty() ? std::string() : " " + field_line(name, value);
    };
    out += inner("Version", get_string(server, "Version"));
    out += inner("API version", concat(get_string(server, "ApiVersion"), " (minimum version ",
                                       get_string(server, "MinAPIVersion"), ")"));
    out += inner("Git commit", get_string(server, "GitCommit"));
    out += inner("Built", get_string(server, "BuildTime"));
    out += inner("OS/Arch", concat(get_string(server, "Os"), "/", get_string(server, "Arch")));
    out += inner("Kernel", get_string(server, "KernelVersion"));
    if (const auto* components = codec::find_member(server, "Components")) {
        for (const auto& component : *components) {
            const std::string name = get_string(component, "Name");
            if (name == "Engine") continue;
            out += concat(" ", name, ":\n", inner("Version", get_string(component, "Version")));
        }
    }
    return out;
}

Result<int> run_version(Context& context, const Flags& flags) {
    Json document = Json::object();
    document["Client"] = client_part();
    const auto* engine = [&]() -> const client::Client* {
        auto connected = context.engine();
        if (connected) return *connected;
        context.complain(connected.error());
        return nullptr;
    }();
    if (engine != nullptr) document["Server"] = TRY(engine->system_version());
    if (const std::string format = flags.text("format"); !format.empty()) {
        if (engine == nullptr && format.find(".Server") != std::string::npos) return 1;
        TRY(context.print(TRY(render_document(format, document))));
    } else {
        TRY(context.print(client_text(document["Client"])));
        if (engine != nullptr) TRY(context.print(server_text(document["Server"])));
    }
    return engine == nullptr ? 1 : 0;
}

}  // namespace

Command version_command() {
    return {.name = "version",
            .summary = "Show the versions of client and engine",
            .example = "berth version --format '{{.Server.Version}}'",
            .flags = {{.name = "format",
                       .letter = 'f',
                       .kind = FlagKind::Text,
                       .help = "json, or a Go template"}},
            .run = run_version};
}

}  // namespace berth::cli
