#include "container/id_blocks.h"

#include <map>
#include <random>
#include <vector>

#include "base/text.h"
#include "codec/json.h"
#include "sys/dir.h"
#include "sys/file.h"

namespace berth::container {
namespace {

using codec::Json;
using Owners = std::map<std::uint32_t, std::string>;  // block -> data root

constexpr std::size_t max_record_bytes = 4 << 20;
constexpr std::int64_t record_version = 1;

Result<Owners> parse_owners(const std::string& text) {
    const Json json = TRY(codec::parse_json(text));
    if (codec::get_int(json, "version") != record_version)
        return fail(ErrorCode::Corrupted, "it has a version that this engine does not know");
    const Json* blocks = codec::find_member(json, "blocks");
    if (!blocks || !blocks->is_object()) return fail(ErrorCode::Corrupted, "it names no blocks");
    Owners owners;
    for (const auto& [key, root] : blocks->items()) {
        const auto block = parse_uint(key);
        if (!block || *block < first_block || *block > last_block || !root.is_string())
            return fail(ErrorCode::Corrupted, "block ", key, " is none");
        owners[static_cast<std::uint32_t>(*block)] = root.get<std::string>();
    }
    return owners;
}

/// The record, locked for as long as this lives.
class Transaction {
public:
    static Result<Transaction> begin(const std::string& directory) {
        TRY(sys::mkdir_all(directory));
        auto lock = TRY(sys::FileLock::acquire(directory + "/lock"));
        std::string path = directory + "/blocks.json";
        Owners owners;
        if (sys::exists(path)) {
            const std::string text = TRY(sys::read_file(path, max_record_bytes));
            owners = TRY(parse_owners(text).context(path).hint(
                concat("remove ", path,
                       " and restart every engine of this host: each enters the ids that its "
                       "containers have")));
        }
        return Transaction(std::move(lock), std::move(path), std::move(owners));
    }
    Result<> commit() {
        Json blocks = Json::object();
        for (const auto& [block, root] : owners) blocks[std::to_string(block)] = root;
        return sys::write_file_atomic(
            path_, codec::dump_json({{"version", record_version}, {"blocks", std::move(blocks)}}));
    }

    Owners owners;

private:
    Transaction(sys::FileLock lock, std::string path, Owners known)
        : owners(std::move(known)), lock_(std::move(lock)), path_(std::move(path)) {}
    sys::FileLock lock_;
    std::string path_;
};

bool is_free(const Owners& owners, std::uint32_t block, const std::string& root) {
    const auto owner = owners.find(block);
    return owner == owners.end() || owner->second == root || !sys::exists(owner->second);
}

}  // namespace

Result<Blocks> IdBlocks::claim_used(const Blocks& in_use) const {
    auto record = TRY(Transaction::begin(directory_).context("ids of this host"));
    const Owners before = record.owners;
    for (const std::uint32_t block : in_use)
        if (block >= first_block && block <= last_block && is_free(record.owners, block, root_))
            record.owners[block] = root_;
    if (record.owners != before) TRY(record.commit().context("ids of this host"));
    Blocks own;
    for (const auto& [block, root] : record.owners)
        if (root == root_) own.insert(block);
    return own;
}

Result<std::uint32_t> IdBlocks::claim_new(const Blocks& in_use) const {
    auto record = TRY(Transaction::begin(directory_).context("ids of this host"));
    std::vector<std::uint32_t> unknown, abandoned;
    for (std::uint32_t block = first_block; block <= last_block; ++block) {
        if (in_use.contains(block)) continue;
        const auto owner = record.owners.find(block);
        if (owner == record.owners.end())
            unknown.push_back(block);
        else if (owner->second != root_ && !sys::exists(owner->second))
            abandoned.push_back(block);
    }
    const auto& choice = unknown.empty() ? abandoned : unknown;
    if (choice.empty()) {
        return fail(ErrorCode::Unavailable,
                    "all ids for user namespaces are taken by engines and containers of this host")
            .with_hint("remove containers, or use --userns host");
    }
    // Not the lowest one: engines that do not see each other's record, in containers for instance,
    // seldom choose the same.
    std::random_device random;
    const std::uint32_t block =
        choice[std::uniform_int_distribution<std::size_t>(0, choice.size() - 1)(random)];
    record.owners[block] = root_;
    TRY(record.commit().context("ids of this host"));
    return block;
}

}  // namespace berth::container
