#include "build/progress.h"

#include <gtest/gtest.h>

namespace berth::build {
namespace {

Progress plan() {
    return {.kind = ProgressKind::Plan,
            .steps = {{.id = 0, .name = "[internal] load build context"},
                      {.id = 1, .name = "[1/3] FROM base", .instruction = "FROM base"},
                      {.id = 2, .name = "ENV a=b", .instruction = "ENV a=b", .metadata_only = true},
                      {.id = 3, .name = "[2/3] RUN one", .instruction = "RUN one"},
                      {.id = 4, .name = "[3/3] RUN two", .instruction = "RUN two"}}};
}

// Whatever the order of events, the text has the order of the file.
TEST(ClassicOutput, ShowsParallelStepsOneAfterTheOther) {
    std::string text;
    ClassicOutput output([&](std::string_view part) { text += part; });
    output(plan());
    output({.kind = ProgressKind::Started, .step = 4});
    output({.kind = ProgressKind::Output, .step = 4, .text = "second\n"});
    output({.kind = ProgressKind::Finished, .step = 4, .result = "222"});
    EXPECT_EQ(text, "Step 1/4 : FROM base\n");
    output({.kind = ProgressKind::Finished, .step = 1, .result = "000"});
    output({.kind = ProgressKind::Output, .step = 3, .text = "first\n"});
    output({.kind = ProgressKind::Cached, .step = 3, .result = "111"});
    EXPECT_EQ(text,
              "Step 1/4 : FROM base\n ---> 000\nStep 2/4 : ENV a=b\nStep 3/4 : RUN one\nfirst\n "
              "---> Using cache\n ---> 111\n"
              "Step 4/4 : RUN two\nsecond\n ---> 222\n");
}

TEST(ClassicOutput, ShowsAFailedStepEvenWhenAnEarlierOneRuns) {
    std::string text;
    ClassicOutput output([&](std::string_view part) { text += part; });
    output(plan());
    output({.kind = ProgressKind::Output, .step = 4, .text = "oops\n"});
    output({.kind = ProgressKind::Failed, .step = 4, .text = "exit code: 1"});
    EXPECT_EQ(text, "Step 1/4 : FROM base\nStep 4/4 : RUN two\noops\n");
}

}  // namespace
}  // namespace berth::build
