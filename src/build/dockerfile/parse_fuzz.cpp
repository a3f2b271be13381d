#include <cstdint>
#include <string>

#include "base/assert.h"
#include "build/dockerfile/compile.h"
#include "build/dockerfile/parse.h"

// Whatever is accepted has stages whose instructions stand in the file, and compiles or is refused,
// but never more.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth::build::dockerfile;
    const Source source("Dockerfile", std::string(reinterpret_cast<const char*>(data), size));
    const auto file = parse(source);
    if (!file) return 0;
    BERTH_ASSERT(!file->stages.empty());
    for (const auto& stage : file->stages) {
        for (const auto& instruction : stage.instructions) {
            BERTH_ASSERT(instruction.place.line >= 1);
            BERTH_ASSERT(static_cast<std::size_t>(instruction.place.line) <= source.line_count());
        }
    }
    CompileOptions options;
    options.platform = options.build_platform = {
        .os = "linux", .architecture = "amd64", .variant = {}, .os_version = {}, .os_features = {}};
    options.resolve = [](const std::string& name,
                         const berth::oci::Platform&) -> berth::Result<ResolvedImage> {
        return ResolvedImage{
            .reference = name, .manifest = berth::oci::Digest::of(name), .config = {}};
    };
    const auto plan = compile(*file, source, options);
    if (!plan) return 0;
    // Inputs come first, so that there can be no cycle.
    for (std::size_t i = 0; i < plan->graph.size(); ++i) {
        BERTH_ASSERT(plan->graph.at(i).step < plan->steps.size() || plan->steps.empty());
        for (const auto input : plan->graph.at(i).inputs) BERTH_ASSERT(input < i);
    }
    return 0;
}
