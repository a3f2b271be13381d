#include <cstdlib>
#include <string>

#include "api/stream_frame.h"

// Cutting a stream anywhere does not change what comes out of it.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace berth::api;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto decode = [&](std::size_t step) {
        FrameDecoder decoder;
        std::string out;
        for (std::size_t at = 0; at < text.size(); at += step) {
            const auto fed =
                decoder.feed(text.substr(at, step), [&](Stream, std::string_view bytes) {
                    out += bytes;
                    return berth::Result<>();
                });
            if (!fed) return out + "!" + fed.error().message();
        }
        return out;
    };
    if (!text.empty() && decode(1) != decode(text.size())) std::abort();
    return 0;
}
