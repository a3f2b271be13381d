#include "container/why.h"

#include <signal.h>

#include <cstdio>

#include "base/text.h"
#include "sys/signal.h"

namespace berth::container {
namespace {

// So many ends in a row, without a run of ten seconds between, are a loop.
constexpr int crash_loop_failures = 3;

std::string seconds_text(std::int64_t nanoseconds) {
    char buffer[32];
    const double seconds = static_cast<double>(nanoseconds) / 1e9;
    std::snprintf(buffer, sizeof(buffer), seconds < 10 ? "%.1f s" : "%.0f s", seconds);
    return buffer;
}

std::string bytes_text(std::int64_t bytes) {
    constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    unsigned unit = 0;
    while (value >= 1024 && unit < 4) value /= 1024, ++unit;
    char buffer[32];
    std::snprintf(
        buffer, sizeof(buffer),
        value == static_cast<double>(static_cast<std::int64_t>(value)) ? "%.0f %s" : "%.1f %s",
        value, units[unit]);
    return buffer;
}

std::string first_line(std::string_view text) {
    text = trim(text);
    return std::string(text.substr(0, text.find('\n')));
}

std::string last_probe(const Health& health) {
    if (health.log.empty()) return {};
    const HealthProbe& last = health.log.back();
    return last.output.empty() ? concat("exit code ", last.exit_code) : first_line(last.output);
}

void explain_memory(const WhyFacts& facts, const shim::Exited& last, Explanation& out) {
    out.cause = "out-of-memory";
    out.oom_process = last.oom_victim.name;
    out.oom_pid = last.oom_victim.pid;
    const std::string victim = last.oom_victim.name.empty()
                                   ? "a process of it"
                                   : concat("its process ", last.oom_victim.name, " (pid ",
                                            last.oom_victim.pid, " of the host)");
    const std::string limit = facts.memory_limit > 0
                                  ? concat("at its limit of ", bytes_text(facts.memory_limit))
                                  : "when the memory of the host ran out";
    out.summary = concat("out of memory: the kernel killed ", victim, " ", limit);
    // The victim may have been a child; the container then ended by itself.
    if (last.signal != SIGKILL)
        out.summary += concat("; the container then exited with code ", last.code);
    out.hint = facts.memory_limit > 0 ? "raise --memory, or make the program use less"
                                      : "give containers a limit with --memory";
}

void explain_stop(const shim::Exited& last, Explanation& out) {
    const std::string signal = sys::signal_name(last.stop_signal);
    const std::string took = seconds_text(last.stop_waited);
    switch (last.stop_outcome) {
        case shim::StopOutcome::None:
            out.cause = "killed";
            out.summary = concat("killed on request with ", sys::signal_name(last.signal));
            break;
        case shim::StopOutcome::Ended:
            out.cause = "stopped";
            out.summary = concat("stopped on request: it ended ", took, " after ", signal,
                                 ", with code ", last.code);
            break;
        case shim::StopOutcome::NoHandler:
            out.cause = "stop-no-handler";
            out.summary = concat("stopped on request: its process 1 has no handler for ", signal,
                                 ", so it was killed at once");
            out.hint =
                "run it with --init, or in exec form (no shell in front), or handle the signal, to "
                "let it end in order";
            break;
        case shim::StopOutcome::TimedOut:
            out.cause = "stop-timeout";
            out.summary = concat("stopped on request: it did not end within ", took, " after ",
                                 signal, ", and was killed");
            out.hint = "give it more time with --stop-timeout, or make it end sooner";
            break;
    }
}

void explain_signal(const WhyFacts& facts, const shim::Exited& last, Explanation& out) {
    out.cause = "signal";
    const std::string name = sys::signal_name(last.signal);
    if (last.signal == SIGKILL && facts.processor_limit > 0) {
        out.summary =
            concat("killed by SIGKILL, as the kernel does when the ", facts.processor_limit,
                   " s of processor time of --ulimit cpu are used up");
        out.hint = "raise --ulimit cpu; if it did not use that much, somebody on the host sent it";
        return;
    }
    switch (last.signal) {
        case SIGSEGV:
        case SIGBUS:
        case SIGILL:
        case SIGFPE:
        case SIGABRT:
        case SIGTRAP:
            out.summary = concat("the program crashed: ", name, " (",
                                 exit_code_meaning(128 + last.signal), ")");
            return;
        case SIGSYS:
            out.summary =
                "the program was killed by SIGSYS: a seccomp profile does not allow a system call "
                "that it made";
            return;
        case SIGXCPU:
        case SIGXFSZ:
            out.summary =
                concat("the program was killed by ", name, ": it hit a limit set with --ulimit");
            return;
        default:
            out.summary = concat("killed from outside by ", name, ": Berth did not send it");
            out.hint =
                "look for who did on the host: an operator, a supervisor, or the kernel's log";
    }
}

void explain_exit_code(int code, Explanation& out) {
    out.cause = code == 0 ? "finished" : "exited";
    const std::string meaning = exit_code_meaning(code);
    out.summary = code == 0 ? "it finished by itself, with code 0"
                            : concat("it exited by itself with code ", code);
    if (code != 0 && !meaning.empty()) out.summary += concat(" (", meaning, ")");
}

void explain_end(const WhyFacts& facts, const shim::Exited& last, Explanation& out) {
    out.exit_code = last.code;
    out.signal = last.signal;
    if (!last.error.empty()) {
        out.cause = "start-failed";
        out.summary = concat("it could not be started again: ", last.error);
    } else if (last.oom_killed) {
        explain_memory(facts, last, out);
    } else if (last.was_unhealthy) {
        out.cause = "unhealthy";
        out.summary = concat("its restart policy stopped it because its health check failed: ",
                             last_probe(facts.state.health));
    } else if (last.stop_outcome != shim::StopOutcome::None ||
               (last.signal != 0 && last.signal_was_ours)) {
        explain_stop(last, out);
    } else if (last.signal != 0) {
        explain_signal(facts, last, out);
    } else {
        explain_exit_code(last.code, out);
    }
}

void explain_failed_start(const WhyFacts& facts, Explanation& out) {
    out.cause = "start-failed";
    out.exit_code = facts.state.exit_code;
    out.summary =
        concat("it could not be started: ", facts.program_problem.value_or(facts.state.error));
}

// While it waits for its next start.
void explain_restarting(const WhyFacts& facts, Explanation& out) {
    if (!facts.last_exit) {
        out.cause = "restarting";
        out.summary = "it is about to be started again";
        return;
    }
    const shim::Exited& last = *facts.last_exit;
    explain_end(facts, last, out);
    const bool loops = last.failures_in_row >= crash_loop_failures;
    const std::int64_t due =
        last.finished_at + last.restart_delay - facts.now.time_since_epoch().count();
    const std::string next = due > 0 ? concat("the next start is in ", seconds_text(due))
                                     : std::string("it is about to be started again");
    if (loops) out.cause = "crash-loop";
    out.summary = loops ? concat("crash loop: ", last.failures_in_row,
                                 " ends in a row, the last: ", out.summary, "; ", next)
                        : concat(out.summary, "; ", next);
}

void explain_running(const WhyFacts& facts, Explanation& out) {
    const State& state = facts.state;
    out.cause = state.status == Status::Paused ? "paused" : "running";
    out.summary = state.status == Status::Paused
                      ? "it is paused; unpause lets it go on"
                      : concat("it runs, since ", to_rfc3339(state.started_at));
    if (state.health.status == "unhealthy") {
        out.cause = "unhealthy";
        out.summary =
            concat("it runs but is unhealthy: ", state.health.failing_streak,
                   " health checks in a row failed, the last: ", last_probe(state.health));
    }
    if (state.restart_count > 0 && facts.last_exit) {
        Explanation before;
        explain_end(facts, *facts.last_exit, before);
        out.summary += concat("; it was restarted ", state.restart_count,
                              " times, the last end: ", before.summary);
    }
}

}  // namespace

std::string exit_code_meaning(int code) {
    switch (code) {
        case 1: return "a general error of the program";
        case 2: return "usually wrong arguments, or a shell's syntax error";
        case 125: return "the container could not be made";
        case 126: return "the command was found but could not be executed";
        case 127: return "the command was not found, in the image or by its shell";
        case 128: return "invalid exit code, or it could not be started";
        case 130: return "SIGINT: interrupted, as by Ctrl-C";
        case 134: return "SIGABRT: the program gave up, as after a failed assertion";
        case 136: return "SIGFPE: an arithmetic error, such as a division by zero";
        case 137: return "SIGKILL: killed, often for want of memory or after a stop";
        case 139: return "SIGSEGV: it touched memory that is not its own";
        case 143: return "SIGTERM: told to end";
        case 255: return "often -1 of the program, or it was lost with its supervisor";
        default: break;
    }
    if (code > 128 && code < 128 + SIGRTMAX) return sys::signal_name(code - 128);
    return {};
}

Explanation explain(const WhyFacts& facts) {
    const bool lost_its_shim = facts.state.error == shim_died;
    Explanation out;
    out.exit_code = facts.state.exit_code;
    out.memory_limit = facts.memory_limit;
    switch (facts.state.status) {
        case Status::Created:
            if (!facts.state.error.empty()) {
                explain_failed_start(facts, out);
            } else {
                out.cause = "created";
                out.summary = "it was created and never started";
            }
            break;
        case Status::Running:
        case Status::Paused: explain_running(facts, out); break;
        case Status::Restarting: explain_restarting(facts, out); break;
        case Status::Removing:
        case Status::Dead:
            out.cause = "removing";
            out.summary = "it is being removed";
            break;
        case Status::Exited:
            if (!facts.state.error.empty() && !facts.last_exit && !lost_its_shim) {
                explain_failed_start(facts, out);
            } else if (facts.last_exit) {
                explain_end(facts, *facts.last_exit, out);
            } else {
                out.cause = "engine-lost";
                if (lost_its_shim) {
                    out.summary = concat("it was ended from outside: ", facts.state.error);
                    out.hint = "look for who killed berth-shim: an operator, or the kernel's log";
                    break;
                }
                out.summary = concat("it ended with code ", facts.state.exit_code,
                                     " while nothing watched it: the machine was switched off, or "
                                     "its shim was killed");
            }
            break;
    }
    return out;
}

}  // namespace berth::container
