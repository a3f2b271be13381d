#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/builder.h"
#include "image/store.h"

namespace berth::engine {

struct Engine;

/// The kinds of things that take room in a data root, and networks, which take none.
enum class HoldingKind { Container, Network, Volume, Image, BuildCache, BuildLog, Download };
std::string_view to_string(HoldingKind kind);
std::optional<HoldingKind> holding_kind_of(std::string_view text);

/// One thing and what it takes on the disk, in bytes as du(1) counts them.
struct Holding {
    HoldingKind kind{};
    std::string id;
    std::vector<std::string> names;
    std::int64_t bytes = 0;  // all of it
    std::int64_t own = 0;    // what its removal alone gives back: nothing else has it, too
};

/// Which blobs and layers images and the build cache have, so that what several of them share is
/// counted once.
class PieceHolders {
public:
    static Result<PieceHolders> read(Engine& engine);

    /// What goes when these images and records go, and nothing else does.
    std::int64_t bytes_of(const std::set<std::string>& holders) const;
    Holding measured(Holding holding) const;
    /// What no image, record or container has, and nobody works on: the next collection takes it.
    const std::set<image::Piece>& unreferenced() const { return unreferenced_; }
    std::int64_t unreferenced_bytes() const;
    std::set<image::Piece> pieces_of(const std::string& holder) const;
    /// How many images, records and holders of leases have each piece.
    std::map<image::Piece, int> counts() const;
    const image::Inventory& inventory() const { return inventory_; }
    const std::vector<build::CacheRecord>& records() const { return records_; }

private:
    std::vector<build::CacheRecord> records_;
    image::Inventory inventory_;
    std::map<image::Piece, std::set<std::string>> holders_;          // ids of images and records
    std::map<std::string, std::set<image::Piece>, std::less<>> of_;  // the other way round
    std::set<image::Piece> unreferenced_;
};

/// Everything that takes room, by kind and name.
Result<std::vector<Holding>> list_holdings(Engine& engine, const std::stop_token& stop);

}  // namespace berth::engine
