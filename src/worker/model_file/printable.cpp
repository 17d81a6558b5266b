#include "worker/model_file/printable.h"

#include "worker/base/utf8.h"

#include <fmt/format.h>

#include <algorithm>

namespace worker {

std::string printable(std::string_view text, std::size_t bytes_max) {
    std::string line;
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        const bool control = first < 0x20 || first == 0x7f;
        const std::size_t character = control ? 0 : utf8_length(text);
        if (line.size() + std::max<std::size_t>(character, 1) > bytes_max) return line + "...";
        if (character == 0)
            line += fmt::format("\\x{:02x}", first);
        else
            line += text.substr(0, character);
        text.remove_prefix(std::max<std::size_t>(character, 1));
    }
    return line;
}

std::string printable_path(std::string_view path) {
    return printable(path, std::string::npos);
}

}  // namespace worker
