#pragma once
#include <optional>
#include <string>
#include <string_view>

// The little of HTTP/2 and gRPC that one unary call of grpc.health.v1.Health/Check needs. RFC 9113,
// RFC 7541, and https://github.com/grpc/grpc/blob/master/doc/health-checking.md.
namespace berth::shim {

/// Everything the client says: preface, settings, headers and the one message.
std::string make_grpc_health_request(std::string_view service);

/// Takes the server's bytes, however they are cut.
class GrpcHealthAnswer {
public:
    /// Returns what must be sent back (acknowledgements).
    std::string feed(std::string_view bytes);
    /// HealthCheckResponse.ServingStatus: 0 unknown, 1 serving, 2 not serving, 3 unknown service.
    std::optional<int> status() const { return status_; }
    /// The server has ended the call; without a status, it refused it.
    bool has_ended() const { return ended_; }

private:
    void take_data(std::string_view payload);
    std::string pending_, message_;
    std::optional<int> status_;
    bool ended_ = false;
};

}  // namespace berth::shim
