#include "cli/parse/environment.h"

namespace berth::cli {

Result<> add_variable(std::vector<std::string>& variables, const std::string& text,
                      const client::Environment& environment) {
    if (text.empty() || text.starts_with('=')) {
        return fail(ErrorCode::InvalidArgument, "invalid environment variable \"", text,
                    "\": the name is missing");
    }
    if (text.find('=') != std::string::npos) {
        variables.push_back(text);
    } else if (const auto found = environment.find(text); found != environment.end()) {
        variables.push_back(concat(text, "=", found->second));
    }
    return {};
}

Result<std::vector<std::string>> parse_variable_file(std::string_view text,
                                                     const client::Environment& environment) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::vector<std::string> out;
    int number = 0;
    for (auto& line : split(text, '\n')) {
        ++number;
        if (line.ends_with('\r')) line.pop_back();
        const auto start = line.find_first_not_of(" \t");
        if (start == std::string::npos || line[start] == '#') continue;
        line.erase(0, start);
        const std::string name = line.substr(0, line.find('='));
        if (name.find_first_of(" \t") != std::string::npos) {
            return fail(ErrorCode::InvalidArgument, "line ", number, ": the name \"", name,
                        "\" contains white space");
        }
        TRY(add_variable(out, line, environment).context("line ", number));
    }
    return out;
}

}  // namespace berth::cli
