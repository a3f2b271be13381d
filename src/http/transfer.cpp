#include "http/transfer.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "base/guarded.h"
#include "base/text.h"
#include "sys/file.h"

namespace berth::http {

namespace {

struct FreeEasy {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeMulti {
    void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// One transfer at a time, and the connections it left open.
struct Worker {
    // The multi handle owns the connections; it goes last.
    std::unique_ptr<CURLM, FreeMulti> multi{curl_multi_init()};
    std::unique_ptr<CURL, FreeEasy> easy{curl_easy_init()};
};

/// What the callbacks of one transfer share.
struct Running {
    TransferRequest& request;
    TransferResponse response;
    CURL* easy = nullptr;
    std::optional<Error> error;  // of a callback
    bool head_seen = false;
    std::size_t body_sent = 0;

    bool deliver_head() {
        if (std::exchange(head_seen, true) || !request.on_head) return true;
        auto outcome = request.on_head(response.status, response.headers);
        if (!outcome) error = std::move(outcome).error();
        return !error;
    }
};

std::size_t on_header(char* data, std::size_t, std::size_t size, void* context) {
    auto& running = *static_cast<Running*>(context);
    const std::string_view line = trim(std::string_view(data, size));
    if (line.starts_with("HTTP/")) {
        // The first line of this response; headers of an earlier one (100, redirects) are void.
        running.response.headers = {};
        const auto space = line.find(' ');
        running.response.status =
            static_cast<int>(parse_uint(line.substr(space + 1, 3)).value_or(0));
    } else if (const auto pair = split_once(line, ':')) {
        running.response.headers.add(trim(pair->first), trim(pair->second));
    }
    return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* context) {
    auto& running = *static_cast<Running*>(context);
    if (!running.deliver_head()) return CURL_WRITEFUNC_ERROR;
    const auto bytes = std::as_bytes(std::span(data, size));
    if (running.request.sink && running.response.status / 100 == 2) {
        auto outcome = running.request.sink(bytes);
        if (!outcome) running.error = std::move(outcome).error();
        return running.error ? CURL_WRITEFUNC_ERROR : size;
    }
    if (running.response.body.size() + size > running.request.max_body_bytes) {
        running.error = fail(ErrorCode::InvalidArgument, "the answer is larger than ",
                             running.request.max_body_bytes, " bytes");
        return CURL_WRITEFUNC_ERROR;
    }
    running.response.body.append(data, size);
    return size;
}

std::size_t on_upload(char* data, std::size_t, std::size_t size, void* context) {
    auto& running = *static_cast<Running*>(context);
    if (!running.request.upload) {
        const auto rest = std::string_view(running.request.body).substr(running.body_sent);
        const std::size_t count = std::min(rest.size(), size);
        std::memcpy(data, rest.data(), count);
        running.body_sent += count;
        return count;
    }
    auto count = running.request.upload(std::as_writable_bytes(std::span(data, size)));
    if (!count) running.error = std::move(count).error();
    return running.error ? CURL_READFUNC_ABORT : *count;
}

int on_seek(void* context, curl_off_t offset, int origin) {
    auto& running = *static_cast<Running*>(context);
    if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
    running.body_sent = 0;
    if (!running.request.upload) return CURL_SEEKFUNC_OK;
    return running.request.rewind && running.request.rewind() ? CURL_SEEKFUNC_OK
                                                              : CURL_SEEKFUNC_FAIL;
}

Error curl_error(CURLcode code, const char* detail, const std::string& url) {
    std::string text = detail[0] != '\0' ? detail : curl_easy_strerror(code);
    switch (code) {
        case CURLE_OPERATION_TIMEDOUT: return fail(ErrorCode::TimedOut, url, ": ", text);
        case CURLE_PEER_FAILED_VERIFICATION:
            return fail(ErrorCode::PermissionDenied, url,
                        ": tls: failed to verify certificate: ", text)
                .with_hint(
                    "put the registry's CA certificate into /etc/docker/certs.d/<host>/ca.crt, or "
                    "list the "
                    "host under "
                    "insecure-registries");
        case CURLE_SSL_CONNECT_ERROR:
            return fail(ErrorCode::Unavailable, url, ": TLS: ", text)
                .with_hint("if the registry speaks plain HTTP, list it under insecure-registries");
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL: return fail(ErrorCode::InvalidArgument, url, ": ", text);
        case CURLE_OUT_OF_MEMORY: return fail(ErrorCode::Internal, url, ": ", text);
        default: return fail(ErrorCode::Unavailable, url, ": ", text);
    }
}

/// "https://host:port" of a URL.
std::string origin_of(const std::string& url) {
    const auto scheme = url.find("://");
    return scheme == std::string::npos ? url : url.substr(0, url.find_first_of("/?", scheme + 3));
}

void trust_also(CURL* easy, const std::string& pem) {
    const char* from_environment = std::getenv("SSL_CERT_FILE");
    const auto system = sys::read_file(
        from_environment != nullptr ? from_environment : "/etc/ssl/certs/ca-certificates.crt");
    std::string all = pem + "\n" + (system ? *system : std::string());
    curl_blob blob{all.data(), all.size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
}

void set_proxy(CURL* easy, const std::string& url) {
    // libcurl reads the lower-case names by itself; engines are often started with the upper-case
    // one only.
    const char* upper = std::getenv("HTTP_PROXY");
    if (upper != nullptr && std::getenv("http_proxy") == nullptr && url.starts_with("http://"))
        curl_easy_setopt(easy, CURLOPT_PROXY, upper);
}

}  // namespace

class Transfers::Implementation {
public:
    explicit Implementation(std::string user_agent) : user_agent_(std::move(user_agent)) {
        static std::once_flag once;
        std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    }

