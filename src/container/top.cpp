#include <pwd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "container/implementation_internal.h"
#include "sys/cgroup.h"
#include "sys/file.h"

// The processes of a container with the columns of ps(1), read from /proc: no ps is run.
namespace berth::container {
namespace {

struct Process {
    int pid = 0, parent = 0;
    std::uint32_t uid = 0;
    std::string user, command, name, terminal;
    std::uint64_t ticks = 0, start_ticks = 0;
    std::uint64_t virtual_bytes = 0, resident_pages = 0;
    char state = '?';
    long nice = 0, threads = 1;
};

std::string user_name(std::uint32_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    char buffer[4096];
    if (::getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found != nullptr)
        return found->pw_name;
    return std::to_string(uid);
}

std::string terminal_name(std::int64_t device) {
    const auto major = (device >> 8) & 0xFFF, minor = (device & 0xFF) | ((device >> 12) & 0xFFF00);
    if (major == 136) return concat("pts/", minor);
    if (major == 4) return concat("tty", minor);
    return "?";
}

// The user as the container knows it; one who comes from outside its user namespace stays the
// host's.
std::uint32_t own_id(std::uint32_t uid, const std::optional<UserIds>& ids) {
    return ids && uid >= ids->first && uid - ids->first < ids->count ? uid - ids->first : uid;
}

std::optional<Process> read_process(int pid, const std::optional<UserIds>& ids) {
    const std::string base = concat("/proc/", pid);
    const auto stat = sys::read_file(base + "/stat", 4096);
    const auto about = sys::stat(base);
    if (!stat || !about) return std::nullopt;
    // "pid (name) state ppid ...": the name may hold anything but ends at the last parenthesis.
    const std::size_t open = stat->find('('), close = stat->rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open)
        return std::nullopt;
    const std::vector<std::string> fields =
        split(trim(std::string_view(*stat).substr(close + 1)), ' ');
    if (fields.size() < 22) return std::nullopt;
    const auto number = [&](std::size_t i) { return parse_int(fields[i]).value_or(0); };
    Process out{
        .pid = pid, .parent = static_cast<int>(number(1)), .uid = own_id(about->st_uid, ids)};
    out.name = stat->substr(open + 1, close - open - 1);
    out.state = fields[0].empty() ? '?' : fields[0][0];
    out.terminal = terminal_name(number(4));
    out.ticks = static_cast<std::uint64_t>(number(11) + number(12));
    out.nice = static_cast<long>(number(16));
    out.threads = static_cast<long>(number(17));
    out.start_ticks = static_cast<std::uint64_t>(number(19));
    out.virtual_bytes = static_cast<std::uint64_t>(number(20));
    out.resident_pages = static_cast<std::uint64_t>(number(21));
    out.user = user_name(out.uid);
    out.command = sys::read_file(base + "/cmdline", 64 << 10).value_or("");
    while (out.command.ends_with('\0')) out.command.pop_back();
    std::ranges::replace(out.command, '\0', ' ');
    if (out.command.empty()) out.command = concat("[", out.name, "]");
    return out;
}

std::uint64_t uptime_ticks() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) *
           static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
}

time_t start_time(const Process& process) {
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    const std::uint64_t age =
        (uptime_ticks() - std::min(uptime_ticks(), process.start_ticks)) / ticks;
    return ::time(nullptr) - static_cast<time_t>(age);
}

std::string format(const char* pattern, time_t when) {
    tm parts{};
    ::localtime_r(&when, &parts);
    char buffer[64];
    return std::string(buffer, ::strftime(buffer, sizeof(buffer), pattern, &parts));
}

std::string cpu_time(const Process& process) {
    const std::uint64_t seconds =
        process.ticks / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    char buffer[32];
    std::snprintf(buffer, sizeof(buffer), "%02u:%02u:%02u",
                  static_cast<unsigned>(seconds / 3600 % 1000),
                  static_cast<unsigned>(seconds / 60 % 60), static_cast<unsigned>(seconds % 60));
    return buffer;
}

std::string percent(double value) {
    char buffer[32];
    std::snprintf(buffer, sizeof(buffer), "%.1f", value);
    return buffer;
}

double cpu_share(const Process& process) {
    const std::uint64_t age = uptime_ticks() - std::min(uptime_ticks(), process.start_ticks);
    return age == 0 ? 0.0 : 100.0 * static_cast<double>(process.ticks) / static_cast<double>(age);
}

double memory_share(const Process& process) {
    return 100.0 * static_cast<double>(process.resident_pages) /
           static_cast<double>(::sysconf(_SC_PHYS_PAGES));
}

std::string started(const Process& process) {
    const time_t when = start_time(process);
    constexpr time_t day = 86400;
    return format(::time(nullptr) - when < day ? "%H:%M" : "%b%d", when);
}

