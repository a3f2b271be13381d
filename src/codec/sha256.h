#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace berth::codec {

/// A running SHA-256 (FIPS 180-4), over OpenSSL, which uses the processor's SHA extensions.
class Sha256 {
public:
    Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    ~Sha256();

    void update(std::span<const std::byte> bytes);
    /// The hash of everything so far. The object starts over.
    std::array<std::byte, 32> finish();
    /// The same as 64 lower-case hexadecimal characters.
    std::string finish_hex();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// 64 hexadecimal characters.
std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace berth::codec
