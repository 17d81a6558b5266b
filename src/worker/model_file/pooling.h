#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace worker {

// How one vector comes of those of a text's tokens: by none, their mean, the first one's, the last
// one's; by rank, one score instead. Source: enum llama_pooling_type in llama.h.
enum class Pooling : std::uint8_t { none, mean, first, last, rank };

// As GGUF's tools call it.
constexpr std::string_view wire_name(Pooling pooling) {
    constexpr std::string_view names[] = {"none", "mean", "cls", "last", "rank"};
    return names[static_cast<std::size_t>(pooling)];
}

}  // namespace worker