    Result<TransferResponse> perform(TransferRequest request, const std::stop_token& stop) {
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
        const std::string key = origin_of(request.url) + "|" +
                                std::to_string(std::hash<std::string>{}(request.tls.extra_ca_pem)) +
                                "|" + request.tls.certificate_file;
        std::unique_ptr<Worker> worker = take(key);
        auto outcome = run(*worker, request, stop);
        // After a failure the connection's state is unknown.
        if (outcome) give_back(key, std::move(worker));
        return outcome;
    }

private:
    using Idle = std::multimap<std::string, std::unique_ptr<Worker>>;

    std::unique_ptr<Worker> take(const std::string& key) {
        auto idle = idle_.lock();
        const auto it = idle->find(key);
        if (it == idle->end()) return std::make_unique<Worker>();
        auto worker = std::move(it->second);
        idle->erase(it);
        return worker;
    }

    void give_back(const std::string& key, std::unique_ptr<Worker> worker) {
        curl_easy_reset(worker->easy.get());
        std::unique_ptr<Worker> surplus;  // destroyed without the lock
        auto idle = idle_.lock();
        if (idle->size() >= 16) {
            surplus = std::move(idle->begin()->second);
            idle->erase(idle->begin());
        }
        idle->emplace(key, std::move(worker));
    }

