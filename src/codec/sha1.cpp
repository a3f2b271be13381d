#include "codec/sha1.h"

#include <openssl/evp.h>

#include "base/assert.h"

namespace berth::codec {

std::array<std::byte, 20> sha1(std::span<const std::byte> bytes) {
    std::array<std::byte, 20> hash;
    BERTH_ASSERT(EVP_Digest(bytes.data(), bytes.size(),
                            reinterpret_cast<unsigned char*>(hash.data()), nullptr, EVP_sha1(),
                            nullptr) == 1);
    return hash;
}

}  // namespace berth::codec
