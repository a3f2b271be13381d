#include "sys/netlink_route.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <type_traits>

#include "base/assert.h"

namespace berth::sys {

namespace {
constexpr std::uint16_t create_new = NLM_F_CREATE | NLM_F_EXCL;

ifinfomsg link_header(const LinkName& link) {
    ifinfomsg header{};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = static_cast<int>(link.index);
    return header;
}

std::string link_text(const LinkName& link) {
    return link.name.empty() ? concat("link ", link.index) : concat("link ", link.name);
}

unsigned char family_of(std::string_view address) {
    return address.size() == 16 ? AF_INET6 : AF_INET;
}
}  // namespace

void add_bridge(NetlinkBatch& batch, const BridgeOptions& options) {
    batch.begin(RTM_NEWLINK, create_new, link_header({}), concat("create bridge ", options.name));
    batch.put_text(IFLA_IFNAME, options.name);
    if (!options.mac.empty()) batch.put(IFLA_ADDRESS, options.mac);
    if (options.mtu != 0) batch.put_u32(IFLA_MTU, options.mtu);
    auto info = batch.nest(IFLA_LINKINFO);
    batch.put_text(IFLA_INFO_KIND, "bridge");
    auto data = batch.nest(IFLA_INFO_DATA);
    batch.put_u32(IFLA_BR_STP_STATE, 0);
    batch.put_u32(IFLA_BR_FORWARD_DELAY, 0);
    batch.put_u8(IFLA_BR_MCAST_SNOOPING, 0);
}

void add_veth(NetlinkBatch& batch, const VethOptions& options) {
    batch.begin(RTM_NEWLINK, create_new, link_header({}), concat("create veth ", options.name));
    batch.put_text(IFLA_IFNAME, options.name);
    if (options.mtu != 0) batch.put_u32(IFLA_MTU, options.mtu);
    if (options.master != 0) batch.put_u32(IFLA_MASTER, options.master);
    auto info = batch.nest(IFLA_LINKINFO);
    batch.put_text(IFLA_INFO_KIND, "veth");
    auto data = batch.nest(IFLA_INFO_DATA);
    auto peer = batch.nest(VETH_INFO_PEER);
    batch.put_raw(link_header({}));
    batch.put_text(IFLA_IFNAME, options.peer_name);
    if (!options.peer_mac.empty()) batch.put(IFLA_ADDRESS, options.peer_mac);
    if (options.mtu != 0) batch.put_u32(IFLA_MTU, options.mtu);
    if (options.peer_netns.get() >= 0)
        batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(options.peer_netns.get()));
}

void change_link(NetlinkBatch& batch, const LinkName& link, const LinkChange& change) {
    ifinfomsg header = link_header(link);
    if (change.up) {
        header.ifi_change = IFF_UP;
        header.ifi_flags = *change.up ? IFF_UP : 0;
    }
    batch.begin(RTM_NEWLINK, 0, header, concat("set ", link_text(link)));
    if (link.index == 0) batch.put_text(IFLA_IFNAME, link.name);
    if (link.index != 0 && change.new_name) batch.put_text(IFLA_IFNAME, *change.new_name);
    if (change.alias) batch.put(IFLA_IFALIAS, *change.alias);
    if (change.network_namespace.get() >= 0)
        batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(change.network_namespace.get()));
    if (change.mtu) batch.put_u32(IFLA_MTU, *change.mtu);
    if (change.no_ipv6_autoconfiguration) {
        auto families = batch.nest(IFLA_AF_SPEC);
        auto v6 = batch.nest(AF_INET6);
        batch.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    }
    if (change.isolated_port || change.hairpin_port) {
        auto info = batch.nest(IFLA_LINKINFO);
        batch.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
        auto data = batch.nest(IFLA_INFO_SLAVE_DATA);
        if (change.isolated_port) batch.put_u8(IFLA_BRPORT_ISOLATED, 1);
        if (change.hairpin_port) batch.put_u8(IFLA_BRPORT_MODE, 1);
    }
}

