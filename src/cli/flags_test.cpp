#include "cli/flags.h"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/manual.h"

namespace berth::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Flag> flags = {{.name = "interactive", .letter = 'i'},
                                 {.name = "tty", .letter = 't'},
                                 {.name = "publish", .letter = 'p', .kind = FlagKind::List},
                                 {.name = "name", .kind = FlagKind::Text},
                                 {.name = "memory", .letter = 'm', .kind = FlagKind::Bytes},
                                 {.name = "sig-proxy", .help = "", .fallback = "true"},
                                 {.name = "network", .kind = FlagKind::List, .alias = "net"},
                                 {.name = "interval", .kind = FlagKind::Duration}};

Flags parse(std::vector<std::string> words, bool stop = false) {
    auto parsed = parse_flags(flags, words, stop);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message());
    return std::move(parsed).value();
}

std::string refusal(std::vector<std::string> words) {
    auto parsed = parse_flags(flags, words, false);
    EXPECT_FALSE(parsed);
    return parsed ? "" : parsed.error().message();
}

TEST(ParseFlags, ReadsEverySpellingThatDockerReads) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"-p", "80:80"},
                                                  {"-p80:80"},
                                                  {"-p=80:80"},
                                                  {"--publish", "80:80"},
                                                  {"--publish=80:80"}}) {
        EXPECT_THAT(parse(words).list("publish"), ElementsAre("80:80")) << words[0];
    }
    const auto together = parse({"-itp", "80:80", "image"});
    EXPECT_TRUE(together.is_set("interactive") && together.is_set("tty"));
    EXPECT_THAT(together.list("publish"), ElementsAre("80:80"));
    EXPECT_THAT(together.arguments(), ElementsAre("image"));
    EXPECT_THAT(parse({"--net", "a", "--network=b"}).list("network"), ElementsAre("a", "b"));
}

TEST(ParseFlags, StopsAtTheFirstWordOfTheContainersCommand) {
    EXPECT_THAT(parse({"-t", "image", "ls", "-i", "--name", "x"}, true).arguments(),
                ElementsAre("image", "ls", "-i", "--name", "x"));
    EXPECT_FALSE(parse({"image", "-i"}, true).is_set("interactive"));
    EXPECT_TRUE(parse({"image", "-i"}).is_set("interactive"));
    EXPECT_THAT(parse({"--", "-i", "--name"}).arguments(), ElementsAre("-i", "--name"));
}

TEST(ParseFlags, KnowsFallbacksAndSwitchedOffFlags) {
    EXPECT_TRUE(parse({}).is_set("sig-proxy"));
    EXPECT_FALSE(parse({}).has("sig-proxy"));
    EXPECT_FALSE(parse({"--sig-proxy=false"}).is_set("sig-proxy"));
    EXPECT_EQ(parse({"-m", "1.5g"}).bytes("memory"), 1610612736);
    EXPECT_EQ(parse({"--interval=1m30s"}).nanoseconds("interval"), 90'000'000'000);
    EXPECT_EQ(parse({"--name", "a", "--name", "b"}).text("name"), "b");
}

TEST(ParseFlags, SaysWhatIsWrong) {
    EXPECT_EQ(refusal({"--nmae", "x"}), "unknown flag: --nmae");
    EXPECT_EQ(refusal({"-x"}), "unknown shorthand flag: 'x'");
    EXPECT_EQ(refusal({"--name"}), "flag needs an argument: --name");
    EXPECT_THAT(refusal({"-m", "lots"}), HasSubstr("not a size"));
    EXPECT_THAT(refusal({"--tty=perhaps"}), HasSubstr("neither true nor false"));
    EXPECT_EQ(parse_flags(flags, std::vector<std::string>{"--nmae=x"}, false).error().hint(),
              "did you mean --name?");
}

// Walks the whole tree of commands.
void visit(const Command& command, const std::string& path,
           const std::function<void(const Command&, const std::string&)>& look) {
    look(command, path);
    for (const auto& child : command.children)
        visit(child, path + " " + std::string(child.name), look);
}

TEST(Commands, EachHasASummaryAnExampleAndHelp) {
    int count = 0;
    visit(root_command(), "berth", [&](const Command& command, const std::string& path) {
        EXPECT_FALSE(command.summary.empty()) << path;
        EXPECT_FALSE(command.summary.ends_with('.')) << path;
        EXPECT_NE(command.children.empty(), !command.run)
            << path << ": a group has no run, a verb has one";
        const std::string help = help_text(command, path);
        EXPECT_THAT(help, HasSubstr("Usage:  " + path)) << path;
        if (command.children.empty()) {
            ++count;
            EXPECT_FALSE(command.example.empty()) << path << " has no example";
            EXPECT_TRUE(command.example.starts_with("berth ")) << path;
            EXPECT_LE(command.least, command.most) << path;
        }
    });
    EXPECT_GT(count, 90);
}

TEST(Commands, NoTwoFlagsShareANameOrALetter) {
    visit(root_command(), "berth", [&](const Command& command, const std::string& path) {
        std::vector<std::string> seen;
        for (const Flag& flag : command.flags) {
            std::vector<std::string> names{std::string(flag.name)};
            if (flag.letter != 0) names.emplace_back(1, flag.letter);
            if (!flag.alias.empty()) names.emplace_back(flag.alias);
            for (const auto& name : names) {
                EXPECT_EQ(std::find(seen.begin(), seen.end(), name), seen.end())
                    << path << ": " << name;
                seen.push_back(name);
            }
            EXPECT_TRUE(flag.hidden || !flag.help.empty()) << path << " --" << flag.name;
        }
    });
}

TEST(Commands, ExamplesUseOnlyFlagsThatExist) {
    visit(root_command(), "berth", [&](const Command& command, const std::string& path) {
        for (const auto& line : split(command.example, '\n')) {
            for (const auto& word : split(line, ' ')) {
                if (!word.starts_with("--") || word.size() < 3) continue;
                const std::string name = word.substr(2, word.find('=') - 2);
                const bool known =
                    std::any_of(command.flags.begin(), command.flags.end(),
                                [&](const Flag& f) { return f.name == name || f.alias == name; });
                EXPECT_TRUE(known || path.starts_with("berth compose") || path == "berth exec")
                    << path << ": " << line;
            }
        }
    });
}

TEST(Manual, NamesEveryCommand) {
    const std::string page = man_page(root_command(), "berth");
    const std::string bash = completion_script(root_command(), "bash");
    visit(root_command(), "berth", [&](const Command& command, const std::string& path) {
        if (command.hidden || path == "berth") return;
        EXPECT_THAT(page, HasSubstr(".SS " + replace_all(path, "-", "\\-"))) << path;
        EXPECT_THAT(bash, HasSubstr("path='" + path.substr(5) + "'")) << path;
    });
    EXPECT_NE(completion_script(root_command(), "zsh"), "");
    EXPECT_NE(completion_script(root_command(), "fish"), "");
    EXPECT_EQ(completion_script(root_command(), "csh"), "");
}

}  // namespace
}  // namespace berth::cli
