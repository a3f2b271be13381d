#include <array>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/interrupt.h"
#include "cli/output/rows.h"
#include "cli/units.h"

namespace berth::cli {

namespace {

using codec::find_member;
using codec::get_int;
using codec::Json;

const Json& member(const Json& json, std::string_view name) {
    static const Json empty = Json::object();
    const auto* found = find_member(json, name);
    return found != nullptr ? *found : empty;
}

std::string percent(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f%%", value);
    return text.data();
}

// The share of all CPUs' time since the sample before, in hundredths of one CPU.
double cpu_percent(const Json& sample) {
    const Json& now = member(sample, "cpu_stats");
    const Json& before = member(sample, "precpu_stats");
    const auto used = static_cast<double>(get_int(member(now, "cpu_usage"), "total_usage") -
                                          get_int(member(before, "cpu_usage"), "total_usage"));
    const auto passed =
        static_cast<double>(get_int(now, "system_cpu_usage") - get_int(before, "system_cpu_usage"));
    const auto cpus = static_cast<double>(std::max<std::int64_t>(get_int(now, "online_cpus"), 1));
    return used > 0 && passed > 0 ? used / passed * cpus * 100 : 0;
}

// What is in use without the page cache that the kernel would give back first.
std::int64_t memory_used(const Json& memory) {
    const Json& stats = member(memory, "stats");
    std::int64_t cache = get_int(stats, "total_inactive_file");
    if (cache == 0) cache = get_int(stats, "inactive_file");
    const std::int64_t usage = get_int(memory, "usage");
    return cache < usage ? usage - cache : usage;
}

Row stats_row(const Json& sample, const std::string& name, bool full) {
    const Json& memory = member(sample, "memory_stats");
    const auto used = static_cast<double>(memory_used(memory)),
               limit = static_cast<double>(get_int(memory, "limit"));
    double received = 0, sent = 0, read = 0, written = 0;
    for (const auto& network : member(sample, "networks")) {
        received += static_cast<double>(get_int(network, "rx_bytes"));
        sent += static_cast<double>(get_int(network, "tx_bytes"));
    }
    for (const auto& entry : member(member(sample, "blkio_stats"), "io_service_bytes_recursive")) {
        const std::string operation = to_lower(codec::get_string(entry, "op"));
        if (operation == "read") read += static_cast<double>(get_int(entry, "value"));
        if (operation == "write") written += static_cast<double>(get_int(entry, "value"));
    }
    std::string shown = codec::get_string(sample, "name", name);
    if (shown.starts_with('/')) shown.erase(0, 1);
    const std::string id = codec::get_string(sample, "id", name);
    Row row;
    row.fields["BlockIO"] = concat(human_size(read), " / ", human_size(written));
    row.fields["CPUPerc"] = percent(cpu_percent(sample));
    row.fields["Container"] = short_id(name, full);
    row.fields["ID"] = short_id(id, full);
    row.fields["MemPerc"] = percent(limit > 0 ? used / limit * 100 : 0);
    row.fields["MemUsage"] = concat(binary_size(used), " / ", binary_size(limit));
    row.fields["Name"] = shown;
    row.fields["NetIO"] = concat(human_size(received), " / ", human_size(sent));
    row.fields["PIDs"] = concat(get_int(member(sample, "pids_stats"), "current"));
    return row;
}

ListView view() {
    return {.table =
                "table "
                "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{."
                "BlockIO}}\t{{."
                "PIDs}}",
            .headings = {{"ID", "CONTAINER ID"},
                         {"Container", "CONTAINER"},
                         {"Name", "NAME"},
                         {"CPUPerc", "CPU %"},
                         {"MemUsage", "MEM USAGE / LIMIT"},
                         {"MemPerc", "MEM %"},
                         {"NetIO", "NET I/O"},
                         {"BlockIO", "BLOCK I/O"},
                         {"PIDs", "PIDS"}}};
}

struct Board {
    std::mutex mutex;
    std::vector<std::string> names;
    std::map<std::string, Json> samples;
    std::map<std::string, std::string> problems;
    std::size_t ended = 0;
};

bool all_ended(Board& board) {
    const std::lock_guard lock(board.mutex);
    return board.ended == board.names.size() && !board.names.empty();
}

Result<std::vector<std::string>> running_names(const client::Client& engine, bool all) {
    const auto containers = TRY(engine.list_containers({.all = all}));
    std::vector<std::string> names;
    for (const auto& container : containers) names.push_back(codec::get_string(container, "Id"));
    return names;
}

Result<std::string> render(Board& board, const Flags& flags) {
    const std::lock_guard lock(board.mutex);
    std::vector<Row> rows;
    for (const auto& name : board.names) {
        const auto sample = board.samples.find(name);
        if (sample != board.samples.end())
            rows.push_back(stats_row(sample->second, name, flags.is_set("no-trunc")));
    }
    return render_list(view(), flags.text("format"), rows);
}

Result<int> run_stats(Context& context, const Flags& flags) {
    Interrupt interrupt;
    const auto* engine = TRY(context.engine());
    const bool once = flags.is_set("no-stream");
    // A terminal shows one table in place; a file or a pipe gets one after the other.
    const std::string_view clear = context.is_output_terminal() ? "\x1b[2J\x1b[H" : "";
    Board board;
    board.names = flags.arguments();
    if (board.names.empty()) board.names = TRY(running_names(*engine, flags.is_set("all")));
    std::vector<std::jthread> readers;
    for (const auto& name : board.names) {
        readers.emplace_back([&, name] {
            auto outcome = engine->stats(
                name, once,
                [&](const Json& sample) -> Result<> {
                    const std::lock_guard lock(board.mutex);
                    board.samples[name] = sample;
                    return {};
                },
                interrupt.token());
            const std::lock_guard lock(board.mutex);
            ++board.ended;
            if (!outcome && !outcome.error().is(ErrorCode::Cancelled))
                board.problems[name] = outcome.error().message();
        });
    }
    if (!once) {
        // Each turn shows the newest samples, which come once a second.
        std::mutex mutex;
        std::condition_variable_any turn;
        std::unique_lock lock(mutex);
        while (!interrupt.is_requested()) {
            turn.wait_for(lock, interrupt.token(), std::chrono::milliseconds(500),
                          [] { return false; });
            if (interrupt.is_requested() || all_ended(board)) break;
            TRY(context.print(concat(clear, TRY(render(board, flags)))));
        }
    }
    readers.clear();
    if (interrupt.is_requested()) return Interrupt::exit_code();
    for (const auto& [name, problem] : board.problems)
        context.note(concat("berth: ", problem, "\n"));
    if (once) TRY(context.print(TRY(render(board, flags))));
    return board.problems.empty() ? 0 : 1;
}

}  // namespace

Command stats_command() {
    return {.name = "stats",
            .arguments = "[CONTAINER...]",
            .summary = "Show what containers use of CPU, memory, network and disk",
            .example = "berth stats --no-stream",
            .flags = {{.name = "all", .letter = 'a', .help = "Stopped ones too"},
                      {.name = "format",
                       .kind = FlagKind::Text,
                       .help = "table, json or a Go template"},
                      {.name = "no-stream", .help = "One sample, then leave"},
                      {.name = "no-trunc", .help = "Shorten nothing"}},
            .least = 0,
            .most = any_number,
            .run = run_stats};
}

}  // namespace berth::cli
