#pragma once
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "network/network.h"

namespace berth::network {

/// The addresses of one subnet. A freed address is handed out again only after all others were: the
/// search goes on from the last one, so that stale neighbour entries and connections of a gone
/// container do not hit a new one.
class AddressPool {
public:
    /// `pool` is complete (has a gateway). The first and the last address of an IPv4 subnet are
    /// never handed out.
    explicit AddressPool(Pool pool);

    /// Unavailable: "no available IPv4 addresses on this network's address pools".
    Result<IpAddress> take_next();
    /// InvalidArgument outside the subnet, Conflict when taken: "Address already in use".
    Result<> take(const IpAddress& address);
    /// Marks an address that is in use already, as found in a row.
    void restore(const IpAddress& address);
    void give_back(const IpAddress& address);
    bool is_free(const IpAddress& address) const;
    const Pool& pool() const { return pool_; }
    std::size_t taken_count() const { return taken_.size(); }

private:
    bool is_reserved(const IpAddress& address) const;

    Pool pool_;
    IpAddress first_;
    IpAddress last_;
    IpAddress cursor_;
    std::set<IpAddress> taken_;
};

/// Docker's pools for networks without a subnet: sixteens of 172.17.0.0/12, then twenties of
/// 192.168.0.0/16.
std::vector<std::pair<Prefix, int>> default_pools();

/// The first subnet of `pools` that overlaps none of `used` (other networks, and what the host
/// routes already). Unavailable: "all predefined address pools have been fully subnetted".
Result<Prefix> choose_subnet(std::span<const std::pair<Prefix, int>> pools,
                             std::span<const Prefix> used);

/// Checks what the creator wrote and fills in the gateway. InvalidArgument when range, gateway or
/// auxiliary addresses lie outside the subnet.
Result<Pool> complete_pool(Pool pool);

/// "02:42:ac:11:00:02" for 172.17.0.2: locally administered, and the same whenever the address is
/// the same.
std::string mac_for(const IpAddress& address);
/// The six bytes. InvalidArgument for anything but six hexadecimal pairs with colons.
Result<std::string> parse_mac(std::string_view text);

}  // namespace berth::network
