#include "daemon/changes.h"

#include "build/dockerfile/compile.h"
#include "build/dockerfile/parse.h"
#include "codec/json.h"
#include "oci/platform.h"

namespace berth::daemon {

namespace dockerfile = build::dockerfile;

namespace {
bool changes_configuration_only(const dockerfile::Body& body) {
    return !std::holds_alternative<dockerfile::Run>(body) &&
           !std::holds_alternative<dockerfile::Copy>(body) &&
           !std::holds_alternative<dockerfile::Arg>(body) &&
           !std::holds_alternative<dockerfile::Shell>(body) &&
           !std::holds_alternative<dockerfile::From>(body) &&
           !std::holds_alternative<dockerfile::Maintainer>(body);
}
}  // namespace

std::vector<std::string> changes_of(const http::Query& query) {
    std::vector<std::string> out;
    for (const auto& changes : query.all("changes"))
        for (const auto& line : split(changes, '\n'))
            if (!trim(line).empty()) out.emplace_back(trim(line));
    return out;
}

Result<std::string> config_of_changes(std::span<const std::string> changes) {
    std::string text = "FROM scratch\n";
    for (const auto& change : changes) text += change + "\n";
    const dockerfile::Source source("changes", text);
    const auto file = TRY(dockerfile::parse(source));
    for (const auto& stage : file.stages) {
        for (const auto& instruction : stage.instructions)
            if (!changes_configuration_only(instruction.body))
                return source.error(instruction.place, "not allowed among changes");
    }
    if (file.stages.size() != 1)
        return fail(ErrorCode::InvalidArgument, "FROM is not allowed among changes");
    dockerfile::CompileOptions options{.platform = oci::Platform::host(),
                                       .build_platform = oci::Platform::host()};
    const auto plan = TRY(dockerfile::compile(file, source, options));
    const auto config = TRY(codec::parse_json(plan.config.to_json()));
    const auto* run_config = codec::find_member(config, "config");
    return run_config ? codec::dump_json(*run_config) : std::string("{}");
}

}  // namespace berth::daemon
