#include "container/why.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "container/program_check.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::container {
namespace {

WhyFacts ended(shim::Exited exited, std::int64_t limit = 0) {
    WhyFacts facts;
    facts.state.status = Status::Exited;
    facts.state.exit_code = exited.code;
    facts.last_exit = std::move(exited);
    facts.memory_limit = limit;
    return facts;
}

TEST(Why, NamesTheCauseOfAnEnd) {
    struct Case {
        WhyFacts facts;
        const char* cause;
        const char* words;
    };
    const Case cases[] = {
        {ended({.code = 0}), "finished", "code 0"},
        {ended({.code = 1}), "exited", "general error"},
        {ended({.code = 127}), "exited", "not found"},
        {ended({.code = 137, .signal = SIGKILL}), "signal", "from outside by SIGKILL"},
        {ended({.code = 139, .signal = SIGSEGV}), "signal", "crashed: SIGSEGV"},
        {ended({.code = 159, .signal = SIGSYS}), "signal", "seccomp"},
        {ended({.code = 137, .signal = SIGKILL, .signal_was_ours = true}), "killed",
         "on request with SIGKILL"},
        {ended({.code = 137,
                .signal = SIGKILL,
                .signal_was_ours = true,
                .stop_outcome = shim::StopOutcome::NoHandler,
                .stop_signal = SIGTERM}),
         "stop-no-handler", "no handler for SIGTERM"},
        {ended({.code = 137,
                .signal = SIGKILL,
                .signal_was_ours = true,
                .stop_outcome = shim::StopOutcome::TimedOut,
                .stop_signal = SIGTERM,
                .stop_waited = 10'000'000'000}),
         "stop-timeout", "within 10 s after SIGTERM"},
        {ended({.code = 3,
                .stop_outcome = shim::StopOutcome::Ended,
                .stop_signal = SIGINT,
                .stop_waited = 200'000'000}),
         "stopped", "0.2 s after SIGINT, with code 3"},
        {ended({.code = 137, .oom_killed = true, .signal = SIGKILL, .oom_victim = {4711, "node"}},
               2ll << 30),
         "out-of-memory", "node (pid 4711 of the host) at its limit of 2 GiB"},
        {ended({.code = 1, .oom_killed = true}, 6 << 20), "out-of-memory",
         "then exited with code 1"},
        {ended({.code = 0, .was_unhealthy = true}), "unhealthy", "health check failed"},
    };
    for (const Case& test : cases) {
        const Explanation got = explain(test.facts);
        EXPECT_EQ(got.cause, test.cause) << got.summary;
        EXPECT_NE(got.summary.find(test.words), std::string::npos) << got.summary;
    }
}

TEST(Why, ProcessorTimeAndSupervisorsAreCauses) {
    WhyFacts facts = ended({.code = 137, .signal = SIGKILL});
    facts.processor_limit = 5;
    EXPECT_NE(explain(facts).summary.find("5 s of processor time"), std::string::npos);
    facts.last_exit->signal_was_ours = true;
    EXPECT_EQ(explain(facts).cause, "killed");
    facts = {};
    facts.state.status = Status::Exited;
    facts.state.error = shim_died;
    EXPECT_EQ(explain(facts).cause, "engine-lost");
    EXPECT_NE(explain(facts).summary.find("shim process died"), std::string::npos);
}

TEST(Why, TellsACrashLoopAndItsNextStart) {
    WhyFacts facts =
        ended({.code = 1, .restarts = true, .restart_delay = 60'000'000'000, .failures_in_row = 7});
    facts.state.status = Status::Restarting;
    const Explanation got = explain(facts);
    EXPECT_EQ(got.cause, "crash-loop");
    EXPECT_NE(got.summary.find("7 ends in a row"), std::string::npos) << got.summary;
    EXPECT_NE(got.summary.find("in 60 s"), std::string::npos) << got.summary;
}

TEST(Why, TellsWhyAStartFailed) {
    WhyFacts facts;
    facts.state.error = "exec: no such file";
    EXPECT_EQ(explain(facts).cause, "start-failed");
    facts.program_problem = "/run.sh is a script for /bin/bash, which the image does not have";
    EXPECT_NE(explain(facts).summary.find("/bin/bash"), std::string::npos);
    EXPECT_EQ(explain({}).cause, "created");
}

TEST(ProgramHead, KnowsScripts) {
    EXPECT_EQ(read_program_head("#!/bin/bash -e\necho").interpreter, "/bin/bash");
    EXPECT_EQ(read_program_head("#! /usr/bin/env node\n").interpreter, "/usr/bin/env");
    const ProgramHead windows = read_program_head("#!/bin/sh\r\necho\r\n");
    EXPECT_TRUE(windows.has_carriage_return);
    EXPECT_EQ(windows.interpreter, "/bin/sh");
    EXPECT_EQ(read_program_head("hello").kind, ProgramHead::Kind::Unknown);
    EXPECT_EQ(read_program_head("").kind, ProgramHead::Kind::Unknown);
}

TEST(ProgramHead, ReadsOurOwn) {
    const auto self = sys::read_file("/proc/self/exe", 1 << 30);
    ASSERT_TRUE(self);
    const ProgramHead head = read_program_head(std::string_view(*self).substr(0, 8192));
    EXPECT_EQ(head.kind, ProgramHead::Kind::Elf);
    EXPECT_EQ(head.machine, host_machine());
    EXPECT_TRUE(head.interpreter.starts_with("/")) << head.interpreter;
}

TEST(ProgramProblem, IsFoundInARoot) {
    const auto directory = std::move(sys::TempDir::create()).value();
    const auto put = [&](const std::string& name, std::string_view text, mode_t mode) {
        const auto file = sys::open(concat(directory.path(), "/", name), O_WRONLY | O_CREAT, mode);
        ASSERT_TRUE(file);
        ASSERT_TRUE(sys::write_all(*file, text));
        ASSERT_TRUE(sys::fchmod(*file, mode));
    };
    put("script", "#!/bin/bash\n", 0755);
    put("windows", "#!/script\r\n", 0755);
    put("fine", "#!/script\n", 0755);
    put("plain", "hello", 0755);
    put("data", "#!/script\n", 0644);
    std::string foreign("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\xf3\0", 20);  // riscv
    put("foreign", foreign, 0755);
    const auto root = sys::open(directory.path(), O_PATH | O_DIRECTORY);
    const OpenInside inside = [&](const std::string& path, int flags) {
        return sys::open_in_root(*root, path, flags);
    };
    const std::pair<const char*, const char*> cases[] = {{"/script", "script for /bin/bash"},
                                                         {"/windows", "Windows line ends"},
                                                         {"plain", "neither a program"},
                                                         {"/data", "not executable"},
                                                         {"./foreign", "program for riscv"}};
    for (const auto& [program, words] : cases) {
        const auto problem = find_program_problem(inside, program, "/nowhere:/", "/");
        ASSERT_TRUE(problem) << program;
        EXPECT_NE(problem->find(words), std::string::npos) << *problem;
    }
    EXPECT_FALSE(find_program_problem(inside, "fine", "/", "/"));
    EXPECT_FALSE(find_program_problem(inside, "absent", "/", "/"));
}

}  // namespace
}  // namespace berth::container
