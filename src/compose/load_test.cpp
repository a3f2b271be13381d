#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "compose/project.h"

namespace berth::compose {
namespace {

namespace fs = std::filesystem;
const fs::path cases = fs::path(BERTH_TESTDATA) / "load";

std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return std::move(text).str();
}

LoadOptions options_for(const std::string& directory) {
    LoadOptions options;
    options.working_dir = directory;
    options.environment = {{"FROM_SHELL", "yes"}, {"HOME", "/home/me"}};
    return options;
}

// The canonical project equals `expected.yaml`, with the folder written as $DIR.
TEST(Load, GoldenProjects) {
    for (const std::string name : {"basic", "merge", "extends"}) {
        const auto project = load_project(options_for((cases / name).string()));
        ASSERT_TRUE(project) << name << ": " << project.error().message();
        const std::string text = replace_all(to_yaml(*project), (cases / name).string(), "$DIR");
        if (std::getenv("BERTH_ACCEPT")) std::ofstream(cases / name / "expected.yaml") << text;
        EXPECT_EQ(text, read(cases / name / "expected.yaml")) << name;
    }
}

TEST(Load, EveryMistakeIsRefusedWithItsPlace) {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(cases / "invalid")) {
        if (entry.path().extension() != ".yaml") continue;
        ++count;
        LoadOptions options = options_for((cases / "invalid").string());
        options.files = {entry.path().string()};
        const auto project = load_project(options);
        ASSERT_TRUE(project.is_error()) << entry.path();
        const std::string message = project.error().message();
        EXPECT_NE(message.find(read(fs::path(entry.path()).replace_extension(".want"))),
                  std::string::npos)
            << message;
        EXPECT_NE(message.find(entry.path().filename().string() + ":"), std::string::npos)
            << message;
        EXPECT_NE(message.find('^'), std::string::npos) << message;
    }
    EXPECT_GE(count, 14);
}

TEST(Load, ProfilesEnableServices) {
    LoadOptions options = options_for((cases / "basic").string());
    auto project = load_project(options);
    ASSERT_TRUE(project);
    EXPECT_FALSE(project->find_service("admin"));
    EXPECT_EQ(project->disabled.size(), 1u);
    options.profiles = {"tools"};
    EXPECT_TRUE(load_project(options)->find_service("admin"));
    options.profiles = {};
    options.services = {"admin"};
    EXPECT_TRUE(load_project(options)->find_service("admin"));
}

TEST(Load, OrderFollowsDependencies) {
    const auto project = load_project(options_for((cases / "basic").string()));
    std::string order;
    for (const Service* service : in_dependency_order(*project)) order += service->name + " ";
    EXPECT_EQ(order, "db migrate api ");
    const auto only = select_services(*project, {"migrate"}, true);
    ASSERT_TRUE(only);
    EXPECT_EQ(only->services.size(), 2u);
    EXPECT_EQ(select_services(*project, {"apu"}, true).error().hint(), "did you mean \"api\"?");
}

TEST(Load, NoFileSaysWhatToDo) {
    LoadOptions options = options_for("/proc/self");
    const auto project = load_project(options);
    ASSERT_TRUE(project.is_error());
    EXPECT_EQ(project.error().code(), ErrorCode::NotFound);
    EXPECT_FALSE(project.error().hint().empty());
}

}  // namespace
}  // namespace berth::compose
