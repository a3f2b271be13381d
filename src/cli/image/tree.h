#pragma once
#include <string>

#include "codec/json.h"

namespace berth::cli {

/// Images with the variants of each below, as `images --tree` shows them. `images` is what the API
/// lists with manifests.
std::string image_tree(const codec::Json& images, bool full_ids);

}  // namespace berth::cli