void delete_link(NetlinkBatch& batch, const LinkName& link) {
    batch.begin(RTM_DELLINK, 0, link_header(link), concat("delete ", link_text(link)));
    if (link.index == 0) batch.put_text(IFLA_IFNAME, link.name);
}

namespace {
void put_address(NetlinkBatch& batch, std::uint16_t type, std::uint16_t flags,
                 const AddressOptions& options, std::string what) {
    ifaddrmsg header{};
    header.ifa_family = family_of(options.address);
    header.ifa_prefixlen = static_cast<unsigned char>(options.prefix_length);
    header.ifa_index = options.link;
    batch.begin(type, flags, header, std::move(what));
    batch.put(IFA_LOCAL, options.address);
    batch.put(IFA_ADDRESS, options.address);
    if (!options.broadcast.empty()) batch.put(IFA_BROADCAST, options.broadcast);
    if (options.address.size() == 16) batch.put_u32(IFA_FLAGS, IFA_F_NODAD);
}

void put_route(NetlinkBatch& batch, std::uint16_t type, std::uint16_t flags,
               const RouteOptions& options, std::string what) {
    BERTH_ASSERT(!options.gateway.empty() || !options.destination.empty());
    rtmsg header{};
    header.rtm_family = family_of(options.gateway.empty() ? options.destination : options.gateway);
    header.rtm_dst_len = static_cast<unsigned char>(options.prefix_length);
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_scope = options.gateway.empty() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    batch.begin(type, flags, header, std::move(what));
    if (!options.destination.empty()) batch.put(RTA_DST, options.destination);
    if (!options.gateway.empty()) batch.put(RTA_GATEWAY, options.gateway);
    batch.put_u32(RTA_OIF, options.link);
}
}  // namespace

void add_address(NetlinkBatch& batch, const AddressOptions& options) {
    put_address(batch, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, options,
                concat("add address to link ", options.link));
}

void delete_address(NetlinkBatch& batch, const AddressOptions& options) {
    put_address(batch, RTM_DELADDR, 0, options, concat("remove address from link ", options.link));
}

void replace_route(NetlinkBatch& batch, const RouteOptions& options) {
    put_route(batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, options,
              concat("add route over link ", options.link));
}

void delete_route(NetlinkBatch& batch, const RouteOptions& options) {
    put_route(batch, RTM_DELROUTE, 0, options, concat("remove route over link ", options.link));
}

void add_neighbour(NetlinkBatch& batch, std::uint32_t link, std::string_view address,
                   std::string_view mac) {
    ndmsg header{};
    header.ndm_family = family_of(address);
    header.ndm_ifindex = static_cast<int>(link);
    header.ndm_state = NUD_PERMANENT;
    batch.begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, header,
                concat("add neighbour on link ", link));
    batch.put(NDA_DST, address);
    batch.put(NDA_LLADDR, mac);
}

std::optional<LinkInfo> parse_link(const NetlinkMessage& message) {
    auto header = message.header<ifinfomsg>();
    if (message.type != RTM_NEWLINK || !header) return std::nullopt;
    LinkInfo out;
    out.index = static_cast<std::uint32_t>(header->ifi_index);
    out.up = (header->ifi_flags & IFF_UP) != 0;
    for (const auto& attribute : parse_netlink_attributes(message.attributes(sizeof(ifinfomsg)))) {
        switch (attribute.type) {
            case IFLA_IFNAME: out.name = attribute.as_text(); break;
            case IFLA_IFALIAS: out.alias = attribute.as_text(); break;
            case IFLA_ADDRESS: out.mac = attribute.bytes; break;
            case IFLA_MASTER: out.master = attribute.as_u32().value_or(0); break;
            case IFLA_MTU: out.mtu = attribute.as_u32().value_or(0); break;
            case IFLA_LINKINFO:
                if (auto kind = find_netlink_attribute(attribute.bytes, IFLA_INFO_KIND))
                    out.kind = kind->as_text();
                break;
            default: break;
        }
    }
    return out;
}