std::uint64_t resident_kib(const Process& process) {
    return process.resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

struct Column {
    const char* key;
    const char* title;
    std::string (*value)(const Process&);
};
// Those that -o can name; the fixed layouts below refer to them.
const std::vector<Column> columns{
    {"user", "USER", [](const Process& p) { return p.user; }},
    {"euser", "EUSER", [](const Process& p) { return p.user; }},
    {"uid", "UID", [](const Process& p) { return std::to_string(p.uid); }},
    {"pid", "PID", [](const Process& p) { return std::to_string(p.pid); }},
    {"ppid", "PPID", [](const Process& p) { return std::to_string(p.parent); }},
    {"c", "C",
     [](const Process& p) { return std::to_string(std::min(99, static_cast<int>(cpu_share(p)))); }},
    {"stime", "STIME", started},
    {"start", "START", started},
    {"tty", "TTY", [](const Process& p) { return p.terminal; }},
    {"tt", "TT", [](const Process& p) { return p.terminal; }},
    {"time", "TIME", cpu_time},
    {"cmd", "CMD", [](const Process& p) { return p.command; }},
    {"args", "COMMAND", [](const Process& p) { return p.command; }},
    {"command", "COMMAND", [](const Process& p) { return p.command; }},
    {"comm", "COMMAND", [](const Process& p) { return p.name; }},
    {"pcpu", "%CPU", [](const Process& p) { return percent(cpu_share(p)); }},
    {"%cpu", "%CPU", [](const Process& p) { return percent(cpu_share(p)); }},
    {"pmem", "%MEM", [](const Process& p) { return percent(memory_share(p)); }},
    {"%mem", "%MEM", [](const Process& p) { return percent(memory_share(p)); }},
    {"vsz", "VSZ", [](const Process& p) { return std::to_string(p.virtual_bytes / 1024); }},
    {"rss", "RSS", [](const Process& p) { return std::to_string(resident_kib(p)); }},
    {"stat", "STAT", [](const Process& p) { return std::string(1, p.state); }},
    {"s", "S", [](const Process& p) { return std::string(1, p.state); }},
    {"ni", "NI", [](const Process& p) { return std::to_string(p.nice); }},
    {"nlwp", "NLWP", [](const Process& p) { return std::to_string(p.threads); }}};

struct Chosen {
    const Column* column;
    std::string title;
};

Result<Chosen> find_column(const std::string& key, const std::string& title = {}) {
    for (const Column& column : columns) {
        if (key == column.key) return Chosen{&column, title.empty() ? column.title : title};
    }
    return fail(ErrorCode::InvalidArgument, "ps: error: unknown user-defined format specifier \"",
                key, "\"");
}

Result<std::vector<Chosen>> choose_columns(const std::string& arguments) {
    std::vector<std::pair<std::string, std::string>> keys;  // key, title
    const std::vector<std::string> words = split(arguments, ' ');
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string list;
        if (words[i] == "-o" || words[i] == "-eo" || words[i] == "o")
            list = i + 1 < words.size() ? words[++i] : "";
        else if (words[i].starts_with("-o"))
            list = words[i].substr(2);
        for (const std::string& entry : split(list, ',')) {
            const auto named = split_once(entry, '=');
            if (!entry.empty())
                keys.emplace_back(named ? named->first : entry, named ? named->second : "");
        }
    }
    if (keys.empty() && (arguments.find("aux") != arguments.npos || arguments == "u")) {
        for (const char* key : {"user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start",
                                "time", "command"})
            keys.emplace_back(key, "");
    }
    if (keys.empty()) {
        // ps -ef, Docker's default: its UID column shows names.
        keys = {{"user", "UID"}, {"pid", ""}, {"ppid", ""}, {"c", ""},
                {"stime", ""},   {"tty", ""}, {"time", ""}, {"cmd", ""}};
    }
    std::vector<Chosen> out;
    out.reserve(keys.size());
    for (const auto& [key, title] : keys) out.push_back(TRY(find_column(key, title)));
    return out;
}

}  // namespace

Result<TopResult> Containers::top(std::string_view key, const std::string& ps_arguments) const {
    const ContainerPtr container = TRY(implementation_->find(key));
    const State state = container->state();
    if (!is_alive(state.status))
        return fail(ErrorCode::Conflict, "container ", container->id, " is not running");
    if (state.status == Status::Restarting)
        return fail(ErrorCode::Conflict, "Container ", container->id,
                    " is restarting, wait until the container is running");
    const std::vector<Chosen> chosen = TRY(choose_columns(ps_arguments));
    const sys::CgroupLayout layout = TRY(sys::cgroup_layout());
    const auto spec = container->spec();
    const sys::Cgroup group =
        TRY(sys::Cgroup::open(layout, implementation_->cgroup_path(*container, *spec)));
    std::vector<pid_t> pids = TRY(group.processes());
    std::ranges::sort(pids);
    TopResult out;
    for (const Chosen& column : chosen) out.titles.push_back(column.title);
    for (const pid_t pid : pids) {
        const auto process = read_process(pid, spec->user_ids);
        if (!process) continue;  // ended in this moment
        std::vector<std::string>& row = out.processes.emplace_back();
        for (const Chosen& column : chosen) row.push_back(column.column->value(*process));
    }
    implementation_->emit(*container, "top");
    return out;
}

}  // namespace berth::container
