#include "sys/nftables.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

namespace berth::sys {

namespace {
constexpr std::uint8_t inet_family = 1;  // NFPROTO_INET
// An attribute's length has 16 bits; an element takes well under 128 bytes.
constexpr std::size_t elements_per_message = 400;

constexpr std::uint16_t nft_type(int message) {
    return static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | message);
}

nfgenmsg header_of(std::uint8_t family, std::uint16_t resource) {
    return {family, NFNETLINK_V0, static_cast<std::uint16_t>(__builtin_bswap16(resource))};
}

void begin_transaction(NetlinkBatch& batch) {
    batch.begin(NFNL_MSG_BATCH_BEGIN, 0, header_of(AF_UNSPEC, NFNL_SUBSYS_NFTABLES),
                "nftables transaction");
}

void end_transaction(NetlinkBatch& batch) {
    batch.begin(NFNL_MSG_BATCH_END, 0, header_of(AF_UNSPEC, NFNL_SUBSYS_NFTABLES),
                "nftables transaction");
}

void put_data(NetlinkBatch& batch, std::uint16_t type, std::string_view bytes) {
    auto data = batch.nest(type);
    batch.put(NFTA_DATA_VALUE, bytes);
}

void put_elements(NetlinkBatch& batch, std::string_view table, const NftChange& change,
                  std::span<const NftElement> elements) {
    bool adds = change.kind == NftChange::Kind::Add;
    batch.begin(nft_type(adds ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM), adds ? NLM_F_CREATE : 0,
                header_of(inet_family, 0),
                concat(adds ? "add to" : "delete from", " nftables set ", change.set));
    batch.put_text(NFTA_SET_ELEM_LIST_TABLE, table);
    batch.put_text(NFTA_SET_ELEM_LIST_SET, change.set);
    auto list = batch.nest(NFTA_SET_ELEM_LIST_ELEMENTS);
    for (const auto& element : elements) {
        auto item = batch.nest(NFTA_LIST_ELEM);
        put_data(batch, NFTA_SET_ELEM_KEY, element.key);
        if (adds && !element.value.empty()) put_data(batch, NFTA_SET_ELEM_DATA, element.value);
    }
}

std::string read_data(const NetlinkAttribute& attribute) {
    auto value = find_netlink_attribute(attribute.bytes, NFTA_DATA_VALUE);
    return value ? std::string(value->bytes) : std::string();
}

void read_elements(const NetlinkMessage& message, std::vector<NftElement>& out) {
    auto list =
        find_netlink_attribute(message.attributes(sizeof(nfgenmsg)), NFTA_SET_ELEM_LIST_ELEMENTS);
    if (!list) return;
    for (const auto& item : parse_netlink_attributes(list->bytes)) {
        NftElement element;
        for (const auto& attribute : parse_netlink_attributes(item.bytes)) {
            if (attribute.type == NFTA_SET_ELEM_KEY) element.key = read_data(attribute);
            if (attribute.type == NFTA_SET_ELEM_DATA) element.value = read_data(attribute);
        }
        out.push_back(std::move(element));
    }
}
}  // namespace

std::string nft_field(std::string_view bytes) {
    std::string out(bytes);
    out.resize((out.size() + 3) / 4 * 4, '\0');
    return out;
}

std::string nft_port_field(std::uint16_t port) {
    const char bytes[2] = {static_cast<char>(port >> 8), static_cast<char>(port & 0xff)};
    return nft_field({bytes, 2});
}

std::string nft_interface_field(std::string_view name) {
    std::string out(name);
    out.resize(16, '\0');
    return out;
}

Result<> change_nft_elements(NetlinkSocket& socket, std::string_view table,
                             std::span<const NftChange> changes) {
    NetlinkBatch batch;
    begin_transaction(batch);
    for (const auto& change : changes) {
        std::span<const NftElement> rest = change.elements;
        while (!rest.empty()) {
            auto part = rest.first(std::min(rest.size(), elements_per_message));
            put_elements(batch, table, change, part);
            rest = rest.subspan(part.size());
        }
    }
    if (batch.message_count() == 1) return {};
    end_transaction(batch);
    return socket.transact(batch);
}

Result<std::vector<NftElement>> list_nft_elements(NetlinkSocket& socket, std::string_view table,
                                                  std::string_view set) {
    NetlinkBatch request;
    request.begin(nft_type(NFT_MSG_GETSETELEM), NLM_F_DUMP, header_of(inet_family, 0),
                  concat("list nftables set ", set));
    request.put_text(NFTA_SET_ELEM_LIST_TABLE, table);
    request.put_text(NFTA_SET_ELEM_LIST_SET, set);
    std::vector<NftElement> out;
    TRY(socket.dump(request, [&](const NetlinkMessage& message) { read_elements(message, out); }));
    return out;
}

Result<bool> has_nft_table(NetlinkSocket& socket, std::string_view table) {
    NetlinkBatch request;
    request.begin(nft_type(NFT_MSG_GETTABLE), 0, header_of(inet_family, 0),
                  concat("find nftables table ", table));
    request.put_text(NFTA_TABLE_NAME, table);
    auto asked = socket.query(request, [](const NetlinkMessage&) {});
    if (!asked.is_error()) return true;
    if (asked.error().error_number() == ENOENT) return false;
    return std::move(asked).error();
}

Result<> delete_nft_table(NetlinkSocket& socket, std::string_view table) {
    NetlinkBatch batch;
    begin_transaction(batch);
    batch.begin(nft_type(NFT_MSG_DELTABLE), 0, header_of(inet_family, 0),
                concat("delete nftables table ", table));
    batch.put_text(NFTA_TABLE_NAME, table);
    end_transaction(batch);
    auto done = socket.transact(batch);
    if (done.is_error() && done.error().error_number() != ENOENT) return done;
    return {};
}

Result<std::size_t> count_nft_rules(NetlinkSocket& socket, std::string_view table) {
    NetlinkBatch request;
    request.begin(nft_type(NFT_MSG_GETRULE), NLM_F_DUMP, header_of(inet_family, 0),
                  concat("list rules of ", table));
    request.put_text(NFTA_RULE_TABLE, table);
    std::size_t count = 0;
    TRY(socket.dump(request, [&](const NetlinkMessage& message) {
        // Kernels before 4.12 ignore the filter by table.
        auto name = find_netlink_attribute(message.attributes(sizeof(nfgenmsg)), NFTA_RULE_TABLE);
        if (name && name->as_text() == table) ++count;
    }));
    return count;
}

bool is_nft_deletion(const NetlinkMessage& message, std::string_view table) {
    if ((message.type >> 8) != NFNL_SUBSYS_NFTABLES) return false;
    switch (message.type & 0xff) {
        // The table's name is the first attribute of each of them.
        case NFT_MSG_DELTABLE:
        case NFT_MSG_DELCHAIN:
        case NFT_MSG_DELRULE:
        case NFT_MSG_DELSET:
        case NFT_MSG_DELSETELEM: {
            auto name =
                find_netlink_attribute(message.attributes(sizeof(nfgenmsg)), NFTA_TABLE_NAME);
            return name && name->as_text() == table;
        }
        default: return false;
    }
}

}  // namespace berth::sys
