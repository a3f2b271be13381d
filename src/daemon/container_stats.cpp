#include <condition_variable>
#include <mutex>

#include "container/containers.h"
#include "daemon/call.h"
#include "daemon/handlers.h"

namespace berth::daemon {

using codec::Json;
using container::StatsSample;

namespace {
Json cpu_of(const StatsSample& sample) {
    Json usage{{"total_usage", sample.cpu_total},
               {"usage_in_kernelmode", sample.cpu_kernel},
               {"usage_in_usermode", sample.cpu_user}};
    if (!sample.per_cpu.empty()) usage["percpu_usage"] = sample.per_cpu;
    Json out{{"cpu_usage", std::move(usage)}};
    if (sample.system_cpu) out["system_cpu_usage"] = sample.system_cpu;
    if (sample.online_cpus) out["online_cpus"] = sample.online_cpus;
    out["throttling_data"] = {{"periods", sample.throttling_periods},
                              {"throttled_periods", sample.throttled_periods},
                              {"throttled_time", sample.throttled_time}};
    return out;
}

Json memory_of(const StatsSample& sample) {
    if (!sample.running) return Json::object();
    Json stats = Json::object();
    for (const auto& [key, value] : sample.memory_stats) stats[key] = value;
    Json out{{"usage", sample.memory_usage}};
    if (sample.memory_max_usage) out["max_usage"] = sample.memory_max_usage;
    out["stats"] = std::move(stats);
    if (sample.memory_failcnt) out["failcnt"] = sample.memory_failcnt;
    out["limit"] = sample.memory_limit;
    return out;
}

Json blkio_of(const std::vector<StatsSample::Blkio>& entries) {
    if (entries.empty()) return nullptr;
    Json list = Json::array();
    for (const auto& e : entries)
        list.push_back({{"major", e.major}, {"minor", e.minor}, {"op", e.op}, {"value", e.value}});
    return list;
}

Json networks_of(const StatsSample& sample) {
    Json networks = Json::object();
    for (const auto& i : sample.interfaces) {
        networks[i.name] = {{"rx_bytes", i.rx_bytes},   {"rx_packets", i.rx_packets},
                            {"rx_errors", i.rx_errors}, {"rx_dropped", i.rx_dropped},
                            {"tx_bytes", i.tx_bytes},   {"tx_packets", i.tx_packets},
                            {"tx_errors", i.tx_errors}, {"tx_dropped", i.tx_dropped}};
    }
    return networks;
}

/// One object of the stream: a sample and the one before it, whose difference clients show as a
/// rate.
Json stats_of(const Call& call, const container::ContainerView& view, const StatsSample& before,
              const StatsSample& sample) {
    const auto time = [](Timestamp t) {
        return t == Timestamp{} ? std::string("0001-01-01T00:00:00Z") : to_rfc3339(t);
    };
    Json pids = Json::object();
    if (sample.pids_current) pids["current"] = sample.pids_current;
    if (sample.pids_limit) pids["limit"] = sample.pids_limit;
    Json out{{"name", "/" + view.name},
             {"id", view.id},
             {"read", time(sample.read)},
             {"preread", time(before.read)},
             {"pids_stats", std::move(pids)},
             {"blkio_stats",
              {{"io_service_bytes_recursive", blkio_of(sample.blkio_bytes)},
               {"io_serviced_recursive", blkio_of(sample.blkio_operations)},
               {"io_queue_recursive", nullptr},
               {"io_service_time_recursive", nullptr},
               {"io_wait_time_recursive", nullptr},
               {"io_merged_recursive", nullptr},
               {"io_time_recursive", nullptr},
               {"sectors_recursive", nullptr}}},
             {"num_procs", 0},
             {"storage_stats", Json::object()},
             {"cpu_stats", cpu_of(sample)},
             {"precpu_stats", cpu_of(before)},
             {"memory_stats", memory_of(sample)}};
    if (call.is_at_least(52)) out["os_type"] = "linux";
    if (sample.running) out["networks"] = networks_of(sample);
    return out;
}

/// Sleeps for the second between two samples; false when the client went away.
bool wait_a_second(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    return !stop.stop_requested();
}
}  // namespace

Result<> show_stats(Call& call) {
    const bool stream = call.flag("stream", true);
    const bool one_shot = call.flag("one-shot") && call.is_at_least(41);
    if (stream && one_shot)
        return fail(ErrorCode::InvalidArgument, "cannot have stream=true and one-shot=true");
    auto view = TRY(call.engine.containers.inspect(call.parameter("id")));
    StatsSample before;
    auto sample = TRY(call.engine.containers.stats(view.id));
    call.response.headers.set("Content-Type", "application/json");
    if (!stream) {
        if (!one_shot && sample.running) {
            if (!wait_a_second(call.stop())) return {};
            before = std::move(sample);
            sample = TRY(call.engine.containers.stats(view.id));
        }
        return call.response.write(codec::dump_json(stats_of(call, view, before, sample)) + "\n");
    }
    while (true) {
        TRY(call.response.write(codec::dump_json(stats_of(call, view, before, sample)) + "\n"));
        before = std::move(sample);
        if (!wait_a_second(call.stop())) return {};
        auto next = call.engine.containers.stats(view.id);
        if (next.is_error()) return {};  // removed meanwhile: the stream ends
        sample = std::move(next).value();
    }
}

}  // namespace berth::daemon
