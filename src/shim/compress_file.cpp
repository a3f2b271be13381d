#include "shim/compress_file.h"

#include <zstd.h>

#include <memory>
#include <vector>

#include "sys/file.h"

namespace berth::shim {

Result<> compress_file(const std::string& path) {
    const std::string aside = path + ".zst.new";
    const sys::Fd from = TRY(sys::open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    const sys::Fd to = TRY(sys::open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0640));
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                       ZSTD_freeCCtx);
    std::vector<std::byte> input(64 * 1024), output(64 * 1024);
    bool at_end = false;
    while (!at_end) {
        const std::size_t got = TRY(sys::read(from, input));
        at_end = got == 0;
        ZSTD_inBuffer in{input.data(), got, 0};
        std::size_t left = 0;
        do {
            ZSTD_outBuffer out{output.data(), output.size(), 0};
            left = ZSTD_compressStream2(context.get(), &out, &in,
                                        at_end ? ZSTD_e_end : ZSTD_e_continue);
            if (ZSTD_isError(left))
                return fail(ErrorCode::Internal, "compress ", path, ": ", ZSTD_getErrorName(left));
            TRY(sys::write_all(to, std::span<const std::byte>(output).first(out.pos)));
        } while (at_end ? left != 0 : in.pos < in.size);
    }
    TRY(sys::rename(aside, path + ".zst"));
    return sys::unlink(path);
}

}  // namespace berth::shim
