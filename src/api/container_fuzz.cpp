#include <cstdlib>

#include "api/container.h"

// What was accepted once is accepted again after writing, and means the same.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using berth::api::ContainerCreateRequest;
    const auto request = ContainerCreateRequest::parse({reinterpret_cast<const char*>(data), size});
    if (!request) return 0;
    const std::string text = request->to_json();
    const auto again = ContainerCreateRequest::parse(text);
    if (!again || again->to_json() != text) std::abort();
    return 0;
}
