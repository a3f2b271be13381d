#include "build/builder.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "build/build_run.h"
#include "record/database.h"
#include "sys/file.h"

namespace berth::build {
namespace {

// <root>/tmp/build: roots, contexts and downloads of builds that run; nothing in it outlives them.
Result<std::string> make_temp_root(const std::string& root) {
    const std::string path = root + "/tmp/build";
    TRY(sys::remove_tree(path));
    TRY(sys::mkdir_all(path, 0711));
    return path;
}

std::set<image::Piece> pieces_of(const CacheRecord& record) {
    if (!record.layer) return {};
    return {{record.layer->diff_id, true}, {record.layer->blob.digest, false}};
}

}  // namespace

class Builder::Implementation {
public:
    Implementation(const Services& services, std::string temp_root)
        : services_(services),
          cache_(services.database,
                 [this](const image::Layer& layer) {
                     return services_.snapshots.has(layer.diff_id) &&
                            services_.content.has(layer.blob.digest);
                 }),
          cache_mounts_(services.database, services.root + "/build-cache"),
          transfers_("berth/" BERTH_VERSION),
          slots_(std::max(2u, std::thread::hardware_concurrency())),
          temp_root_(std::move(temp_root)) {}

    Result<BuildResult> build(const BuildRequest& request, std::stop_token stop) {
        return BuildRun::perform({.services = services_,
                                  .cache = cache_,
                                  .cache_mounts = cache_mounts_,
                                  .transfers = transfers_,
                                  .slots = slots_,
                                  .clock = clock_,
                                  .layers_in_use = layers_in_use_,
                                  .temp_root = temp_root_,
                                  .logs = logs_directory()},
                                 request, std::move(stop));
    }

    Result<std::vector<CacheRecord>> records() {
        auto out = TRY(cache_.list());
        auto rows = TRY(services_.database.prepare(
            "SELECT directory, id, created, last_used FROM build_mount ORDER BY last_used"));
        while (TRY(rows.step())) {
            CacheRecord record;
            record.id = rows.text(0);
            record.type = "exec.cachemount";
            record.description = "cache mount " + rows.text(1);
            record.created = Timestamp(std::chrono::nanoseconds(rows.integer(2)));
            record.last_used = Timestamp(std::chrono::nanoseconds(rows.integer(3)));
            out.push_back(std::move(record));
        }
        return out;
    }

    Result<std::vector<CacheRecord>> measured_records() {
        auto out = TRY(records());
        const auto inventory = TRY(services_.images.inventory());
        std::map<image::Piece, int> holders;
        for (const auto& [id, image] : inventory.images)
            for (const auto& piece : image.pieces) ++holders[piece];
        for (const auto& record : out)
            for (const auto& piece : pieces_of(record)) ++holders[piece];
        for (auto& record : out) {
            if (record.type == "exec.cachemount") {
                const auto bytes = sys::disk_usage(cache_mounts_.directory() + "/" + record.id);
                record.bytes = record.own_bytes =
                    bytes.is_error() ? 0 : static_cast<std::int64_t>(*bytes);
                record.in_use = cache_mounts_.is_in_use(record.id);
                continue;
            }
            record.bytes = 0;
            for (const auto& piece : pieces_of(record)) {
                const auto found = inventory.bytes.find(piece);
                if (found == inventory.bytes.end()) continue;
                record.bytes += found->second;
                if (holders[piece] == 1) record.own_bytes += found->second;
            }
            record.shared = record.own_bytes < record.bytes;
        }
        return out;
    }

    Result<CacheSelection> select(const CachePrune& filter) {
        const auto all = TRY(measured_records());
        std::int64_t left = 0;
        for (const auto& record : all) left += record.bytes;
        CacheSelection out;
        // Least recently used first, until the rest fits.
        auto ordered = all;
        std::ranges::sort(ordered, {}, &CacheRecord::last_used);
        const auto chosen = [](const std::vector<std::string>& wanted, const std::string& value) {
            return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
        };
        for (auto& record : ordered) {
            if (filter.keep_bytes > 0 && left <= filter.keep_bytes) break;
            if (record.in_use || !chosen(filter.ids, record.id) ||
                !chosen(filter.types, record.type))
                continue;
            if (filter.until && record.last_used > *filter.until) continue;
            left -= record.bytes;
            out.records.push_back(std::move(record));
        }
        if (filter.keep_bytes == 0 && filter.ids.empty() && filter.types.empty())
            out.logs = TRY(ended_logs(filter.until));
        return out;
    }

