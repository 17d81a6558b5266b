#include "worker/hugging_face/sentence_transformer.h"

#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/json_file.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

namespace worker {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct PoolingName {
    std::string_view flag;  // in older files; one of them is true
    std::string_view mode;  // in newer ones
    Pooling pooling;
};

constexpr std::array poolings{
    PoolingName{"pooling_mode_cls_token", "cls", Pooling::first},
    PoolingName{"pooling_mode_mean_tokens", "mean", Pooling::mean},
    PoolingName{"pooling_mode_lasttoken", "lasttoken", Pooling::last},
};

// Of "sentence_transformers.models.Pooling" the last word.
std::string_view kind_of(const json::object& module) {
    const std::string_view type = text_at(module, "type").value_or("");
    return type.substr(type.rfind('.') + 1);  // npos + 1 is 0.
}

Error unsupported_pooling(const std::string& file, std::string_view name) {
    return unsupported_model(file,
                             fmt::format("the pooling \"{}\" is not supported", printable(name)));
}

Result<Pooling> read_pooling(const fs::path& path) {
    const auto object = read_json_object(path);
    if (!object) return fail(object.error());
    const std::string file = printable_path(path.native());
    Pooling pooling = Pooling::none;
    const std::string_view mode = text_at(*object, "pooling_mode").value_or("");
    for (const PoolingName& name : poolings)
        if (mode == name.mode) pooling = name.pooling;
    if (pooling == Pooling::none && !mode.empty()) return fail(unsupported_pooling(file, mode));
    for (const auto& [key, value] : *object) {
        if (!key.starts_with("pooling_mode_") || !value.is_bool() || !value.get_bool()) continue;
        const auto* named = std::find_if(poolings.begin(), poolings.end(),
                                         [&](const PoolingName& name) { return key == name.flag; });
        if (named == poolings.end()) return fail(unsupported_pooling(file, key));
        if (pooling != Pooling::none && pooling != named->pooling)
            return fail(unsupported_model(file, "several poolings side by side are not supported"));
        pooling = named->pooling;
    }
    if (pooling == Pooling::none) return fail(corrupt_file(file, "names no pooling"));
    return pooling;
}

// A folder inside the model's own.
bool is_plain(std::string_view folder) {
    return folder != "." && folder != ".." &&
           folder.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

Result<void> read_module(const fs::path& directory, const json::value& value,
                         SentenceTransformer& transformer) {
    const std::string file = printable_path((directory / "modules.json").native());
    const json::object* module = value.if_object();
    const std::string_view kind = module ? kind_of(*module) : "";
    if (kind == "Transformer" || kind == "Normalize") return {};
    if (kind != "Pooling") {
        return fail(unsupported_model(
            file, fmt::format("the module \"{}\" is not supported", printable(kind))));
    }
    const std::string folder(text_at(*module, "path").value_or(""));
    if (!is_plain(folder)) {
        return fail(corrupt_file(
            file, fmt::format("a module's path \"{}\" leads elsewhere", printable(folder))));
    }
    const auto pooling = read_pooling(directory / folder / "config.json");
    if (!pooling) return fail(pooling.error());
    transformer.pooling = *pooling;
    return {};
}

}  // namespace

Result<std::optional<SentenceTransformer>> read_sentence_transformer(const fs::path& directory) {
    const auto modules = read_json(directory / "modules.json");
    if (!modules && modules.error().code == ErrorCode::model_not_found) return std::nullopt;
    if (!modules) return fail(modules.error());
    const json::array* list = modules->if_array();
    if (!list) {
        return fail(corrupt_file(printable_path((directory / "modules.json").native()),
                                 "holds no list of modules"));
    }
    SentenceTransformer transformer;
    for (const json::value& module : *list)
        if (auto read = read_module(directory, module, transformer); !read)
            return fail(read.error());
    const auto settings = read_optional_object(directory / "sentence_bert_config.json");
    if (!settings) return fail(settings.error());
    transformer.lower_case = flag_at(*settings, "do_lower_case");
    return transformer;
}

}  // namespace worker
