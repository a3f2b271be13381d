#include "engine/holdings.h"

#include <algorithm>
#include <array>

#include "build/builder.h"
#include "container/containers.h"
#include "content/store.h"
#include "engine/engine.h"
#include "volume/store.h"

namespace berth::engine {

namespace {
constexpr std::array<std::string_view, 7> kind_names{"container",   "network",   "volume",  "image",
                                                     "build-cache", "build-log", "download"};
}  // namespace

std::string_view to_string(HoldingKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

std::optional<HoldingKind> holding_kind_of(std::string_view text) {
    const auto found = std::ranges::find(kind_names, text);
    if (found == kind_names.end()) return std::nullopt;
    return static_cast<HoldingKind>(found - kind_names.begin());
}

Result<PieceHolders> PieceHolders::read(Engine& engine) {
    PieceHolders out;
    const std::uint64_t mark = engine.content.begin_collection();
    out.inventory_ = TRY(engine.images.inventory());
    for (const auto& [id, image] : out.inventory_.images) out.of_[id.to_string()] = image.pieces;
    out.records_ = TRY(engine.builder.cache_records());
    for (const auto& record : out.records_) {
        if (!record.layer) continue;
        for (const image::Piece& piece : {image::Piece{record.layer->diff_id, true},
                                          image::Piece{record.layer->blob.digest, false}})
            if (out.inventory_.bytes.contains(piece)) out.of_[record.id].insert(piece);
    }
    for (const auto& [id, pieces] : out.of_)
        for (const auto& piece : pieces) out.holders_[piece].insert(id);
    // A layer that is being made has no name yet and no lease of its own.
    const bool is_quiet = engine.content.was_quiet_since(mark);
    for (const auto& [piece, bytes] : out.inventory_.bytes) {
        if (out.holders_.contains(piece) || out.inventory_.kept.contains(piece)) continue;
        if (is_quiet || !piece.is_layer) out.unreferenced_.insert(piece);
    }
    return out;
}

std::int64_t PieceHolders::unreferenced_bytes() const {
    std::int64_t total = 0;
    for (const auto& piece : unreferenced_) total += inventory_.bytes.at(piece);
    return total;
}

std::set<image::Piece> PieceHolders::pieces_of(const std::string& holder) const {
    const auto found = of_.find(holder);
    return found == of_.end() ? std::set<image::Piece>() : found->second;
}

std::map<image::Piece, int> PieceHolders::counts() const {
    std::map<image::Piece, int> out;
    for (const auto& [piece, holders] : holders_) out[piece] = static_cast<int>(holders.size());
    for (const auto& piece : inventory_.fixed) ++out[piece];
    return out;
}

std::int64_t PieceHolders::bytes_of(const std::set<std::string>& holders) const {
    std::set<image::Piece> pieces;
    for (const auto& id : holders) {
        const auto found = of_.find(id);
        if (found != of_.end()) pieces.insert(found->second.begin(), found->second.end());
    }
    std::int64_t total = 0;
    for (const auto& piece : pieces) {
        if (inventory_.fixed.contains(piece)) continue;
        const auto& all = holders_.at(piece);
        if (std::ranges::includes(holders, all)) total += inventory_.bytes.at(piece);
    }
    return total;
}

Holding PieceHolders::measured(Holding holding) const {
    holding.own = bytes_of({holding.id});
    const auto found = of_.find(holding.id);
    if (found == of_.end()) return holding;
    for (const auto& piece : found->second) holding.bytes += inventory_.bytes.at(piece);
    return holding;
}

Result<std::vector<Holding>> list_holdings(Engine& engine, const std::stop_token& stop) {
    std::vector<Holding> out;
    const auto add = [&](HoldingKind kind, std::string id, std::vector<std::string> names,
                         std::int64_t bytes) {
        out.push_back({kind, std::move(id), std::move(names), bytes, bytes});
    };
    for (const auto& view : TRY(engine.containers.list({.all = true})))
        if (const auto bytes = engine.containers.disk_usage(view.id))
            add(HoldingKind::Container, view.id, {view.name}, *bytes);
    for (const auto& volume : engine.volumes.list())
        if (const auto bytes = engine.volumes.disk_usage(volume.name, stop))
            add(HoldingKind::Volume, volume.id, {volume.name}, static_cast<std::int64_t>(*bytes));
    const auto holders = TRY(PieceHolders::read(engine));
    for (const auto& [id, image] : holders.inventory().images)
        out.push_back(holders.measured(
            {.kind = HoldingKind::Image, .id = id.to_string(), .names = image.names}));
    for (const auto& record : holders.records()) {
        if (record.type == "exec.cachemount")
            add(HoldingKind::BuildCache, record.id, {record.description}, record.bytes);
        else
            out.push_back(holders.measured(
                {.kind = HoldingKind::BuildCache, .id = record.id, .names = {record.description}}));
    }
    for (const auto& log : TRY(engine.builder.ended_logs({})))
        add(HoldingKind::BuildLog, log.id, {}, log.bytes);
    for (const auto& idle : TRY(engine.content.idle_ingests()))
        add(HoldingKind::Download, idle.name, {}, static_cast<std::int64_t>(idle.disk_bytes));
    return out;
}

}  // namespace berth::engine
