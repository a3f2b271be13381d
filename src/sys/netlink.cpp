#include "sys/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <cstring>

#include "base/assert.h"

namespace berth::sys {

namespace {
constexpr std::size_t aligned(std::size_t size) { return NLMSG_ALIGN(size); }

// Acknowledgements carry the kernel's words after the echoed header: netlink(7), NETLINK_EXT_ACK.
NetlinkSocket::Outcome read_outcome(const NetlinkMessage& message) {
    auto error = message.header<nlmsgerr>();
    if (!error) return {EPROTO, "short acknowledgement"};
    NetlinkSocket::Outcome outcome{-error->error, {}};
    std::size_t skipped = sizeof(nlmsgerr);
    if ((message.flags & NLM_F_CAPPED) == 0 && error->msg.nlmsg_len > sizeof(nlmsghdr)) {
        skipped += error->msg.nlmsg_len - sizeof(nlmsghdr);
    }
    if (message.flags & NLM_F_ACK_TLVS) {
        if (auto text = find_netlink_attribute(message.attributes(skipped), NLMSGERR_ATTR_MSG)) {
            outcome.text = text->as_text();
        }
    }
    return outcome;
}

Error to_error(const NetlinkSocket::Outcome& outcome, const std::string& what) {
    Error error = Error::from_errno("netlink", outcome.error_number);
    if (!outcome.text.empty()) error = std::move(error).with_context(outcome.text);
    return std::move(error).with_context(what);
}
}  // namespace

void NetlinkBatch::begin_raw(std::uint16_t type, std::uint16_t flags, std::string_view header,
                             std::string what) {
    end_message();
    messages_.push_back({buffer_.size(), std::move(what)});
    nlmsghdr head{};
    head.nlmsg_type = type;
    head.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
    append({reinterpret_cast<const char*>(&head), sizeof(head)});
    append(header);
}

void NetlinkBatch::append(std::string_view bytes) {
    buffer_.append(bytes);
    buffer_.resize(aligned(buffer_.size()), '\0');
}

void NetlinkBatch::put(std::uint16_t type, std::string_view bytes) {
    nlattr attribute{static_cast<std::uint16_t>(sizeof(nlattr) + bytes.size()), type};
    buffer_.append(reinterpret_cast<const char*>(&attribute), sizeof(attribute));
    append(bytes);
}

void NetlinkBatch::put_text(std::uint16_t type, std::string_view text) {
    std::string with_zero(text);
    with_zero.push_back('\0');
    put(type, with_zero);
}

void NetlinkBatch::put_u8(std::uint16_t type, std::uint8_t value) {
    put(type, {reinterpret_cast<char*>(&value), 1});
}
void NetlinkBatch::put_u16(std::uint16_t type, std::uint16_t value) {
    put(type, {reinterpret_cast<char*>(&value), 2});
}
void NetlinkBatch::put_u32(std::uint16_t type, std::uint32_t value) {
    put(type, {reinterpret_cast<char*>(&value), 4});
}
void NetlinkBatch::put_be32(std::uint16_t type, std::uint32_t value) {
    put_u32(type, htonl(value));
}

NetlinkBatch::Nest NetlinkBatch::nest(std::uint16_t type) {
    std::size_t offset = buffer_.size();
    put(static_cast<std::uint16_t>(type | NLA_F_NESTED), {});
    return Nest(*this, offset);
}

void NetlinkBatch::close_nest(std::size_t offset) {
    std::size_t length = buffer_.size() - offset;
    BERTH_ASSERT(length <= 0xffff);
    auto short_length = static_cast<std::uint16_t>(length);
    std::memcpy(buffer_.data() + offset, &short_length, sizeof(short_length));
}

void NetlinkBatch::end_message() {
    if (messages_.empty()) return;
    std::size_t offset = messages_.back().offset;
    auto length = static_cast<std::uint32_t>(buffer_.size() - offset);
    std::memcpy(buffer_.data() + offset, &length, sizeof(length));
}

std::string_view NetlinkBatch::finish(std::uint32_t first_sequence) {
    end_message();
    for (std::size_t i = 0; i < messages_.size(); ++i) {
        auto sequence = static_cast<std::uint32_t>(first_sequence + i);
        std::memcpy(buffer_.data() + messages_[i].offset + offsetof(nlmsghdr, nlmsg_seq), &sequence,
                    sizeof(sequence));
    }
    return buffer_;
}

std::string_view NetlinkMessage::attributes(std::size_t header_size) const {
    header_size = aligned(header_size);
    return header_size >= payload.size() ? std::string_view{} : payload.substr(header_size);
}

std::optional<std::uint32_t> NetlinkAttribute::as_u32() const {
    if (bytes.size() != sizeof(std::uint32_t)) return std::nullopt;
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
}

std::string_view NetlinkAttribute::as_text() const { return bytes.substr(0, bytes.find('\0')); }

std::vector<NetlinkMessage> parse_netlink_messages(std::string_view datagram, bool* complete) {
    std::vector<NetlinkMessage> out;
    if (complete) *complete = false;
    while (!datagram.empty()) {
        nlmsghdr head;
        if (datagram.size() < sizeof(head)) return out;
        std::memcpy(&head, datagram.data(), sizeof(head));
        if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > datagram.size()) return out;
        out.push_back({head.nlmsg_type, head.nlmsg_flags, head.nlmsg_seq,
                       datagram.substr(sizeof(head), head.nlmsg_len - sizeof(head))});
        datagram.remove_prefix(std::min(aligned(head.nlmsg_len), datagram.size()));
    }
    if (complete) *complete = true;
    return out;
}

