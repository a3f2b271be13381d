#pragma once
#include <utility>

namespace berth::sys {

/// A descriptor that someone else owns; valid only as long as the owner keeps it open.
class BorrowedFd {
public:
    constexpr BorrowedFd(int number) : number_(number) {}
    constexpr int get() const { return number_; }

private:
    int number_;
};

/// An open file descriptor and its owner: closed on destruction, moved but never copied.
class Fd {
public:
    Fd() = default;
    explicit Fd(int number) : number_(number) {}
    Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            close();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    ~Fd() { close(); }

    int get() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }
    operator BorrowedFd() const { return BorrowedFd(number_); }
    /// Gives the descriptor up without closing it.
    int release() { return std::exchange(number_, -1); }
    /// Closes now. Errors of close(2) are not reported: use fsync first where the data matters.
    void close();

private:
    int number_ = -1;
};

}  // namespace berth::sys
