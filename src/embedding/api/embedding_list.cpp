#include "embedding/api/embedding_list.h"

#include <fmt/format.h>

#include <utility>

namespace embedding {

void EmbeddingList::add(std::uint32_t index, std::string item) {
    if (items_.size() <= index) items_.resize(std::size_t{index} + 1);
    bytes_ += item.size() + 1;
    items_[index] = std::move(item);
}

std::string EmbeddingList::in(const worker::JsonObject& before, std::string_view key,
                              const worker::JsonObject& after) const {
    std::string out = before.text();
    out.pop_back();
    out += fmt::format(",\"{}\":[", key);
    const std::string rest = after.text();
    out.reserve(out.size() + bytes_ + rest.size() + 1);
    for (const std::string& item : items_) {
        if (out.back() != '[') out += ',';
        out += item;
    }
    out += "],";
    out += std::string_view(rest).substr(1);
    return out;
}

}  // namespace embedding
