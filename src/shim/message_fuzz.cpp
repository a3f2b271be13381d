#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "shim/protocol.h"

using namespace berth::shim;

namespace {
// What was read must survive being written and read again.
template <typename T>
void check(std::string_view body) {
    const auto first = decode<T>(body);
    if (!first) return;
    const std::string again = encode(*first);
    const auto parsed = parse_header(again);
    if (!parsed) std::abort();
    const auto second = decode<T>(parsed->second);
    if (!second || encode(*second) != again) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = parse_header({reinterpret_cast<const char*>(data), size});
    if (!message) return 0;
    check<Configure>(message->second);
    check<Names>(message->second);
    check<Exec>(message->second);
    check<State>(message->second);
    check<Health>(message->second);
    return 0;
}