    void configure(CURL* easy, Running& running, const curl_slist* headers, char* detail) {
        const TransferRequest& request = running.request;
        const auto set = [&](CURLoption option, auto value) {
            curl_easy_setopt(easy, option, value);
        };
        set(CURLOPT_URL, request.url.c_str());
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        // Never from TLS down to plain text.
        set(CURLOPT_REDIR_PROTOCOLS_STR,
            request.url.starts_with("https://") ? "https" : "http,https");
        set(CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
        set(CURLOPT_MAXREDIRS, 10L);
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
        set(CURLOPT_USERAGENT, user_agent_.c_str());
        set(CURLOPT_HTTPHEADER, headers);
        set(CURLOPT_ERRORBUFFER, detail);
        set(CURLOPT_BUFFERSIZE, 512L << 10);
        set(CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
        set(CURLOPT_TCP_KEEPALIVE, 1L);
        set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(request.connect_limit.count()));
        set(CURLOPT_LOW_SPEED_LIMIT, 1L);
        set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_limit.count()));
        set(CURLOPT_HEADERFUNCTION, on_header);
        set(CURLOPT_HEADERDATA, &running);
        set(CURLOPT_WRITEFUNCTION, on_body);
        set(CURLOPT_WRITEDATA, &running);
        set(CURLOPT_SSL_VERIFYPEER, request.tls.verify ? 1L : 0L);
        set(CURLOPT_SSL_VERIFYHOST, request.tls.verify ? 2L : 0L);
        if (!request.tls.extra_ca_pem.empty()) trust_also(easy, request.tls.extra_ca_pem);
        if (!request.tls.certificate_file.empty()) {
            set(CURLOPT_SSLCERT, request.tls.certificate_file.c_str());
            set(CURLOPT_SSLKEY, request.tls.key_file.c_str());
        }
        set_proxy(easy, request.url);
        const bool has_body = request.upload || !request.body.empty() || request.method == "POST" ||
                              request.method == "PUT" || request.method == "PATCH";
        if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
        if (has_body) {
            set(CURLOPT_UPLOAD, 1L);
            set(CURLOPT_READFUNCTION, on_upload);
            set(CURLOPT_READDATA, &running);
            set(CURLOPT_SEEKFUNCTION, on_seek);
            set(CURLOPT_SEEKDATA, &running);
            const auto bytes = request.upload ? request.upload_bytes
                                              : std::optional<std::uint64_t>(request.body.size());
            set(CURLOPT_INFILESIZE_LARGE, bytes ? static_cast<curl_off_t>(*bytes) : curl_off_t{-1});
        }
        if (request.method != "GET" && request.method != "HEAD")
            set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }

    Result<TransferResponse> run(Worker& worker, TransferRequest& request,
                                 const std::stop_token& stop) {
        Running running{.request = request};
        running.easy = worker.easy.get();
        std::unique_ptr<curl_slist, FreeList> headers;
        const auto append = [&](const std::string& line) {
            headers.reset(curl_slist_append(headers.release(), line.c_str()));
        };
        for (const auto& [name, value] : request.headers.fields())
            append(concat(name, ": ", value));
        append("Expect:");  // no second of waiting at servers that do not know it
        char detail[CURL_ERROR_SIZE] = {};
        configure(worker.easy.get(), running, headers.get(), detail);
        curl_multi_add_handle(worker.multi.get(), worker.easy.get());
        const CURLcode code = drive(worker, stop);
        curl_multi_remove_handle(worker.multi.get(), worker.easy.get());
        const char* url = nullptr;
        curl_easy_getinfo(worker.easy.get(), CURLINFO_EFFECTIVE_URL, &url);
        running.response.url = url != nullptr ? url : request.url;
        if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "cancelled");
        if (running.error) return std::move(*running.error);
        if (code != CURLE_OK) return curl_error(code, detail, request.url);
        if (!running.deliver_head()) return std::move(*running.error);
        return std::move(running.response);
    }

    static CURLcode drive(Worker& worker, const std::stop_token& stop) {
        CURLM* multi = worker.multi.get();
        const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
        while (!stop.stop_requested()) {
            int running = 0;
            if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_RECV_ERROR;
            int left = 0;
            while (const CURLMsg* message = curl_multi_info_read(multi, &left))
                if (message->msg == CURLMSG_DONE) return message->data.result;
            if (curl_multi_poll(multi, nullptr, 0, 1000, nullptr) != CURLM_OK)
                return CURLE_RECV_ERROR;
        }
        return CURLE_ABORTED_BY_CALLBACK;
    }

    std::string user_agent_;
    Guarded<Idle> idle_;
};

Transfers::Transfers(std::string user_agent)
    : implementation_(std::make_unique<Implementation>(std::move(user_agent))) {}
Transfers::~Transfers() = default;

Result<TransferResponse> Transfers::perform(TransferRequest request, std::stop_token stop) {
    return implementation_->perform(std::move(request), stop);
}

}  // namespace berth::http
