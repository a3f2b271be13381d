#include "sys/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

namespace berth::sys {

namespace {
constexpr std::uint16_t conntrack_type(int message) {
    return static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | message);
}
}  // namespace

std::optional<TrackedFlow> parse_tracked_flow(const NetlinkMessage& message) {
    auto header = message.header<nfgenmsg>();
    if (message.type != conntrack_type(IPCTNL_MSG_CT_NEW) || !header) return std::nullopt;
    auto tuple = find_netlink_attribute(message.attributes(sizeof(nfgenmsg)), CTA_TUPLE_ORIG);
    if (!tuple) return std::nullopt;
    auto transport = find_netlink_attribute(tuple->bytes, CTA_TUPLE_PROTO);
    if (!transport) return std::nullopt;
    auto protocol = find_netlink_attribute(transport->bytes, CTA_PROTO_NUM);
    auto port = find_netlink_attribute(transport->bytes, CTA_PROTO_DST_PORT);
    if (!protocol || protocol->bytes.size() != 1) return std::nullopt;
    TrackedFlow out{static_cast<std::uint8_t>(protocol->bytes[0]), 0, header->nfgen_family,
                    std::string(tuple->bytes)};
    if (port && port->bytes.size() == 2) {
        out.destination_port =
            static_cast<std::uint16_t>((static_cast<unsigned char>(port->bytes[0]) << 8) |
                                       static_cast<unsigned char>(port->bytes[1]));
    }
    return out;
}

Result<> forget_udp_flows(NetlinkSocket& socket, std::span<const std::uint16_t> ports) {
    NetlinkBatch request;
    request.begin(conntrack_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP,
                  nfgenmsg{AF_UNSPEC, NFNETLINK_V0, 0}, "list flows");
    std::vector<TrackedFlow> matching;
    auto listed = socket.dump(request, [&](const NetlinkMessage& message) {
        auto flow = parse_tracked_flow(message);
        if (!flow || flow->protocol != IPPROTO_UDP) return;
        if (std::find(ports.begin(), ports.end(), flow->destination_port) != ports.end()) {
            matching.push_back(std::move(*flow));
        }
    });
    // Without the conntrack module there are no flows.
    if (listed.is_error() && listed.error().error_number() == EOPNOTSUPP) return {};
    TRY(std::move(listed));
    for (const auto& flow : matching) {
        NetlinkBatch removal;
        removal.begin(conntrack_type(IPCTNL_MSG_CT_DELETE), 0,
                      nfgenmsg{flow.family, NFNETLINK_V0, 0}, "forget a flow");
        removal.put(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.tuple);
        auto removed = socket.transact(removal);
        // It may have ended by itself meanwhile.
        if (removed.is_error() && removed.error().error_number() != ENOENT) return removed;
    }
    return {};
}

}  // namespace berth::sys
