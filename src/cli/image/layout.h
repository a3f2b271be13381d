#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "client/stream.h"

namespace berth::cli {

// OCI layouts as tar streams and as folders. image-spec v1.1, image-layout.md.

/// Which image of a layout is meant, and what it is called where it goes; "" leaves both open.
struct LayoutChoice {
    std::string name;
    std::string new_name;
};

/// A layout's folder as a tar stream.
Result<client::BytesSource> read_layout(const std::string& folder);
/// The stream with just the chosen image in its index.json, under its new name. InvalidArgument
/// when there is none, or several and none was named. Docker's manifest.json keeps its place if it
/// is about one image.
client::BytesSource choose_image(client::BytesSource tar, LayoutChoice choice);
/// Adds the stream's images to the layout in `folder`, which is made if it is not there. A blob
/// appears when it is complete and checked, the index after all of them; an image of the same name
/// is replaced.
Result<> write_layout(client::BytesSource tar, const std::string& folder);

}  // namespace berth::cli
