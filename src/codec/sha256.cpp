#include "codec/sha256.h"

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/text.h"

namespace berth::codec {

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    State() { BERTH_ASSERT(EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1); }
    ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
    BERTH_ASSERT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::array<std::byte, 32> Sha256::finish() {
    std::array<std::byte, 32> hash;
    BERTH_ASSERT(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(hash.data()),
                                    nullptr) == 1);
    BERTH_ASSERT(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
    return hash;
}

std::string Sha256::finish_hex() { return to_hex(finish()); }

std::string sha256_hex(std::span<const std::byte> bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish_hex();
}

}  // namespace berth::codec
