#include "base/path.h"

#include <vector>

#include "base/text.h"

namespace berth {

std::string clean_absolute_path(std::string_view path) {
    std::vector<std::string> out;
    for (std::string& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..")
            out.push_back(std::move(part));
        else if (!out.empty())
            out.pop_back();
    }
    return "/" + join(out, "/");
}

}  // namespace berth
