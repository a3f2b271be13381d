#include "network/ipam.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace berth::network {

namespace {
IpAddress plus(const IpAddress& address, IpAddress::Number offset) {
    return {address.family(), address.number() + offset};
}
}  // namespace

AddressPool::AddressPool(Pool pool) : pool_(std::move(pool)) {
    const Prefix& from = pool_.range ? *pool_.range : pool_.subnet;
    first_ = from.first();
    last_ = from.last();
    cursor_ = last_;
}

bool AddressPool::is_reserved(const IpAddress& address) const {
    if (pool_.gateway && address == *pool_.gateway) return true;
    bool has_edges =
        pool_.subnet.address.is_v4() ? pool_.subnet.length < 31 : pool_.subnet.length < 127;
    if (has_edges && address == pool_.subnet.first()) return true;
    if (has_edges && address.is_v4() && address == pool_.subnet.last()) return true;
    return std::any_of(pool_.auxiliary.begin(), pool_.auxiliary.end(),
                       [&](const auto& entry) { return entry.second == address; });
}

bool AddressPool::is_free(const IpAddress& address) const {
    return !is_reserved(address) && !taken_.contains(address);
}

Result<IpAddress> AddressPool::take_next() {
    // Taken and reserved addresses are the only ones that can be skipped, so this many steps are
    // enough.
    std::size_t steps = taken_.size() + pool_.auxiliary.size() + 4;
    IpAddress candidate = cursor_;
    for (std::size_t i = 0; i < steps; ++i) {
        candidate = candidate == last_ ? first_ : plus(candidate, 1);
        if (!is_free(candidate)) continue;
        taken_.insert(candidate);
        cursor_ = candidate;
        return candidate;
    }
    return fail(ErrorCode::Unavailable, "no available ",
                pool_.subnet.address.is_v4() ? "IPv4" : "IPv6",
                " addresses on this network's address pools: ", pool_.subnet.to_string());
}

Result<> AddressPool::take(const IpAddress& address) {
    if (!pool_.subnet.contains(address)) {
        return fail(ErrorCode::InvalidArgument, "no configured subnet contains IP address ",
                    address.to_string());
    }
    if (!is_free(address)) return fail(ErrorCode::Conflict, "Address already in use");
    taken_.insert(address);
    return {};
}

void AddressPool::restore(const IpAddress& address) {
    taken_.insert(address);
    if (cursor_ == last_ || cursor_ < address) cursor_ = address;
}

void AddressPool::give_back(const IpAddress& address) { taken_.erase(address); }

std::vector<std::pair<Prefix, int>> default_pools() {
    auto v4 = [](std::uint32_t number, int length) {
        return Prefix{IpAddress::v4(number), length};
    };
    std::vector<std::pair<Prefix, int>> out;
    for (std::uint32_t second = 17; second <= 31; ++second)
        out.emplace_back(v4(0xac000000u | second << 16, 16), 16);
    out.emplace_back(v4(0xc0a80000u, 16), 20);
    return out;
}

Result<Prefix> choose_subnet(std::span<const std::pair<Prefix, int>> pools,
                             std::span<const Prefix> used) {
    for (const auto& [pool, length] : pools) {
        auto step = IpAddress::Number{1} << (pool.address.bits() - length);
        for (IpAddress start = pool.first(); pool.contains(start); start = plus(start, step)) {
            Prefix candidate{start, length};
            auto clash = [&](const Prefix& other) { return candidate.overlaps(other); };
            if (std::none_of(used.begin(), used.end(), clash)) return candidate;
            if (plus(start, step).number() < start.number()) break;
        }
    }
    return Error(ErrorCode::Unavailable, "all predefined address pools have been fully subnetted")
        .with_hint("remove networks that nothing uses, or name a subnet");
}

Result<Pool> complete_pool(Pool pool) {
    pool.subnet = pool.subnet.network();
    int bits = pool.subnet.address.bits();
    if (pool.subnet.length > bits - 2) {
        return fail(ErrorCode::InvalidArgument, "subnet ", pool.subnet.to_string(),
                    " is too small");
    }
    auto inside = [&](const IpAddress& address) { return pool.subnet.contains(address); };
    if (pool.range) {
        pool.range = pool.range->network();
        if (!inside(pool.range->first()) || pool.range->length < pool.subnet.length) {
            return fail(ErrorCode::InvalidArgument, "invalid ip-range ", pool.range->to_string(),
                        ": parent subnet is ", pool.subnet.to_string());
        }
    }
    if (!pool.gateway) pool.gateway = plus(pool.subnet.first(), 1);
    if (!inside(*pool.gateway)) {
        return fail(ErrorCode::InvalidArgument, "invalid gateway ", pool.gateway->to_string(),
                    ": parent subnet is ", pool.subnet.to_string());
    }
    for (const auto& [name, address] : pool.auxiliary) {
        if (inside(address)) continue;
        return fail(ErrorCode::InvalidArgument, "invalid auxiliary address ", name, "=",
                    address.to_string(), ": parent subnet is ", pool.subnet.to_string());
    }
    return pool;
}

std::string mac_for(const IpAddress& address) {
    std::string raw = address.bytes();
    std::string bytes =
        concat(std::string_view("\x02\x42", 2), std::string_view(raw).substr(raw.size() - 4));
    std::string out;
    for (char byte : bytes) {
        if (!out.empty()) out.push_back(':');
        out += to_hex(as_bytes({&byte, 1}));
    }
    return out;
}

Result<std::string> parse_mac(std::string_view text) {
    auto parts = split(text, ':');
    std::string out;
    for (const auto& part : parts) {
        auto byte = from_hex(part);
        if (!byte || byte->size() != 1)
            return fail(ErrorCode::InvalidArgument, "invalid MAC address: ", text);
        out.push_back(static_cast<char>((*byte)[0]));
    }
    if (out.size() != 6) return fail(ErrorCode::InvalidArgument, "invalid MAC address: ", text);
    if (out[0] & 1)
        return fail(ErrorCode::InvalidArgument, "invalid MAC address: ", text,
                    ": it is a multicast one");
    return out;
}

}  // namespace berth::network
