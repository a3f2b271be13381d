#pragma once
#include <string>
#include <vector>

namespace berth::record {

/// The tables of one module. `versions[i]` is the SQL that takes the module's tables from version i
/// to i+1; released entries are never edited, only appended to.
///     const record::Schema schema{"network", {"CREATE TABLE network (id TEXT) STRICT"}};
struct Schema {
    std::string name;
    std::vector<std::string> versions;
};

}  // namespace berth::record
