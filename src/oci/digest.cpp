#include "oci/digest.h"

#include "codec/sha256.h"

namespace berth::oci {

Result<Digest> Digest::parse(std::string_view text) {
    const auto parts = split_once(text, ':');
    if (!parts)
        return fail(ErrorCode::InvalidArgument, "invalid digest \"", text, "\": no algorithm");
    const auto [algorithm, hex] = *parts;
    const std::size_t length = algorithm == "sha256" ? 64 : algorithm == "sha512" ? 128 : 0;
    if (length == 0) {
        return fail(ErrorCode::InvalidArgument, "invalid digest \"", text,
                    "\": algorithm must be sha256 or sha512");
    }
    if (hex.size() != length ||
        hex.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
        return fail(ErrorCode::InvalidArgument, "invalid digest \"", text, "\": want ", length,
                    " lower-case hexadecimal characters");
    }
    return Digest(std::string(text));
}

Digest Digest::of(std::string_view bytes) {
    codec::Sha256 hash;
    hash.update(as_bytes(bytes));
    return from_sha256_hex(hash.finish_hex());
}

Digest Digest::from_sha256_hex(std::string_view hex) {
    BERTH_ASSERT(hex.size() == 64);
    return Digest(concat("sha256:", hex));
}

}  // namespace berth::oci
