#include "build/dockerfile/compile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "build/dockerfile/parse.h"

namespace berth::build::dockerfile {
namespace {

namespace fs = std::filesystem;
const fs::path testdata = fs::path(BERTH_TESTDATA);

std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return std::move(text).str();
}

/// Knows "base", "triggers" and "unused"; notes what was asked for.
struct Images {
    std::vector<std::string> asked;
    Result<ResolvedImage> resolve(const std::string& name, const oci::Platform& platform) {
        asked.push_back(name);
        ResolvedImage image{.reference = name, .manifest = oci::Digest::of(name), .config = {}};
        if (name.starts_with("missing")) return fail(ErrorCode::NotFound, "No such image: ", name);
        image.config.platform = platform;
        image.config.config.env = {"PATH=/bin", "FROM_BASE=yes"};
        image.config.config.cmd = {"sh"};
        if (name == "triggers")
            image.config.config.on_build = {"RUN triggered", "ENV FROM_TRIGGER=1"};
        return image;
    }
    CompileOptions options() {
        const oci::Platform platform{.os = "linux",
                                     .architecture = "amd64",
                                     .variant = {},
                                     .os_version = {},
                                     .os_features = {}};
        CompileOptions options;
        options.platform = options.build_platform = platform;
        options.resolve = [this](const std::string& name, const oci::Platform& wanted) {
            return resolve(name, wanted);
        };
        return options;
    }
};

Result<Plan> compile_text(const std::string& text, const CompileOptions& options) {
    const Source source("Dockerfile", text);
    const auto file = TRY(parse(source));
    return compile(file, source, options);
}

std::string describe(const Plan& plan) {
    std::string out = plan.graph.describe();
    out += concat("root #", plan.root, "\n\n");
    for (const auto& step : plan.steps)
        out += concat("step ", step.info.id, " line ", step.place.line,
                      step.info.metadata_only ? " (metadata) " : " ", step.info.name, "\n");
    out += "\n";
    for (const auto& item : plan.history)
        out += concat("history ",
                      item.vertex == no_vertex ? std::string("-") : concat("#", item.vertex), " ",
                      item.created_by, "\n");
    for (const auto& warning : plan.warnings)
        out += concat("warning ", warning.rule, " line ", warning.place.line, ": ", warning.message,
                      "\n");
    return out + "\n" + plan.config.to_json() + "\n";
}

// Each folder of testdata/plan compiles to the text in `expected`.
TEST(Compile, GoldenPlans) {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(testdata / "plan")) {
        Images images;
        const auto plan = compile_text(read(entry.path() / "Dockerfile"), images.options());
        ASSERT_TRUE(plan) << entry.path() << ": " << plan.error().message();
        const std::string text = describe(*plan);
        if (std::getenv("BERTH_ACCEPT")) std::ofstream(entry.path() / "expected") << text;
        EXPECT_EQ(text, read(entry.path() / "expected")) << entry.path();
        ++count;
    }
    EXPECT_GE(count, 7);
}

// Each file of testdata/invalid is refused with the text beside it.
TEST(Compile, EveryMistakeIsRefusedWithItsPlace) {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(testdata / "invalid")) {
        if (entry.path().extension() != ".Dockerfile") continue;
        Images images;
        const auto plan = compile_text(read(entry.path()), images.options());
        ASSERT_TRUE(plan.is_error()) << entry.path();
        const std::string text = plan.error().message() + "\n";
        fs::path want = entry.path();
        want.replace_extension(".want");
        if (std::getenv("BERTH_ACCEPT")) std::ofstream(want) << text;
        EXPECT_EQ(text, read(want)) << entry.path();
        ++count;
    }
    EXPECT_GE(count, 40);
}

TEST(Compile, LooksOnlyAtStagesThatTheTargetNeeds) {
    const std::string text = "FROM base AS a\nRUN one\nFROM missing AS b\nFROM a AS c\nRUN two\n";
    Images images;
    auto options = images.options();
    const auto plan = compile_text(text, options);
    ASSERT_TRUE(plan) << plan.error().message();
    EXPECT_EQ(images.asked, (std::vector<std::string>{"base"}));
    options.target = "A";
    const auto first = compile_text(text, options);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->history.size(), 1u);
    options.target = "cc";
    const auto unknown = compile_text(text, options);
    ASSERT_TRUE(unknown.is_error());
    EXPECT_NE(unknown.error().message().find("target stage \"cc\" could not be found"),
              std::string::npos);
}

TEST(Compile, ScopesArguments) {
    const std::string text =
        "ARG V=1\nARG UNUSED=2\nFROM base AS a\nARG V\nRUN a\nFROM a\nARG FROM_BASE=no\nARG "
        "TARGETARCH\nRUN b $V\n";
    Images images;
    auto options = images.options();
    options.args["V"] = "from the command line";
    options.args["HTTP_PROXY"] = "http://proxy";
    const auto plan = compile_text(text, options);
    ASSERT_TRUE(plan) << plan.error().message();
    const auto& exec = std::get<ExecOp>(plan->graph.at(plan->root).op);
    const auto has = [&](const std::string& line) {
        return std::ranges::find(exec.env, line) != exec.env.end();
    };
    EXPECT_TRUE(has("V=from the command line"))
        << "a stage inherits the arguments of the one it is FROM";
    EXPECT_TRUE(has("FROM_BASE=yes")) << "ENV beats ARG";
    EXPECT_TRUE(has("TARGETARCH=amd64"));
    EXPECT_FALSE(has("UNUSED=2")) << "global arguments must be declared in the stage";
    EXPECT_EQ(exec.ignored_env, (std::vector<std::string>{"HTTP_PROXY=http://proxy"}));
    EXPECT_EQ(plan->history.back().created_by.find("HTTP_PROXY"), std::string::npos);
    EXPECT_EQ(definition_of(plan->graph.at(plan->root).op).find("proxy"), std::string::npos);
}

TEST(Compile, NoCacheOfOneStageLeavesTheOthers) {
    Images images;
    auto options = images.options();
    options.no_cache_stages = {"a"};
    const auto plan =
        compile_text("FROM base AS a\nRUN one\nFROM base\nRUN two\nCOPY --from=a / /\n", options);
    ASSERT_TRUE(plan);
    for (std::size_t i = 0; i < plan->graph.size(); ++i) {
        const auto* exec = std::get_if<ExecOp>(&plan->graph.at(i).op);
        if (exec) {
            EXPECT_EQ(plan->graph.at(i).ignore_cache, exec->args.back() == "one");
        }
    }
}

}  // namespace
}  // namespace berth::build::dockerfile
