#include "worker/model_file/catalogue.h"

#include "worker/base/json.h"
#include "worker/base/quantities.h"
#include "worker/model_file/byte_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace worker {
namespace {

constexpr std::uint64_t metadata_bytes_max = 1u << 20;

Result<std::string> read_text(const ByteSource& file) {
    if (file.size() > metadata_bytes_max) {
        return fail(ErrorCode::model_corrupt,
                    fmt::format("{}: larger than {}; repair the catalogue", file.name(),
                                format_bytes(metadata_bytes_max)));
    }
    std::string text(static_cast<std::size_t>(file.size()), '\0');
    const auto read = file.read_at(0, std::as_writable_bytes(std::span(text)));
    if (!read) return fail(read.error());
    text.resize(*read);
    return text;
}

std::optional<std::filesystem::path> artifact_path(const boost::json::value& metadata) {
    const auto* object = metadata.if_object();
    const auto* artifact = object ? object->if_contains("artifact") : nullptr;
    const auto* fields = artifact ? artifact->if_object() : nullptr;
    const auto* path = fields ? fields->if_contains("path") : nullptr;
    const auto* text = path ? path->if_string() : nullptr;
    if (!text || text->empty()) return {};
    return std::filesystem::path(std::string(*text));
}

}  // namespace

std::filesystem::path catalogue_directory(const std::filesystem::path& home, std::string_view id) {
    std::string name(id);
    std::replace_if(name.begin(), name.end(), [](char c) { return c == '/' || c == ':'; }, '-');
    if (name == "." || name == "..") name.assign(name.size(), '-');
    return home / ".cache/rbee/models" / name;
}

Result<std::optional<std::filesystem::path>> read_catalogue_entry(
    const std::filesystem::path& directory) {
    const auto file = open_file(directory / "metadata.json");
    if (!file && file.error().code == ErrorCode::model_not_found) return std::nullopt;
    if (!file) return fail(file.error());
    const auto text = read_text(**file);
    if (!text) return fail(text.error());
    const auto metadata = parse_json(*text);
    if (!metadata) {
        return fail(
            ErrorCode::model_corrupt,
            fmt::format("{}: {}; repair the catalogue", (*file)->name(), metadata.error().message));
    }
    return directory / artifact_path(*metadata).value_or("model.gguf");
}

}  // namespace worker
