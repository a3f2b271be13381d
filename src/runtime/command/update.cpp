#include <unistd.h>

#include "base/text.h"
#include "runtime/command/command.h"
#include "runtime/launch.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr FlagSpec update_flags[] = {
    {"resources", 'r', true},   {"memory", 0, true},         {"memory-reservation", 0, true},
    {"memory-swap", 0, true},   {"cpu-shares", 0, true},     {"cpu-share", 0, true},
    {"cpu-quota", 0, true},     {"cpu-period", 0, true},     {"cpu-burst", 0, true},
    {"cpu-rt-period", 0, true}, {"cpu-rt-runtime", 0, true}, {"cpu-idle", 0, true},
    {"cpuset-cpus", 0, true},   {"cpuset-mems", 0, true},    {"pids-limit", 0, true},
    {"blkio-weight", 0, true},  {"kernel-memory", 0, true},  {"kernel-memory-tcp", 0, true}};

// "512m" -> bytes; -1 stays.
std::optional<std::int64_t> parse_size(std::string_view text) {
    if (const auto plain = parse_int(text)) return plain;
    constexpr std::string_view units = "bkmgtp";
    std::string lower = to_lower(text);
    if (lower.ends_with("ib"))
        lower.resize(lower.size() - 2);
    else if (lower.size() > 2 && lower.ends_with('b'))
        lower.pop_back();
    if (lower.empty()) return std::nullopt;
    const auto power = units.find(lower.back());
    const auto number = parse_int(std::string_view(lower).substr(0, lower.size() - 1));
    if (power == std::string_view::npos || !number ||
        *number > (std::int64_t(1) << 62 >> 10 * power))
        return std::nullopt;
    return *number << 10 * power;
}

class Reader {
public:
    explicit Reader(const Arguments& arguments) : arguments_(arguments) {}
    template <typename T>
    void size(std::string_view flag, std::optional<T>& out) {
        read(flag, out, parse_size(arguments_.value(flag)));
    }
    template <typename T>
    void number(std::string_view flag, std::optional<T>& out) {
        read(flag, out, parse_int(arguments_.value(flag)));
    }
    Result<> finish() && {
        if (wrong_.empty()) return {};
        return fail(ErrorCode::InvalidArgument, "invalid value for ", wrong_, ": ",
                    arguments_.value(wrong_));
    }

private:
    template <typename T>
    void read(std::string_view flag, std::optional<T>& out, std::optional<std::int64_t> parsed) {
        if (!arguments_.has(flag)) return;
        if (!parsed || !std::in_range<T>(*parsed)) {
            wrong_ = flag;
        } else {
            out = static_cast<T>(*parsed);
        }
    }
    const Arguments& arguments_;
    std::string wrong_;
};

Result<oci::RuntimeResources> resources_of(const Arguments& arguments) {
    if (arguments.has("resources")) {
        const std::string path = arguments.value("resources");
        if (path != "-") return oci::parse_runtime_resources(TRY(sys::read_file(path)));
        return oci::parse_runtime_resources(TRY(sys::read_all(STDIN_FILENO, 1 << 20)));
    }
    oci::RuntimeResources resources;
    Reader reader(arguments);
    reader.size("memory", resources.memory.limit);
    reader.size("memory-reservation", resources.memory.reservation);
    reader.size("memory-swap", resources.memory.swap);
    reader.size("kernel-memory-tcp", resources.memory.kernel_tcp);
    reader.number("cpu-share", resources.cpu.shares);
    reader.number("cpu-shares", resources.cpu.shares);
    reader.number("cpu-quota", resources.cpu.quota);
    reader.number("cpu-period", resources.cpu.period);
    reader.number("cpu-burst", resources.cpu.burst);
    reader.number("cpu-rt-period", resources.cpu.realtime_period);
    reader.number("cpu-rt-runtime", resources.cpu.realtime_runtime);
    reader.number("cpu-idle", resources.cpu.idle);
    reader.number("pids-limit", resources.pids_limit);
    reader.number("blkio-weight", resources.block_io.weight);
    resources.cpu.cpus = arguments.value("cpuset-cpus");
    resources.cpu.mems = arguments.value("cpuset-mems");
    TRY(std::move(reader).finish());
    return resources;
}

}  // namespace

CommandResult update_command(const CommandContext& context) {
    const Arguments arguments = TRY(parse_with_id(context, update_flags));
    const ContainerState state = TRY(context.store.load(arguments.positional()[0]));
    const auto resources = TRY(resources_of(arguments));
    const auto cgroup = cgroup_of(state);
    if (TRY(context.store.status(state)) == ContainerStatus::Stopped || !cgroup)
        return fail(ErrorCode::Conflict, "container not running");
    TRY(apply_resources(*cgroup, resources));
    return 0;
}

}  // namespace berth::runtime
