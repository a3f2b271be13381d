#pragma once
#include <chrono>
#include <string>

#include "api/filters.h"
#include "cli/flags.h"
#include "cli/output/format.h"
#include "codec/json.h"

namespace berth::cli {

/// --format, --quiet, --no-trunc, --filter, which most lists have.
std::vector<Flag> list_flags();
/// "key=value" filters. InvalidArgument when "=" is missing.
Result<api::Filters> filters_of(const Flags& flags);

/// "sha256:0123456789ab..." to its first twelve characters; other text as it is.
std::string short_id(std::string_view id, bool full = false);
std::chrono::sys_seconds now_seconds();
/// At most so many characters, the last one an ellipsis when something was cut.
std::string shorten(const std::string& text, std::size_t characters);

/// "0.0.0.0:8080->80/tcp, 443/tcp": ports that follow each other are joined.
std::string ports_text(const codec::Json& ports);

Row container_row(const codec::Json& container, bool full);

}  // namespace berth::cli
