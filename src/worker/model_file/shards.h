#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// Known: below 100.
inline constexpr std::uint32_t shards_max = 256;

// A file name like "name-00002-of-00003.gguf". Source: llama_split_path in llama.h.
struct ShardName {
    std::string stem;      // "name"
    std::uint32_t number;  // from 1
    std::uint32_t count;

    bool operator==(const ShardName&) const = default;
};

// Nothing for any other name, and for a number that is not 1..count or a count above `shards_max`.
std::optional<ShardName> parse_shard_name(std::string_view file_name);

std::string file_name(const ShardName& shard);

// The paths of all shards of the model that the file belongs to, in order; the path alone when its
// name is not a shard's. Whether they exist is not asked.
std::vector<std::filesystem::path> shard_paths(const std::filesystem::path& path);

}  // namespace worker
