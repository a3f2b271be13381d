#include "shim/name_table.h"

#include <algorithm>

#include "base/text.h"

namespace berth::shim {

NameTable::NameTable(const Names& names) : servers_(names.servers) {
    for (const NameRecord& record : names.records) {
        if (record.primary) {
            for (const std::string& address : record.addresses)
                names_.emplace(address, record.name);
        } else {
            auto& known = addresses_[to_lower(record.name)];
            for (const std::string& address : record.addresses) {
                if (std::ranges::find(known, address) == known.end()) known.push_back(address);
            }
        }
    }
}

std::optional<DnsAnswer> NameTable::answer(const DnsQuestion& question) {
    if (question.record_class != 1) return std::nullopt;
    if (question.type == dns_type_ptr) {
        if (const auto address = parse_reverse_name(question.name)) {
            if (const auto name = names_.find(*address); name != names_.end())
                return DnsAnswer{.target = name->second};
        }
    } else if (const auto found = addresses_.find(question.name); found != addresses_.end()) {
        DnsAnswer answer{.addresses = found->second};
        std::ranges::rotate(answer.addresses,
                            answer.addresses.begin() + rotation_++ % answer.addresses.size());
        return answer;
    }
    // Nobody else to ask (an internal network): the name does not exist here, and saying so at once
    // spares clients their time-outs.
    if (servers_.empty()) return DnsAnswer{.code = DnsCode::NameError};
    return std::nullopt;
}

}  // namespace berth::shim
