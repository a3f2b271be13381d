#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sys/netlink.h"

namespace berth::sys {

// Elements of sets and maps of one nftables table of family inet, straight over netlink: one
// transaction, some tens of microseconds. Tables, chains and rules are text for libnftables
// (network/ruleset.h), since they change rarely. nfnetlink, linux/netfilter/nf_tables.h

/// One element. Fields of a concatenated key or value are each padded to four bytes (see
/// nft_field()).
struct NftElement {
    std::string key;
    /// What a map maps the key to; empty for sets.
    std::string value;
};

struct NftChange {
    enum class Kind : std::uint8_t { Add, Delete };
    Kind kind = Kind::Add;
    std::string set;
    std::vector<NftElement> elements;
};

/// A field of a concatenation: `bytes` in network order, padded with zeros to a multiple of four.
std::string nft_field(std::string_view bytes);
/// A port as a field.
std::string nft_port_field(std::uint16_t port);
/// An interface name as nftables stores it: 16 bytes.
std::string nft_interface_field(std::string_view name);

/// Carries out all changes or none. Adding what exists with the same value succeeds; deleting what
/// is absent, or a missing table or set, is NotFound. `socket` is a NETLINK_NETFILTER one.
Result<> change_nft_elements(NetlinkSocket& socket, std::string_view table,
                             std::span<const NftChange> changes);
/// The elements of one set or map. NotFound when the table or the set is gone.
Result<std::vector<NftElement>> list_nft_elements(NetlinkSocket& socket, std::string_view table,
                                                  std::string_view set);
/// Whether the table exists.
Result<bool> has_nft_table(NetlinkSocket& socket, std::string_view table);
/// Deletes the table with all that is in it; success when there is none.
Result<> delete_nft_table(NetlinkSocket& socket, std::string_view table);

/// The number of rules in a table, to see whether somebody flushed its chains.
Result<std::size_t> count_nft_rules(NetlinkSocket& socket, std::string_view table);

/// Whether a message of the NFNLGRP_NFTABLES group says that something was deleted in `table`, or
/// the table itself.
bool is_nft_deletion(const NetlinkMessage& message, std::string_view table);

}  // namespace berth::sys