std::vector<NetlinkAttribute> parse_netlink_attributes(std::string_view bytes) {
    std::vector<NetlinkAttribute> out;
    while (bytes.size() >= sizeof(nlattr)) {
        nlattr head;
        std::memcpy(&head, bytes.data(), sizeof(head));
        if (head.nla_len < sizeof(head) || head.nla_len > bytes.size()) break;
        out.push_back({static_cast<std::uint16_t>(head.nla_type & NLA_TYPE_MASK),
                       bytes.substr(sizeof(head), head.nla_len - sizeof(head))});
        bytes.remove_prefix(std::min(aligned(head.nla_len), bytes.size()));
    }
    return out;
}

std::optional<NetlinkAttribute> find_netlink_attribute(std::string_view bytes, std::uint16_t type) {
    for (const auto& attribute : parse_netlink_attributes(bytes)) {
        if (attribute.type == type) return attribute;
    }
    return std::nullopt;
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
    NetlinkSocket out;
    out.owned_ = Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!out.owned_)
        return Error::from_errno("socket", errno).with_context("open a netlink socket");
    out.configure();
    return out;
}

NetlinkSocket NetlinkSocket::borrow(BorrowedFd socket) {
    NetlinkSocket out;
    out.borrowed_ = socket.get();
    out.configure();
    return out;
}

