#include "sys/memory.h"

#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace berth::sys {
namespace {

struct Range {
    std::uintptr_t start, bytes;
};
struct Ranges {
    std::array<Range, 8> items;
    std::size_t count = 0;
};

int add_segments(dl_phdr_info* object, std::size_t, void* out) {
    auto& ranges = *static_cast<Ranges*>(out);
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum && ranges.count < ranges.items.size(); ++i) {
        const auto& segment = object->dlpi_phdr[i];
        // Only what was never written: private changes (relocations, data) would be lost.
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
        const std::uintptr_t start = (object->dlpi_addr + segment.p_vaddr + page - 1) & ~(page - 1);
        const std::uintptr_t end =
            (object->dlpi_addr + segment.p_vaddr + segment.p_memsz) & ~(page - 1);
        if (end > start) ranges.items[ranges.count++] = {start, end - start};
    }
    return 1;  // the program itself comes first; shared libraries are shared anyway
}

/// A system call without a page of the C library.
[[gnu::always_inline]] inline long call(long number, std::uintptr_t a, std::uintptr_t b,
                                        std::uintptr_t c, std::uintptr_t d = 0) {
#if defined(__x86_64__)
    long out = 0;
    register std::uintptr_t fourth asm("r10") = d;
    register std::uintptr_t fifth asm("r8") = 0;
    asm volatile("syscall"
                 : "=a"(out)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                 : "rcx", "r11", "memory");
    return out;
#elif defined(__aarch64__)
    register long x8 asm("x8") = number;
    register std::uintptr_t x0 asm("x0") = a;
    register std::uintptr_t x1 asm("x1") = b;
    register std::uintptr_t x2 asm("x2") = c;
    register std::uintptr_t x3 asm("x3") = d;
    register std::uintptr_t x4 asm("x4") = 0;
    asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return static_cast<long>(x0);
#else
    return ::syscall(number, a, b, c, d, 0);
#endif
}

/// The code between the first madvise and the return of ppoll lies in this function's page alone.
[[gnu::noinline, gnu::aligned(256)]] void release_and_poll(const Ranges& ranges, pollfd* poll,
                                                           const timespec* limit) {
    for (std::size_t i = 0; i < ranges.count; ++i)
        call(SYS_madvise, ranges.items[i].start, ranges.items[i].bytes, MADV_DONTNEED);
    call(SYS_ppoll, reinterpret_cast<std::uintptr_t>(poll), 1,
         reinterpret_cast<std::uintptr_t>(limit));
}

}  // namespace

void release_memory_and_wait(BorrowedFd epoll, std::optional<std::chrono::milliseconds> limit) {
    Ranges ranges;
    ::malloc_trim(0);
    ::dl_iterate_phdr(add_segments, &ranges);
    pollfd poll{.fd = epoll.get(), .events = POLLIN, .revents = 0};
    timespec time{};
    if (limit) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(*limit);
        time.tv_sec = seconds.count();
        time.tv_nsec = std::chrono::nanoseconds(*limit - seconds).count();
    }
    release_and_poll(ranges, &poll, limit ? &time : nullptr);
}

}  // namespace berth::sys
