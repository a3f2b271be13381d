#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "registry/route.h"

// What is routed to a repository names one, and references never hold a slash.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using berth::registry::Resource;
    const auto route = berth::registry::find_route({reinterpret_cast<const char*>(data), size});
    if (!route) return 0;
    BERTH_ASSERT(route->reference.find('/') == std::string::npos);
    const bool is_global =
        route->resource == Resource::Base || route->resource == Resource::Catalog;
    BERTH_ASSERT(is_global == route->repository.empty());
    return 0;
}