    Result<CachePruned> prune(const CachePrune& filter) {
        const auto selection = TRY(select(filter));
        CachePruned out;
        for (const auto& record : selection.records) {
            if (record.type == "exec.cachemount") {
                TRY(cache_mounts_.remove(record.id));
            } else {
                TRY(cache_.remove(record.id));
            }
            out.ids.push_back(record.id);
            out.bytes += record.own_bytes;
        }
        for (const auto& log : selection.logs) {
            auto removed = BuildLog::remove(logs_directory(), log.id);
            if (removed) out.bytes += *removed;
        }
        TRY(services_.database.execute("DELETE FROM build_digest"));
        // Layers that only the cache kept go now.
        TRY(services_.images.collect_garbage({}));
        return out;
    }

    Result<RecordsRemoved> remove_records(const std::set<std::string>& ids, Timestamp since) {
        RecordsRemoved out;
        auto missing = ids;
        for (const auto& record : TRY(records())) {
            if (missing.erase(record.id) == 0) continue;
            bool removed = record.last_used <= since && record.created <= since;
            if (record.type != "exec.cachemount") {
                removed = removed && TRY(cache_.remove_unused(record.id, since));
            } else if (removed && !cache_mounts_.is_in_use(record.id)) {
                out.mount_bytes += TRY(cache_mounts_.remove(record.id));
            } else {
                removed = false;
            }
            if (!removed) out.left.push_back({record.id, "a build used it since"});
        }
        for (const auto& id : missing) out.left.push_back({id, "it is gone already"});
        TRY(services_.database.execute("DELETE FROM build_digest"));
        return out;
    }

    Result<std::vector<EndedLog>> ended_logs(const std::optional<Timestamp>& until) const {
        return BuildLog::list_ended(logs_directory(), until);
    }

    Result<std::int64_t> remove_log(const std::string& id) {
        return BuildLog::remove(logs_directory(), id);
    }

    void add_roots(image::Roots& roots) {
        {
            auto in_use = layers_in_use_.lock();
            roots.diff_ids.insert(in_use->begin(), in_use->end());
            roots.fixed.insert(in_use->begin(), in_use->end());
        }
        const auto layers = cache_.layers();
        if (!layers) return;
        for (const auto& layer : *layers) {
            roots.blobs.insert(layer.blob.digest);
            roots.diff_ids.insert(layer.diff_id);
            roots.layers.push_back(layer);
        }
    }

private:
    std::string logs_directory() const { return services_.root + "/builds"; }

    Services services_;
    SystemClock clock_;
    Cache cache_;
    CacheMounts cache_mounts_;
    http::Transfers transfers_;
    std::counting_semaphore<> slots_;
    LayersInUse layers_in_use_;
    std::string temp_root_;
};

namespace {
// Steps end with the engine that runs them; one that was killed could not tidy up. The shim of its
// last step may be about to end, and still write there: it gets a second for it. A step's folder
// has a name that is never used again, so that one that is left does no harm, and goes with the
// next start.
void remove_old_steps(const std::string& directory) {
    for (int tries = 0; tries < 50; ++tries) {
        auto removed = sys::remove_tree(directory);
        if (!removed.is_error()) return;
        std::move(removed).ignore("it is tried again");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}
}  // namespace

Result<std::unique_ptr<Builder>> Builder::open(const Services& services) {
    remove_old_steps(services.run_dir + "/steps");
    auto temp_root = TRY(make_temp_root(services.root));
    TRY(sys::mkdir_all(services.root + "/builds", 0700));
    auto implementation = std::make_unique<Implementation>(services, std::move(temp_root));
    return std::unique_ptr<Builder>(new Builder(std::move(implementation)));
}

Builder::Builder(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Builder::~Builder() = default;

Result<BuildResult> Builder::build(const BuildRequest& request, std::stop_token stop) {
    return implementation_->build(request, std::move(stop));
}
Result<std::vector<CacheRecord>> Builder::cache_records() const {
    return implementation_->measured_records();
}
Result<CachePruned> Builder::prune(const CachePrune& filter) {
    return implementation_->prune(filter);
}
Result<CacheSelection> Builder::select(const CachePrune& filter) const {
    return implementation_->select(filter);
}
Result<RecordsRemoved> Builder::remove_records(const std::set<std::string>& ids, Timestamp since) {
    return implementation_->remove_records(ids, since);
}
Result<std::vector<EndedLog>> Builder::ended_logs(const std::optional<Timestamp>& until) const {
    return implementation_->ended_logs(until);
}
Result<std::int64_t> Builder::remove_log(const std::string& id) {
    return implementation_->remove_log(id);
}
void Builder::add_roots(image::Roots& roots) const { implementation_->add_roots(roots); }

}  // namespace berth::build
