#include <chrono>

#include "base/clock.h"
#include "base/text.h"
#include "codec/json.h"
#include "runtime/command/command.h"
#include "sys/process.h"

namespace berth::runtime {
namespace {

codec::Json memory_of(const sys::CgroupStats& stats) {
    codec::Json raw = codec::Json::object();
    for (const auto& [key, value] : stats.memory) raw[key] = value;
    return {{"usage",
             {{"limit", stats.memory_limit},
              {"usage", stats.memory_usage},
              {"max", stats.memory_peak},
              {"failcnt", stats.memory_failures}}},
            {"swap", {{"usage", stats.swap_usage}}},
            {"raw", raw}};
}

codec::Json io_of(const sys::CgroupStats& stats) {
    codec::Json bytes = codec::Json::array();
    codec::Json operations = codec::Json::array();
    for (const auto& io : stats.io) {
        const auto add = [&](codec::Json& list, const char* op, std::uint64_t value) {
            list.push_back(
                {{"major", io.major}, {"minor", io.minor}, {"op", op}, {"value", value}});
        };
        add(bytes, "Read", io.read_bytes);
        add(bytes, "Write", io.write_bytes);
        add(operations, "Read", io.reads);
        add(operations, "Write", io.writes);
    }
    return {{"ioServiceBytesRecursive", bytes}, {"ioServicedRecursive", operations}};
}

codec::Json describe(const std::string& id, const sys::CgroupStats& stats) {
    codec::Json cpu = {{"usage",
                        {{"total", stats.cpu_total_ns},
                         {"percpu", stats.per_cpu_ns},
                         {"kernel", stats.cpu_system_ns},
                         {"user", stats.cpu_user_ns}}},
                       {"throttling",
                        {{"periods", stats.periods},
                         {"throttledPeriods", stats.throttled_periods},
                         {"throttledTime", stats.throttled_ns}}}};
    return {{"type", "stats"},
            {"id", id},
            {"data",
             {{"cpu", cpu},
              {"memory", memory_of(stats)},
              {"pids", {{"current", stats.pids}, {"limit", stats.pids_limit}}},
              {"blkio", io_of(stats)}}}};
}

}  // namespace

CommandResult events_command(const CommandContext& context) {
    static constexpr FlagSpec flags[] = {{"stats", 0, false}, {"interval", 0, true}};
    const Arguments arguments = TRY(parse_with_id(context, flags));
    const ContainerState state = TRY(context.store.load(arguments.positional()[0]));
    const auto interval = parse_duration(arguments.value("interval", "5s"));
    if (!interval || interval->count() <= 0)
        return fail(ErrorCode::InvalidArgument, "duration interval must be greater than 0");
    const auto cgroup = cgroup_of(state);
    if (TRY(context.store.status(state)) == ContainerStatus::Stopped || !cgroup)
        return fail(ErrorCode::Conflict, "container with id ", state.id, " is not running");
    const auto process = TRY(sys::Pidfd::open(state.pid));
    std::uint64_t oom_kills = 0;
    for (;;) {
        const auto stats = TRY(cgroup->stats());
        if (stats.oom_kills > oom_kills && !arguments.has("stats"))
            print(codec::dump_json({{"type", "oom"}, {"id", state.id}}) + "\n");
        oom_kills = stats.oom_kills;
        print(codec::dump_json(describe(state.id, stats)) + "\n");
        if (arguments.has("stats")) return 0;
        if (TRY(process.wait_exited(std::chrono::ceil<std::chrono::milliseconds>(*interval))))
            return 0;
    }
}

}  // namespace berth::runtime
