#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// Netlink messages written one after another into one buffer, to be sent with one system call.
///     NetlinkBatch batch;
///     batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, header, "create veth");
///     batch.put_text(IFLA_IFNAME, "eth0");
///     { auto info = batch.nest(IFLA_LINKINFO);  batch.put_text(IFLA_INFO_KIND, "veth"); }
/// netlink(7)
class NetlinkBatch {
public:
    /// Open for as long as it lives: what is written meanwhile is inside the attribute.
    class Nest {
    public:
        ~Nest() { batch_.close_nest(offset_); }
        Nest(const Nest&) = delete;
        Nest& operator=(const Nest&) = delete;

    private:
        friend class NetlinkBatch;
        Nest(NetlinkBatch& batch, std::size_t offset) : batch_(batch), offset_(offset) {}
        NetlinkBatch& batch_;
        std::size_t offset_;
    };

    /// Starts a message. `what` names it in errors ("add address 172.17.0.2/16"). NLM_F_REQUEST is
    /// implied.
    template <typename Header>
    void begin(std::uint16_t type, std::uint16_t flags, const Header& header, std::string what) {
        begin_raw(type, flags, {reinterpret_cast<const char*>(&header), sizeof(header)},
                  std::move(what));
    }
    void put(std::uint16_t type, std::string_view bytes);
    /// With the terminating zero that the kernel expects of names.
    void put_text(std::uint16_t type, std::string_view text);
    void put_u8(std::uint16_t type, std::uint8_t value);
    void put_u16(std::uint16_t type, std::uint16_t value);
    void put_u32(std::uint16_t type, std::uint32_t value);
    /// In network order, as nfnetlink wants its numbers.
    void put_be32(std::uint16_t type, std::uint32_t value);
    /// A struct without an attribute header, inside a nest (the peer's ifinfomsg of a veth).
    template <typename T>
    void put_raw(const T& value) {
        append({reinterpret_cast<const char*>(&value), sizeof(value)});
    }
    [[nodiscard]] Nest nest(std::uint16_t type);

    bool is_empty() const { return messages_.empty(); }
    std::size_t message_count() const { return messages_.size(); }
    const std::string& what(std::size_t index) const { return messages_[index].what; }
    /// The bytes so far, lengths filled in, sequence numbers counting from `first_sequence`.
    std::string_view finish(std::uint32_t first_sequence);

private:
    struct Message {
        std::size_t offset;
        std::string what;
    };
    void begin_raw(std::uint16_t type, std::uint16_t flags, std::string_view header,
                   std::string what);
    void append(std::string_view bytes);
    void close_nest(std::size_t offset);
    void end_message();

    std::string buffer_;
    std::vector<Message> messages_;
};

/// One received message; views into the receive buffer.
struct NetlinkMessage {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    std::uint32_t sequence = 0;
    std::string_view payload;

    /// The fixed header at the front of the payload; nullopt when it is too short.
    template <typename Header>
    std::optional<Header> header() const {
        if (payload.size() < sizeof(Header)) return std::nullopt;
        Header out;
        __builtin_memcpy(&out, payload.data(), sizeof(Header));
        return out;
    }
    /// What follows a header of `header_size` bytes.
    std::string_view attributes(std::size_t header_size) const;
};

struct NetlinkAttribute {
    std::uint16_t type = 0;
    std::string_view bytes;

    std::optional<std::uint32_t> as_u32() const;
    /// Up to the first zero.
    std::string_view as_text() const;
};

/// Splits a datagram into messages. Stops at the first malformed one, and says so with `*complete`.
std::vector<NetlinkMessage> parse_netlink_messages(std::string_view datagram,
                                                   bool* complete = nullptr);
/// Splits a run of attributes; a malformed rest is left out. Nested and byte-order flags are cut
/// off the types.
std::vector<NetlinkAttribute> parse_netlink_attributes(std::string_view bytes);
std::optional<NetlinkAttribute> find_netlink_attribute(std::string_view bytes, std::uint16_t type);

/// A netlink conversation over one socket. Not thread-safe: one user at a time.
class NetlinkSocket {
public:
    /// Opens a socket in the current network namespace: NETLINK_ROUTE, NETLINK_NETFILTER.
    static Result<NetlinkSocket> open(int protocol);
    /// Uses a socket that someone else opened, e.g. inside another network namespace.
    static NetlinkSocket borrow(BorrowedFd socket);

    /// The outcome of one message: 0 or an errno, with the kernel's words when it has any.
    struct Outcome {
        int error_number = 0;
        std::string text;
    };
    /// Sends the batch at once; one outcome for each message, in order. Messages after a failed one
    /// are carried out too (rtnetlink) or none is (nfnetlink batches).
    Result<std::vector<Outcome>> transact_each(NetlinkBatch& batch);
    /// The same when every message has to succeed: the first failure, named by its message.
    Result<> transact(NetlinkBatch& batch);
    /// Sends one request whose answer is messages (RTM_GETLINK of one link) and hands them to
    /// `visit`.
    Result<> query(NetlinkBatch& request, const std::function<void(const NetlinkMessage&)>& visit);
    /// Sends one request with NLM_F_DUMP and hands every answer to `visit`. Repeats nothing: a dump
    /// that the kernel marks as interrupted fails with Unavailable.
    Result<> dump(NetlinkBatch& request, const std::function<void(const NetlinkMessage&)>& visit);
    /// Joins a multicast group, then receive() waits for its messages.
    Result<> join(int group);
    /// Waits for messages for at most `timeout_ms` (-1: without limit), or until `wake` becomes
    /// readable; false when none came. An overrun (ENOBUFS) counts as messages.
    Result<bool> receive(int timeout_ms, BorrowedFd wake,
                         const std::function<void(const NetlinkMessage&)>& visit);

    int fd() const { return borrowed_ ? *borrowed_ : owned_.get(); }

private:
    NetlinkSocket() = default;
    void configure() const;
    Result<> send(std::string_view bytes) const;
    Result<std::string_view> receive_datagram(int flags);
    void start_sequence();

    Fd owned_;
    std::optional<int> borrowed_;
    std::uint32_t sequence_ = 0;
    std::vector<char> receive_buffer_;
};

}  // namespace berth::sys
