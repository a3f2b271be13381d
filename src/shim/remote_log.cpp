#include "shim/remote_log.h"

#include "base/text.h"
#include "shim/log_writer.h"
#include "sys/inet.h"
#include "sys/socket.h"
#include "sys/stream.h"

namespace berth::shim {
namespace {

using namespace std::chrono_literals;
constexpr auto first_pause = 500ms;
constexpr auto longest_pause = 30'000ms;
constexpr auto last_words_limit = 2s;
// A datagram that passes every network; GELF has parts of its own for what is longer.
constexpr std::size_t max_gelf_datagram = 1420;
constexpr std::size_t max_gelf_chunks = 128;

}  // namespace

RemoteLog::~RemoteLog() {
    disconnect();
    loop_.cancel(retry_);
    loop_.cancel(deadline_);
}

bool RemoteLog::is_datagram() const {
    return settings_.transport == LogTransport::Udp ||
           settings_.transport == LogTransport::UnixDatagram;
}

// A stream whose service has gone is noticed at once, and not by the line that is lost in it.
std::uint32_t RemoteLog::quiet_events() const {
    return is_datagram() ? 0u : std::uint32_t{EPOLLRDHUP};
}

std::string RemoteLog::encode(const LogMessage& message) const {
    switch (settings_.protocol) {
        case LogProtocol::None: break;
        case LogProtocol::Syslog: {
            std::string line = encode_syslog(settings_, message);
            if (is_datagram()) return line;
            // Streams: lines by default, counted octets for RFC 5424 (RFC 6587 3.4.1).
            return settings_.format.starts_with("rfc5424") ? concat(line.size(), " ", line)
                                                           : line + "\n";
        }
        case LogProtocol::Journald: return encode_journald(settings_, message);
        case LogProtocol::Gelf:
            return is_datagram() ? encode_gelf(settings_, message)
                                 : encode_gelf(settings_, message) + '\0';
        case LogProtocol::Fluentd: return encode_fluentd(settings_, message);
    }
    return {};
}

void RemoteLog::write(int stream, std::string_view text, Timestamp now) {
    const bool is_partial = !text.ends_with('\n') && text.size() == max_log_piece;
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) return;
    if (dropped_ != 0 && pending_.empty()) {
        const std::string note = concat(
            "berth: ", dropped_, " lines of this log were dropped, its service did not take them");
        dropped_ = 0;
        push(encode({2, now, note}));
    }
    push(encode({stream, now, text, is_partial}));
    flush();
}

void RemoteLog::push(std::string bytes) {
    const bool is_long_gelf = settings_.protocol == LogProtocol::Gelf && is_datagram() &&
                              bytes.size() > max_gelf_datagram;
    if (pending_bytes_ + bytes.size() > settings_.max_pending) {
        ++dropped_;
        return;
    }
    pending_bytes_ += bytes.size();
    if (!is_long_gelf) {
        pending_.push_back(std::move(bytes));
        return;
    }
    const std::size_t chunks = (bytes.size() + max_gelf_datagram - 1) / max_gelf_datagram;
    pending_bytes_ -= bytes.size();
    if (chunks > max_gelf_chunks) {
        ++dropped_;
        return;
    }
    const std::uint64_t id =
        static_cast<std::uint64_t>(SystemClock().now().time_since_epoch().count()) ^ ++chunk_id_
                                                                                         << 48;
    for (std::size_t i = 0; i < chunks; ++i) {
        std::string part = "\x1e\x0f";
        for (int byte = 0; byte < 8; ++byte) part.push_back(static_cast<char>(id >> (8 * byte)));
        part.push_back(static_cast<char>(i));
        part.push_back(static_cast<char>(chunks));
        part.append(bytes, i * max_gelf_datagram, max_gelf_datagram);
        pending_bytes_ += part.size();
        pending_.push_back(std::move(part));
    }
}

void RemoteLog::connect() {
    if (socket_ || retry_ != 0) return;
    const auto open = [&]() -> Result<sys::Fd> {
        switch (settings_.transport) {
            case LogTransport::UnixDatagram:
                return sys::connect_unix(settings_.address, sys::SocketKind::Datagram);
            case LogTransport::UnixStream:
                return sys::connect_unix(settings_.address, sys::SocketKind::Stream);
            case LogTransport::Udp:
                return sys::connect_udp(
                    TRY(sys::SocketAddress::parse(settings_.address, settings_.port)));
            case LogTransport::Tcp:
                return sys::connect_tcp(
                    TRY(sys::SocketAddress::parse(settings_.address, settings_.port)));
        }
        return fail(ErrorCode::Internal, "no such transport");
    };
    auto opened = open();
    if (!opened) return disconnect();
    socket_ = std::move(*opened);
    sys::set_nonblocking(socket_).ignore("sends do not wait anyhow");
    connected_ = settings_.transport != LogTransport::Tcp;
    is_fresh_ = true;
    auto watch = loop_.add(socket_, connected_ ? quiet_events() : EPOLLOUT,
                           [this](std::uint32_t events) { on_ready(events); });
    if (watch) watch_ = *watch;
}

void RemoteLog::on_ready(std::uint32_t events) {
    if (!connected_) {
        if (sys::socket_error(socket_) != 0) return disconnect();
        connected_ = true;
    } else if ((events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) {
        return disconnect();
    }
    pause_ = 0ms;
    flush();
}

void RemoteLog::flush() {
    connect();
    if (!socket_ || !connected_) return;
    while (!pending_.empty()) {
        const std::string& front = pending_.front();
        const sys::Transfer sent = sys::send_some(socket_, as_bytes(front).subspan(front_sent_));
        if (sent.ended) {
            // A stream is made anew and gets the whole message, and so does the socket of a service
            // of this host, which may have been made anew under its name. A datagram that such a
            // new one does not take is lost, as all are in a network.
            const bool is_remade = settings_.transport == LogTransport::UnixDatagram && !is_fresh_;
            if (!is_datagram() || is_remade) return disconnect();
            front_sent_ = front.size();
        } else if (sent.blocked || sent.bytes == 0) {
            return loop_.modify(watch_, EPOLLOUT);
        } else {
            front_sent_ += sent.bytes;
            is_fresh_ = false;
            pause_ = 0ms;
        }
        if (front_sent_ < front.size()) continue;
        pending_bytes_ -= front.size();
        pending_.pop_front();
        front_sent_ = 0;
    }
    loop_.modify(watch_, quiet_events());
    note_idle();
}

void RemoteLog::disconnect() {
    loop_.remove(watch_);
    socket_.close();
    connected_ = false;
    front_sent_ = 0;
    if (pending_.empty() || retry_ != 0 || gave_up_) return;
    pause_ = pause_ == 0ms ? first_pause
                           : std::min<std::chrono::milliseconds>(pause_ * 2, longest_pause);
    retry_ = loop_.after(pause_, [this] {
        retry_ = 0;
        flush();
    });
}

void RemoteLog::finish(std::function<void()> on_idle) {
    on_idle_ = std::move(on_idle);
    if (pending_.empty()) return;
    loop_.cancel(deadline_);
    deadline_ = loop_.after(last_words_limit, [this] {
        deadline_ = 0;
        gave_up_ = true;
        note_idle();
    });
    loop_.cancel(retry_);
    flush();
}

void RemoteLog::note_idle() {
    if (on_idle_ && is_idle()) on_idle_();
}

}  // namespace berth::shim
