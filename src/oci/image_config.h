#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "oci/digest.h"
#include "oci/platform.h"

namespace berth::oci {

/// How an image wants its containers checked. A Docker extension of the image configuration. Zero
/// durations and retries mean the engine's defaults.
struct HealthcheckConfig {
    std::vector<std::string>
        test;  // {"NONE"}, {"CMD", args...} or {"CMD-SHELL", line}; empty inherits
    std::chrono::nanoseconds interval{0};
    std::chrono::nanoseconds timeout{0};
    std::chrono::nanoseconds start_period{0};
    std::chrono::nanoseconds start_interval{0};
    int retries = 0;
    bool operator==(const HealthcheckConfig&) const = default;
};

/// The member "config": how to run the image. image-spec v1.1, config.md, with Docker's
/// Healthcheck, Shell, OnBuild, ArgsEscaped and StopTimeout.
struct ImageRunConfig {
    std::string user;
    std::vector<std::string> exposed_ports;  // "80/tcp"
    std::vector<std::string> env;            // "NAME=value"
    std::optional<std::vector<std::string>> entrypoint;
    std::optional<std::vector<std::string>> cmd;
    std::vector<std::string> volumes;
    std::string working_dir;
    std::vector<std::pair<std::string, std::string>> labels;
    std::string stop_signal;
    std::optional<int> stop_timeout;  // seconds
    std::optional<HealthcheckConfig> healthcheck;
    std::vector<std::string> shell;
    std::vector<std::string> on_build;
    bool args_escaped = false;
    std::string unknown_json;  // members that are not known here, as one JSON object; "" for none
    bool operator==(const ImageRunConfig&) const = default;

    /// The value of a variable of `env`, or nullopt.
    std::optional<std::string> find_env(std::string_view name) const;
    /// Replaces the variable or appends it.
    void set_env(std::string_view name, std::string_view value);
    void set_label(std::string_view key, std::string_view value);
};

/// One line of an image's history: what made a layer, or changed only the configuration.
struct HistoryRecord {
    std::optional<Timestamp> created;
    std::string created_by, author, comment;
    bool empty_layer = false;
    bool operator==(const HistoryRecord&) const = default;
};

/// An image configuration. image-spec v1.1, config.md. What is unknown here survives parse and
/// to_json.
struct ImageConfig {
    std::optional<Timestamp> created;
    std::string author;
    Platform platform;
    ImageRunConfig config;
    std::vector<Digest> diff_ids;  // bottom first
    std::vector<HistoryRecord> history;
    std::string unknown_json;  // members that are not known here, as one JSON object; "" for none
    bool operator==(const ImageConfig&) const = default;

    /// Compact JSON; equal values give equal bytes. Labels, ports and volumes are sorted, as Go's
    /// maps are.
    std::string to_json() const;
};

inline constexpr std::size_t max_image_config_bytes = 8 << 20;

/// InvalidArgument names the member that is wrong.
Result<ImageConfig> parse_image_config(std::string_view json);

}  // namespace berth::oci
