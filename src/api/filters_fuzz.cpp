#include <cstdlib>

#include "api/filters.h"

// Writing and reading again keeps every key and the number of its values.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using berth::api::Filters;
    const auto filters = Filters::parse({reinterpret_cast<const char*>(data), size});
    if (!filters) return 0;
    const auto again = Filters::parse(filters->to_json());
    if (!again || again->to_json() != filters->to_json()) std::abort();
    if (!filters->matches_name("name", "web") && !filters->has("name")) std::abort();
    return 0;
}
