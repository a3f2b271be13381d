#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <thread>

#include "http/stream_internal.h"
#include "sys/file.h"
#include "sys/poll.h"
#include "sys/socket.h"
#include "sys/stream.h"

namespace berth::http {

namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
    void operator()(SSL* session) const { SSL_free(session); }
};

/// The innermost reason OpenSSL left for this thread, and an empty queue.
std::string take_reason() {
    std::string reason = "unknown reason";
    while (const unsigned long code = ERR_get_error()) {
        std::array<char, 256> text{};
        ERR_error_string_n(code, text.data(), text.size());
        reason = text.data();
    }
    return reason;
}

using Session = std::unique_ptr<SSL, FreeSession>;

// The socket is non-blocking and the waits happen outside the lock, since an SSL object allows one
// call at a time.
class TlsStream final : public Stream {
public:
    TlsStream(sys::Fd socket, Session session, std::shared_ptr<TlsContext> context)
        : context_(std::move(context)), socket_(std::move(socket)), session_(std::move(session)) {}

    Result<> handshake(bool is_server) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        return perform([&](SSL* ssl) { return is_server ? SSL_accept(ssl) : SSL_connect(ssl); },
                       deadline, "TLS handshake");
    }

    Result<std::size_t> read(std::span<std::byte> buffer,
                             std::optional<std::chrono::milliseconds> limit) override {
        std::size_t count = 0;
        const auto deadline =
            limit ? std::optional(std::chrono::steady_clock::now() + *limit) : std::nullopt;
        TRY(perform(
            [&](SSL* ssl) { return SSL_read_ex(ssl, buffer.data(), buffer.size(), &count); },
            deadline, "TLS read"));
        return count;
    }

    Result<> write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            std::size_t count = 0;
            TRY(perform(
                [&](SSL* ssl) { return SSL_write_ex(ssl, bytes.data(), bytes.size(), &count); }, {},
                "TLS write"));
            if (count == 0) return fail(ErrorCode::Unavailable, "the peer closed the connection");
            bytes = bytes.subspan(count);
        }
        return {};
    }

    Result<> send_file(sys::BorrowedFd file, std::uint64_t offset, std::uint64_t bytes) override {
        std::vector<std::byte> buffer(256 << 10);
        while (bytes > 0) {
            const auto part =
                std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), bytes));
            const std::size_t count = TRY(sys::pread(file, part, offset));
            if (count == 0) return fail(ErrorCode::Corrupted, "the file ends early");
            TRY(write(part.first(count)));
            offset += count;
            bytes -= count;
        }
        return {};
    }

    sys::BorrowedFd fd() const override { return socket_; }
    bool is_tls() const override { return true; }

    Result<sys::Fd> release() override;

    void close_gracefully() override {
        std::lock_guard lock(mutex_);
        if (session_) SSL_shutdown(session_.get());
        ERR_clear_error();
    }

private:
    template <typename Call>
    Result<> perform(Call call, std::optional<std::chrono::steady_clock::time_point> deadline,
                     std::string_view what) {
        while (true) {
            int error = 0;
            {
                std::lock_guard lock(mutex_);
                ERR_clear_error();
                const int outcome = call(session_.get());
                if (outcome > 0) return {};
                error = SSL_get_error(session_.get(), outcome);
            }
            std::optional<std::chrono::milliseconds> left;
            if (deadline) {
                left = std::chrono::duration_cast<std::chrono::milliseconds>(
                    *deadline - std::chrono::steady_clock::now());
                left = std::max(*left, std::chrono::milliseconds(0));
            }
            bool is_ready = true;
            if (error == SSL_ERROR_ZERO_RETURN) return {};
            if (error == SSL_ERROR_WANT_READ) {
                is_ready = TRY(sys::wait_readable(socket_, left));
            } else if (error == SSL_ERROR_WANT_WRITE) {
                is_ready = TRY(sys::wait_writable(socket_, left));
            } else {
                return fail(ErrorCode::Unavailable, what, ": ", take_reason());
            }
            if (!is_ready) return fail(ErrorCode::TimedOut, what, ": the peer sent nothing");
        }
    }

    std::shared_ptr<TlsContext> context_;
    sys::Fd socket_;
    std::mutex mutex_;
    Session session_;
};

