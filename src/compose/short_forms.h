#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/yaml.h"

namespace berth::compose {

// Short notations of compose files and the canonical long forms they stand for. All keep positions.

/// "8080-8081:80-81/udp" or a long form -> long forms, one per port: mode, host_ip, target,
/// published, protocol. InvalidArgument for anything that is not a port.
Result<std::vector<codec::YamlNode>> expand_port(const codec::YamlNode& port);

/// "data:/var/lib:ro" or "/host:/path" -> {type, source, target, read_only, bind|volume}; a long
/// form passes through.
Result<codec::YamlNode> expand_volume(const codec::YamlNode& volume);

/// "name" -> {source: name}; for secrets and configs, a target is added by normalisation.
codec::YamlNode expand_grant(const codec::YamlNode& grant);

/// [A=1, B] -> {A: 1, B: null}; also "host:ip" for extra_hosts. A mapping passes through.
codec::YamlNode list_to_mapping(const codec::YamlNode& list);
/// [a, b] -> {a: null, b: null}.
codec::YamlNode names_to_mapping(const codec::YamlNode& names);
/// "dir" -> {context: dir}.
codec::YamlNode build_to_mapping(const codec::YamlNode& build);
/// "x" -> [x]; null -> [].
codec::YamlNode to_sequence(const codec::YamlNode& node);

/// Splits a command line as a POSIX shell would, without expanding anything. InvalidArgument for an
/// open quote.
Result<std::vector<std::string>> split_command(std::string_view line);

/// "512m", "1.5gb", "64kb", "1024" -> bytes (powers of 1024). InvalidArgument otherwise.
Result<std::int64_t> parse_byte_size(std::string_view text);

}  // namespace berth::compose
