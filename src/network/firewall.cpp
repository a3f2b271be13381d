#include "network/firewall.h"

extern "C" {
#include <nftables/libnftables.h>
}

#include <linux/netlink.h>
#include <algorithm>
#include <memory>
#include <mutex>

#include "base/text.h"
#include "sys/conntrack.h"

namespace berth::network {

namespace {
Result<> load_ruleset(const std::string& text) {
    // libnftables keeps parser state outside its context.
    static std::mutex parser;
    std::lock_guard lock(parser);
    std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT),
                                                              nft_ctx_free);
    if (!context) return fail(ErrorCode::Unsupported, "nftables is not available");
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    if (nft_run_cmd_from_buffer(context.get(), text.c_str()) == 0) return {};
    std::string message = nft_ctx_get_error_buffer(context.get());
    return Error(ErrorCode::Unsupported, std::string(trim(message.substr(0, message.find('\n')))))
        .with_context("load nftables rules")
        .with_hint("the kernel needs nf_tables with nat, fib, and concatenated maps");
}

std::vector<sys::NftElement> sorted(std::vector<sys::NftElement> elements) {
    std::sort(elements.begin(), elements.end(), [](const auto& a, const auto& b) {
        return std::tie(a.key, a.value) < std::tie(b.key, b.value);
    });
    return elements;
}

bool are_equal(const std::vector<sys::NftElement>& a, const std::vector<sys::NftElement>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x.key == y.key && x.value == y.value;
    });
}
}  // namespace

Result<std::unique_ptr<Firewall>> Firewall::open(std::string table) {
    auto socket = TRY(sys::NetlinkSocket::open(NETLINK_NETFILTER));
    return std::unique_ptr<Firewall>(new Firewall(std::move(table), std::move(socket)));
}

Result<> Firewall::replace(const RulesetPlan& plan) {
    auto socket = socket_.lock();
    return load_ruleset(ruleset_text(table_, plan));
}

Result<std::vector<std::string>> Firewall::compare(const RulesetPlan& plan) {
    std::vector<std::string> out;
    auto socket = socket_.lock();
    if (!TRY(sys::has_nft_table(*socket, table_))) {
        out.push_back(concat("nftables table ", table_, " is missing"));
        return out;
    }
    if (TRY(sys::count_nft_rules(*socket, table_)) != ruleset_rule_count()) {
        out.push_back(concat("rules of nftables table ", table_, " were changed"));
    }
    auto wanted = plan_changes(plan);
    for (const auto& set : ruleset_sets()) {
        auto listed = sys::list_nft_elements(*socket, table_, set);
        if (listed.is_error() && listed.error().is(ErrorCode::NotFound)) {
            out.push_back(concat("nftables set ", set, " is missing"));
            continue;
        }
        if (listed.is_error()) return std::move(listed).error();
        auto want = std::find_if(wanted.begin(), wanted.end(),
                                 [&](const auto& change) { return change.set == set; });
        auto expected =
            want == wanted.end() ? std::vector<sys::NftElement>{} : sorted(want->elements);
        if (!are_equal(sorted(std::move(*listed)), expected)) {
            out.push_back(concat("nftables set ", set, " differs"));
        }
    }
    return out;
}

Result<> Firewall::change(std::vector<sys::NftChange> changes) {
    auto merged = merge_changes(std::move(changes));
    auto socket = socket_.lock();
    return sys::change_nft_elements(*socket, table_, merged);
}

Result<> Firewall::forget_udp_flows(const std::vector<std::uint16_t>& ports) {
    auto socket = socket_.lock();
    return sys::forget_udp_flows(*socket, ports);
}

Result<> Firewall::remove() {
    auto socket = socket_.lock();
    return sys::delete_nft_table(*socket, table_);
}

}  // namespace berth::network