/// Copies between a TLS stream and a plain socket until both directions ended.
void relay(TlsStream& secure, const sys::Fd& plain) {
    std::jthread outward([&] {
        std::vector<std::byte> buffer(32 << 10);
        while (true) {
            const auto count = secure.read(buffer, {});
            if (!count || *count == 0) break;
            if (!sys::write_all(plain, std::span(buffer).first(*count))) break;
        }
        sys::shutdown_write(plain).ignore("the other end may be closed");
    });
    std::vector<std::byte> buffer(32 << 10);
    while (true) {
        const auto count = sys::read(plain, buffer);
        if (!count || *count == 0) break;
        if (!secure.write(std::span(buffer).first(*count))) break;
    }
    secure.close_gracefully();
    sys::shutdown_write(secure.fd()).ignore("the peer may be gone");
}

Result<sys::Fd> TlsStream::release() {
    auto [ours, theirs] = TRY(sys::socket_pair());
    auto session =
        std::make_shared<TlsStream>(std::move(socket_), std::move(session_), std::move(context_));
    std::thread([session, plain = std::move(ours)] { relay(*session, plain); }).detach();
    return std::move(theirs);
}

class OpenSslContext final : public TlsContext,
                             public std::enable_shared_from_this<OpenSslContext> {
public:
    OpenSslContext(SSL_CTX* context, bool is_server) : context_(context), is_server_(is_server) {}

    Result<std::unique_ptr<Stream>> wrap(sys::Fd socket, const std::string& host) override {
        TRY(sys::set_nonblocking(socket));
        Session session(SSL_new(context_.get()));
        if (!session || SSL_set_fd(session.get(), socket.get()) != 1)
            return fail(ErrorCode::Internal, take_reason());
        if (!is_server_ && !host.empty()) {
            SSL_set_tlsext_host_name(session.get(), host.c_str());
            X509_VERIFY_PARAM* parameters = SSL_get0_param(session.get());
            if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1)
                SSL_set1_host(session.get(), host.c_str());
            ERR_clear_error();
        }
        auto stream =
            std::make_unique<TlsStream>(std::move(socket), std::move(session), shared_from_this());
        TRY(stream->handshake(is_server_));
        return std::unique_ptr<Stream>(std::move(stream));
    }

    Result<> use_key_pair(const std::string& certificate, const std::string& key) {
        if (SSL_CTX_use_certificate_chain_file(context_.get(), certificate.c_str()) != 1)
            return fail(ErrorCode::InvalidArgument, "certificate ", certificate, ": ",
                        take_reason());
        if (SSL_CTX_use_PrivateKey_file(context_.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
            return fail(ErrorCode::InvalidArgument, "private key ", key, ": ", take_reason());
        if (SSL_CTX_check_private_key(context_.get()) != 1)
            return fail(ErrorCode::InvalidArgument, "private key ", key,
                        " does not belong to certificate ", certificate);
        return {};
    }

    Result<> trust(const std::string& ca_file) {
        if (SSL_CTX_load_verify_locations(context_.get(), ca_file.c_str(), nullptr) != 1)
            return fail(ErrorCode::InvalidArgument, "CA certificate ", ca_file, ": ",
                        take_reason());
        return {};
    }

    SSL_CTX* get() { return context_.get(); }

private:
    std::unique_ptr<SSL_CTX, FreeContext> context_;
    bool is_server_;
};

std::shared_ptr<OpenSslContext> make_context(bool is_server) {
    SSL_CTX* context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    BERTH_ASSERT(context != nullptr);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    // A peer that just closes is common; message framing shows whether something is missing.
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    return std::make_shared<OpenSslContext>(context, is_server);
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::for_server(const TlsOptions& options) {
    auto context = make_context(true);
    TRY(context->use_key_pair(options.certificate_file, options.key_file));
    if (!options.client_ca_file.empty()) {
        TRY(context->trust(options.client_ca_file));
        SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           nullptr);
    }
    static constexpr unsigned char session_name[] = "berth";
    SSL_CTX_set_session_id_context(context->get(), session_name, sizeof session_name - 1);
    return std::shared_ptr<TlsContext>(std::move(context));
}

Result<std::shared_ptr<TlsContext>> TlsContext::for_client(const ClientOptions& options) {
    auto context = make_context(false);
    if (!options.certificate_file.empty())
        TRY(context->use_key_pair(options.certificate_file, options.key_file));
    if (!options.ca_file.empty()) {
        TRY(context->trust(options.ca_file));
    } else {
        SSL_CTX_set_default_verify_paths(context->get());
    }
    if (options.verify) SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
    return std::shared_ptr<TlsContext>(std::move(context));
}

}  // namespace berth::http
