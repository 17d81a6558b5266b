#include "worker/model_file/shards.h"

#include <fmt/format.h>

#include <charconv>

namespace worker {
namespace {

// Exactly five digits.
std::optional<std::uint32_t> parse_number(std::string_view digits) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.size() != 5 || error != std::errc{} || end != digits.data() + digits.size())
        return {};
    return number;
}

}  // namespace

std::optional<ShardName> parse_shard_name(std::string_view file_name) {
    constexpr std::string_view pattern = "-00001-of-00001.gguf";
    if (file_name.size() <= pattern.size()) return {};
    const std::string_view stem = file_name.substr(0, file_name.size() - pattern.size());
    const std::string_view ending = file_name.substr(stem.size());
    if (ending[0] != '-' || ending.substr(6, 4) != "-of-" || ending.substr(15) != ".gguf")
        return {};
    const auto number = parse_number(ending.substr(1, 5));
    const auto count = parse_number(ending.substr(10, 5));
    if (!number || !count || *number < 1 || *number > *count || *count > shards_max) return {};
    return ShardName{std::string(stem), *number, *count};
}

std::string file_name(const ShardName& shard) {
    return fmt::format("{}-{:05}-of-{:05}.gguf", shard.stem, shard.number, shard.count);
}

std::vector<std::filesystem::path> shard_paths(const std::filesystem::path& path) {
    const auto shard = parse_shard_name(path.filename().native());
    if (!shard) return {path};
    std::vector<std::filesystem::path> paths;
    for (std::uint32_t number = 1; number <= shard->count; ++number)
        paths.push_back(path.parent_path() / file_name({shard->stem, number, shard->count}));
    return paths;
}

}  // namespace worker