void NetlinkSocket::configure() const {
    // Both options only make errors better and smaller; kernels before 4.12 do without.
    int on = 1;
    (void)::setsockopt(fd(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    (void)::setsockopt(fd(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
}

Result<> NetlinkSocket::send(std::string_view bytes) const {
    // A batch of some thousand set elements outgrows the default buffer; SO_SNDBUFFORCE needs
    // CAP_NET_ADMIN, which every caller has that may change anything here.
    if (bytes.size() > 100'000) {
        int size = static_cast<int>(bytes.size() * 2);
        (void)::setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    }
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    ssize_t sent;
    do {
        sent = ::sendto(fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
                        sizeof(kernel));
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return Error::from_errno("sendto", errno).with_context("netlink");
    return {};
}

// The next datagram, or an empty view when none waits (with MSG_DONTWAIT) or it was not the
// kernel's.
Result<std::string_view> NetlinkSocket::receive_datagram(int flags) {
    if (receive_buffer_.empty()) receive_buffer_.resize(64 * 1024);
    sockaddr_nl sender{};
    socklen_t sender_size = sizeof(sender);
    ssize_t got;
    do {
        got = ::recvfrom(fd(), receive_buffer_.data(), receive_buffer_.size(), flags,
                         reinterpret_cast<sockaddr*>(&sender), &sender_size);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::string_view{};
    if (got < 0) return Error::from_errno("recvfrom", errno).with_context("netlink");
    if (sender.nl_pid != 0) return std::string_view{};
    return std::string_view(receive_buffer_.data(), static_cast<std::size_t>(got));
}

// Another user of this socket may have left answers behind: start far from its numbers.
void NetlinkSocket::start_sequence() {
    if (sequence_ != 0) return;
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    sequence_ = static_cast<std::uint32_t>(now.tv_nsec) | 1u;
}

Result<std::vector<NetlinkSocket::Outcome>> NetlinkSocket::transact_each(NetlinkBatch& batch) {
    if (batch.is_empty()) return std::vector<Outcome>{};
    start_sequence();
    std::uint32_t first = sequence_;
    std::size_t count = batch.message_count();
    sequence_ += static_cast<std::uint32_t>(count);
    TRY(send(batch.finish(first)));
    std::vector<Outcome> outcomes(count);
    // The kernel works while we are in sendto(): every answer is queued when it returns.
    while (true) {
        std::string_view datagram = TRY(receive_datagram(MSG_DONTWAIT));
        if (datagram.empty()) return outcomes;
        for (const auto& message : parse_netlink_messages(datagram)) {
            std::uint32_t index = message.sequence - first;
            if (message.type == NLMSG_ERROR && index < count)
                outcomes[index] = read_outcome(message);
        }
    }
}

Result<> NetlinkSocket::transact(NetlinkBatch& batch) {
    auto outcomes = TRY(transact_each(batch));
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        if (outcomes[i].error_number != 0) return to_error(outcomes[i], batch.what(i));
    }
    return {};
}

Result<> NetlinkSocket::query(NetlinkBatch& request,
                              const std::function<void(const NetlinkMessage&)>& visit) {
    BERTH_ASSERT(request.message_count() == 1);
    start_sequence();
    std::uint32_t sequence = sequence_++;
    TRY(send(request.finish(sequence)));
    while (true) {
        std::string_view datagram = TRY(receive_datagram(MSG_DONTWAIT));
        if (datagram.empty()) return {};
        for (const auto& message : parse_netlink_messages(datagram)) {
            if (message.sequence != sequence) continue;
            if (message.type != NLMSG_ERROR) {
                visit(message);
                continue;
            }
            Outcome outcome = read_outcome(message);
            if (outcome.error_number != 0) return to_error(outcome, request.what(0));
        }
    }
}

Result<> NetlinkSocket::dump(NetlinkBatch& request,
                             const std::function<void(const NetlinkMessage&)>& visit) {
    BERTH_ASSERT(request.message_count() == 1);
    start_sequence();
    std::uint32_t sequence = sequence_++;
    TRY(send(request.finish(sequence)));
    bool interrupted = false;
    while (true) {
        std::string_view datagram = TRY(receive_datagram(0));
        for (const auto& message : parse_netlink_messages(datagram)) {
            if (message.sequence != sequence) continue;
            interrupted |= (message.flags & NLM_F_DUMP_INTR) != 0;
            if (message.type == NLMSG_ERROR) {
                Outcome outcome = read_outcome(message);
                if (outcome.error_number == 0) continue;
                return to_error(outcome, request.what(0));
            }
            if (message.type == NLMSG_DONE) {
                if (interrupted)
                    return fail(ErrorCode::Unavailable, request.what(0), ": it changed meanwhile");
                return {};
            }
            visit(message);
        }
    }
}

Result<> NetlinkSocket::join(int group) {
    // A socket without a port of its own is left out of every broadcast.
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    if (::bind(fd(), reinterpret_cast<sockaddr*>(&own), sizeof(own)) != 0 && errno != EINVAL) {
        return Error::from_errno("bind", errno).with_context("join a netlink group");
    }
    if (::setsockopt(fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) != 0) {
        return Error::from_errno("setsockopt", errno).with_context("join a netlink group");
    }
    return {};
}

Result<bool> NetlinkSocket::receive(int timeout_ms, BorrowedFd wake,
                                    const std::function<void(const NetlinkMessage&)>& visit) {
    pollfd waiters[] = {{fd(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
    int ready = ::poll(waiters, 2, timeout_ms);
    if (ready < 0 && errno != EINTR) return Error::from_errno("poll", errno);
    if (ready <= 0 || waiters[0].revents == 0) return false;
    auto datagram = receive_datagram(MSG_DONTWAIT);
    if (datagram.is_error()) {
        // The queue overran: messages were lost, which the caller treats as "something changed".
        if (datagram.error().error_number() == ENOBUFS) return true;
        return std::move(datagram).error();
    }
    for (const auto& message : parse_netlink_messages(*datagram)) visit(message);
    return true;
}

}  // namespace berth::sys
