#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "container/users.h"

using namespace berth::container;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = size / 2;
    const AccountFiles files{.passwd = text.substr(0, cut), .group = text.substr(cut)};
    for (const char* user : {"", "a", "0", "7:8", "a:a"}) {
        const auto resolved = resolve_user(files, user, {"a"});
        // A number never becomes another one.
        if (resolved && std::string_view(user) == "7:8" &&
            (resolved->uid != 7 || resolved->gid != 8))
            std::abort();
    }
    return 0;
}
