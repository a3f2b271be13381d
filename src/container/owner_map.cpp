#include "container/owner_map.h"

#include "base/text.h"

namespace berth::container {
namespace {
constexpr std::uint32_t wanted_ids = 65'536;
}

IdRange find_subordinate_range(std::string_view file, std::string_view name, std::uint32_t id) {
    const std::string number = std::to_string(id);
    for (const std::string& line : split(file, '\n')) {
        const std::vector<std::string> fields = split(trim(line), ':');
        if (fields.size() != 3 || ((name.empty() || fields[0] != name) && fields[0] != number))
            continue;
        const auto first = parse_uint(fields[1]), count = parse_uint(fields[2]);
        if (!first || !count || *first == 0 || *count < wanted_ids || *first > UINT32_MAX - *count)
            continue;
        return {static_cast<std::uint32_t>(*first), wanted_ids};
    }
    return {unclaimed_ids, wanted_ids};
}

std::vector<oci::RuntimeIdMapping> owner_map(std::uint32_t owner, std::uint32_t user,
                                             IdRange rest) {
    std::vector<oci::RuntimeIdMapping> out{{owner, user, 1}};
    if (user >= rest.count) {
        out.push_back({rest.first, 0, rest.count});
        return out;
    }
    if (user > 0) out.push_back({rest.first, 0, user});
    if (user + 1 < rest.count)
        out.push_back({rest.first + user + 1, user + 1, rest.count - user - 1});
    return out;
}

}  // namespace berth::container