namespace {
// One dump of everything of a kind. The kernel says when the list changed while it was read: then
// it is read again.
template <typename Header, typename Parse>
auto list(NetlinkSocket& socket, std::uint16_t type, const Header& header, std::string what,
          Parse parse)
    -> Result<
        std::vector<typename std::invoke_result_t<Parse, const NetlinkMessage&>::value_type>> {
    constexpr int attempts = 20;
    for (int attempt = 1;; ++attempt) {
        std::vector<typename std::invoke_result_t<Parse, const NetlinkMessage&>::value_type> out;
        NetlinkBatch request;
        request.begin(type, NLM_F_DUMP, header, what);
        auto done = socket.dump(request, [&](const NetlinkMessage& message) {
            if (auto item = parse(message)) out.push_back(std::move(*item));
        });
        if (!done.is_error()) return out;
        if (!done.error().is(ErrorCode::Unavailable) || attempt == attempts)
            return std::move(done).error();
    }
}
}  // namespace

Result<std::vector<LinkInfo>> list_links(NetlinkSocket& socket) {
    return list(socket, RTM_GETLINK, link_header({}), "list links", parse_link);
}

Result<LinkInfo> find_link(NetlinkSocket& socket, const LinkName& link) {
    NetlinkBatch request;
    request.begin(RTM_GETLINK, 0, link_header(link), concat("find ", link_text(link)));
    if (link.index == 0) request.put_text(IFLA_IFNAME, link.name);
    std::optional<LinkInfo> out;
    auto asked =
        socket.query(request, [&](const NetlinkMessage& message) { out = parse_link(message); });
    if (asked.is_error()) {
        if (asked.error().error_number() == ENODEV) {
            return std::move(asked).error().with_code(ErrorCode::NotFound);
        }
        return std::move(asked).error();
    }
    if (!out) return fail(ErrorCode::NotFound, "no ", link_text(link));
    return std::move(*out);
}

Result<> settle_carriers(NetlinkSocket& socket, std::span<const LinkName> links) {
    NetlinkBatch request;
    for (const auto& link : links) {
        request.begin(RTM_GETLINK, 0, link_header(link), concat("find ", link_text(link)));
        if (link.index == 0) request.put_text(IFLA_IFNAME, link.name);
    }
    return socket.transact(request);
}

std::optional<RouteInfo> parse_route(const NetlinkMessage& message) {
    auto header = message.header<rtmsg>();
    if (message.type != RTM_NEWROUTE || !header) return std::nullopt;
    if (header->rtm_table != RT_TABLE_MAIN || header->rtm_type != RTN_UNICAST) return std::nullopt;
    RouteInfo out;
    out.is_v4 = header->rtm_family == AF_INET;
    out.prefix_length = header->rtm_dst_len;
    for (const auto& attribute : parse_netlink_attributes(message.attributes(sizeof(rtmsg)))) {
        switch (attribute.type) {
            case RTA_DST: out.destination = attribute.bytes; break;
            case RTA_GATEWAY: out.gateway = attribute.bytes; break;
            case RTA_OIF: out.link = attribute.as_u32().value_or(0); break;
            default: break;
        }
    }
    return out;
}

Result<std::vector<RouteInfo>> list_routes(NetlinkSocket& socket) {
    return list(socket, RTM_GETROUTE, rtmsg{}, "list routes", parse_route);
}

std::optional<AddressInfo> parse_address(const NetlinkMessage& message) {
    auto header = message.header<ifaddrmsg>();
    if (message.type != RTM_NEWADDR || !header) return std::nullopt;
    AddressInfo out{header->ifa_index, {}, header->ifa_prefixlen};
    auto attributes = message.attributes(sizeof(ifaddrmsg));
    auto address = find_netlink_attribute(attributes, IFA_LOCAL);
    if (!address) address = find_netlink_attribute(attributes, IFA_ADDRESS);
    if (!address) return std::nullopt;
    out.address = address->bytes;
    out.is_permanent =
        header->ifa_scope == RT_SCOPE_UNIVERSE && (header->ifa_flags & IFA_F_PERMANENT);
    return out;
}

Result<std::vector<AddressInfo>> list_addresses(NetlinkSocket& socket) {
    return list(socket, RTM_GETADDR, ifaddrmsg{}, "list addresses", parse_address);
}

}  // namespace berth::sys
