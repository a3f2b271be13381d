#include "engine/evict.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/log.h"
#include "build/builder.h"
#include "container/containers.h"
#include "content/store.h"
#include "engine/engine.h"
#include "engine/holdings.h"
#include "snapshot/driver.h"

namespace berth::engine {

namespace {
constexpr int pulled_weight = 4;

/// What stays and what goes, piece by piece.
class Balance {
public:
    Balance(const std::map<image::Piece, int>& holders,
            const std::map<image::Piece, std::int64_t>& bytes)
        : left_(holders), bytes_(bytes) {}
    void remove(const EvictionCandidate& candidate) {
        freed_ += candidate.bytes;
        for (const auto& piece : candidate.pieces)
            if (--left_[piece] == 0) freed_ += size_of(piece);
    }
    void put_back(const EvictionCandidate& candidate) {
        freed_ -= candidate.bytes;
        for (const auto& piece : candidate.pieces)
            if (left_[piece]++ == 0) freed_ -= size_of(piece);
    }
    std::int64_t freed() const { return freed_; }

private:
    std::int64_t size_of(const image::Piece& piece) const {
        const auto found = bytes_.find(piece);
        return found == bytes_.end() ? 0 : found->second;
    }
    std::map<image::Piece, int> left_;
    const std::map<image::Piece, std::int64_t>& bytes_;
    std::int64_t freed_ = 0;
};

/// Images that containers mount, which makes no users of them.
std::set<oci::Digest> mounted_images(Engine& engine) {
    std::set<oci::Digest> out;
    const auto views = engine.containers.list({.all = true});
    if (!views) return out;
    for (const auto& view : *views)
        for (const auto& mount : view.mounts)
            if (mount.type == "image")
                if (const auto image = engine.images.resolve_any(mount.source))
                    out.insert(image->id);
    return out;
}

std::vector<EvictionCandidate> candidates_of(Engine& engine, const PieceHolders& holders) {
    std::vector<EvictionCandidate> out;
    const auto& inventory = holders.inventory();
    // Sharing a layer with what runs is no reason to stay, having no other layer is.
    const auto is_held = [&](const std::set<image::Piece>& pieces) {
        bool has_layers = false, has_free_one = false;
        for (const auto& piece : pieces) {
            if (!piece.is_layer) continue;
            has_layers = true;
            has_free_one = has_free_one || !inventory.fixed.contains(piece);
        }
        return has_layers && !has_free_one;
    };
    const auto mounted = mounted_images(engine);
    if (const auto images = engine.images.evictable()) {
        for (const auto& image : *images) {
            const auto found = inventory.images.find(image.id);
            if (found == inventory.images.end() || mounted.contains(image.id) ||
                inventory.fixed.contains({image.id, false}) || is_held(found->second.pieces))
                continue;
            out.push_back({.id = image.id.to_string(),
                           .last_used = image.last_used,
                           .is_pulled = image.is_pulled,
                           .pieces = found->second.pieces});
        }
    }
    for (const auto& record : holders.records()) {
        const auto pieces = holders.pieces_of(record.id);
        if (record.in_use || is_held(pieces)) continue;
        const bool is_mount = record.type == "exec.cachemount";
        out.push_back({.id = record.id,
                       .last_used = std::max(record.last_used, record.created),
                       .pieces = pieces,
                       .bytes = is_mount ? record.bytes : 0});
    }
    return out;
}

}  // namespace

std::vector<std::size_t> choose_victims(const std::vector<EvictionCandidate>& candidates,
                                        const std::map<image::Piece, int>& holders,
                                        const std::map<image::Piece, std::int64_t>& bytes,
                                        std::int64_t needed, Timestamp now) {
    std::vector<std::size_t> order(candidates.size());
    std::iota(order.begin(), order.end(), 0);
    const auto score = [&](std::size_t i) {
        const auto age = std::max(now - candidates[i].last_used, Timestamp::duration(1));
        return std::chrono::duration<double>(age).count() *
               (candidates[i].is_pulled ? pulled_weight : 1);
    };
    std::ranges::stable_sort(order, std::greater{}, score);
    Balance balance(holders, bytes);
    std::vector<std::size_t> chosen;
    for (const std::size_t i : order) {
        if (balance.freed() >= needed) break;
        balance.remove(candidates[i]);
        chosen.push_back(i);
    }
    // What gave nothing back after all, as somebody else has it too, or more than is needed, stays;
    // the most wanted first.
    const auto enough = std::min(needed, balance.freed());
    for (auto i = chosen.end(); i != chosen.begin();) {
        --i;
        balance.put_back(candidates[*i]);
        if (balance.freed() >= enough)
            i = chosen.erase(i);
        else
            balance.remove(candidates[*i]);
    }
    return chosen;
}

Result<> evict(Engine& engine, std::int64_t bytes) {
    const Timestamp now = engine.clock.now();
    std::int64_t needed =
        bytes - static_cast<std::int64_t>(TRY(engine.content.remove_idle_ingests()));
    const auto holders = TRY(PieceHolders::read(engine));
    if (needed > 0 && holders.unreferenced_bytes() > 0)
        needed -= TRY(engine.images.remove_pieces(holders.unreferenced()));
    std::set<std::string> records;
    std::set<image::Piece> pieces;
    if (needed > 0) {
        const auto candidates = candidates_of(engine, holders);
        for (const std::size_t i :
             choose_victims(candidates, holders.counts(), holders.inventory().bytes, needed, now)) {
            const auto& victim = candidates[i];
            const auto digest = oci::Digest::parse(victim.id);
            if (!digest) {
                records.insert(victim.id);
            } else if (auto gone = engine.images.evict(*digest, now); gone.is_error()) {
                continue;  // somebody took it meanwhile
            } else {
                log.info("image evicted to make room", {{"image", victim.id}});
            }
            pieces.insert(victim.pieces.begin(), victim.pieces.end());
        }
    }
    if (!records.empty()) {
        TRY(engine.builder.remove_records(records, now));
        log.info("build cache evicted to make room", {{"records", records.size()}});
    }
    if (!pieces.empty()) TRY(engine.images.remove_pieces(pieces));
    engine.content.wait_for_removals();
    engine.snapshots.wait_for_removals();
    return {};
}

}  // namespace berth::engine
