#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output/format.h"
#include "cli/units.h"
#include "codec/json.h"

namespace berth::cli {

namespace {

using codec::find_member;
using codec::get_int;
using codec::get_string;
using codec::Json;

std::string line(std::string_view name, std::string_view value) {
    return value.empty() ? std::string() : concat(" ", name, ": ", value, "\n");
}

std::string info_text(const Json& info) {
    std::string out = "Server:\n";
    out += concat(" Containers: ", get_int(info, "Containers"),
                  "\n  Running: ", get_int(info, "ContainersRunning"),
                  "\n  Paused: ", get_int(info, "ContainersPaused"),
                  "\n  Stopped: ", get_int(info, "ContainersStopped"), "\n");
    out += line("Images", concat(get_int(info, "Images")));
    out += line("Server Version", get_string(info, "ServerVersion"));
    out += line("Storage Driver", get_string(info, "Driver"));
    if (const auto* status = find_member(info, "DriverStatus")) {
        for (const auto& pair : *status) {
            if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string()) {
                out += concat("  ", pair[0].get<std::string>(), ": ", pair[1].get<std::string>(),
                              "\n");
            }
        }
    }
    out += line("Logging Driver", get_string(info, "LoggingDriver"));
    out += line("Cgroup Driver", get_string(info, "CgroupDriver"));
    out += line("Cgroup Version", get_string(info, "CgroupVersion"));
    if (const auto* plugins = find_member(info, "Plugins")) {
        out += concat(" Plugins:\n  Volume: ", join(codec::get_strings(*plugins, "Volume"), " "),
                      "\n  Network: ", join(codec::get_strings(*plugins, "Network"), " "),
                      "\n  Log: ", join(codec::get_strings(*plugins, "Log"), " "), "\n");
    }
    if (const auto* runtimes = find_member(info, "Runtimes")) {
        std::string names;
        for (const auto& [name, value] : runtimes->items()) names += concat(" ", name);
        out += concat(" Runtimes:", names, "\n");
    }
    out += line("Default Runtime", get_string(info, "DefaultRuntime"));
    const auto security = codec::get_strings(info, "SecurityOptions");
    if (!security.empty()) out += concat(" Security Options:\n  ", join(security, "\n  "), "\n");
    out += line("Kernel Version", get_string(info, "KernelVersion"));
    out += line("Operating System", get_string(info, "OperatingSystem"));
    out += line("OSType", get_string(info, "OSType"));
    out += line("Architecture", get_string(info, "Architecture"));
    out += line("CPUs", concat(get_int(info, "NCPU")));
    out += line("Total Memory", binary_size(static_cast<double>(get_int(info, "MemTotal"))));
    out += line("Name", get_string(info, "Name"));
    out += line("ID", get_string(info, "ID"));
    out += line("Docker Root Dir", get_string(info, "DockerRootDir"));
    out += line("Live Restore Enabled",
                codec::get_bool(info, "LiveRestoreEnabled") ? "true" : "false");
    return out;
}

Result<int> run_info(Context& context, const Flags& flags) {
    const auto* engine = TRY(context.engine());
    const auto info = TRY(engine->info());
    if (const std::string format = flags.text("format"); !format.empty()) {
        TRY(context.print(TRY(render_document(format, info))));
        return 0;
    }
    TRY(context.print(concat("Client: Berth\n Version:    " BERTH_VERSION
                             "\n Context:    default\n\n",
                             info_text(info))));
    for (const auto& warning : codec::get_strings(info, "Warnings"))
        context.note(concat(warning, "\n"));
    return 0;
}

}  // namespace

Command info_command() {
    return {.name = "info",
            .summary = "Show what the engine is and has",
            .example = "berth info -f '{{.Driver}}'",
            .flags = {{.name = "format",
                       .letter = 'f',
                       .kind = FlagKind::Text,
                       .help = "json, or a Go template"}},
            .run = run_info};
}

}  // namespace berth::cli
