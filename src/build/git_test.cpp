#include "build/git.h"

#include <gtest/gtest.h>

namespace berth::build {
namespace {

TEST(GitUrl, TellsRepositoriesFromFiles) {
    for (const char* text :
         {"git://host/repo", "git@host:team/repo.git", "ssh://git@host/repo",
          "https://host/repo.git", "https://host/repo.git#main:api", "github.com/team/repo"})
        EXPECT_TRUE(is_git_url(text)) << text;
    for (const char* text : {"https://host/file.tar.gz", "https://host/a?b=.git", ".",
                             "./github.com/x", "https://host/x.git/file"})
        EXPECT_FALSE(is_git_url(text)) << text;
}

TEST(GitUrl, SplitsReferenceAndFolder) {
    const std::vector<std::pair<std::string, GitUrl>> cases{
        {"https://host/r.git", {"https://host/r.git", "", ""}},
        {"https://host/r.git#v1.0", {"https://host/r.git", "v1.0", ""}},
        {"https://host/r.git#feature/x:/api", {"https://host/r.git", "feature/x", "api"}},
        {"git@host:t/r.git#:api", {"git@host:t/r.git", "", "api"}},
        {"github.com/t/r", {"https://github.com/t/r", "", ""}},
    };
    for (const auto& [text, wanted] : cases) EXPECT_EQ(parse_git_url(text).value(), wanted) << text;
}

TEST(GitUrl, RefusesWhatCouldBeAnOptionOrLeadOut) {
    for (const char* text : {"https://h/r.git#--upload-pack=x", "https://h/r.git#a b",
                             "https://h/r.git#main:../x", "https://h/r.git#main:a/../../x"})
        EXPECT_TRUE(parse_git_url(text).is_error()) << text;
}

}  // namespace
}  // namespace berth::build
