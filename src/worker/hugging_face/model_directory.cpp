#include "worker/hugging_face/model_directory.h"

#include "worker/base/utf8.h"
#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/json_file.h"
#include "worker/model_file/byte_source.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace worker {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view single_file = "model.safetensors";
constexpr std::string_view index_file = "model.safetensors.index.json";

// Which file holds which tensor, as the index says it.
using Index = std::map<std::string, std::set<std::string>>;

// Opens one directory, a part at a time.
class Opening {
public:
    explicit Opening(const fs::path& path) { directory_.path = path; }

    Result<ModelDirectory> run() {
        for (const auto part : {&Opening::read_objects, &Opening::read_templates,
                                &Opening::read_modules, &Opening::read_weights})
            if (auto read = (this->*part)(); !read) return fail(read.error());
        return std::move(directory_);
    }

private:
    Result<void> read_objects() {
        const fs::path& path = directory_.path;
        if (auto read = keep(read_json_object(path / "config.json"), directory_.config); !read)
            return read;
        auto tokenizer = keep(read_json_object(path / "tokenizer.json"), directory_.tokenizer);
        if (!tokenizer) {
            Error error = tokenizer.error();
            if (error.code == ErrorCode::model_not_found)
                error.message +=
                    "; save the tokeniser with transformers, which writes it from "
                    "tokenizer.model or vocab.json, or name a GGUF file of this model";
            return fail(std::move(error));
        }
        const std::pair<const char*, json::object*> optional[] = {
            {"tokenizer_config.json", &directory_.tokenizer_config},
            {"generation_config.json", &directory_.generation_config},
            {"special_tokens_map.json", &special_tokens_}};
        for (const auto& [name, target] : optional)
            if (auto read = keep(read_optional_object(path / name), *target); !read) return read;
        // What tokenizer_config.json says goes first.
        for (const auto& [key, value] : special_tokens_)
            directory_.tokenizer_config.emplace(key, value);
        return {};
    }

    static Result<void> keep(Result<json::object> read, json::object& target) {
        if (!read) return fail(std::move(read.error()));
        target = std::move(*read);
        return {};
    }

    // Source: transformers, `PreTrainedTokenizerBase.from_pretrained`: a file of its own wins.
    Result<void> read_templates() {
        auto own = read_model_text(directory_.path / "chat_template.jinja");
        if (!own && own.error().code != ErrorCode::model_not_found) return fail(own.error());
        if (own && !is_utf8(*own))
            return fail(corrupt_file(directory_.name_of("chat_template.jinja"), "is no UTF-8"));
        if (own) directory_.chat_template = std::move(*own);
        const json::object& settings = directory_.tokenizer_config;
        if (const auto text = text_at(settings, "chat_template"); text && !own)
            directory_.chat_template = *text;
        const json::array* list = array_at(settings, "chat_template");
        if (!list) return {};
        for (const json::value& value : *list) {
            const json::object* entry = value.if_object();
            const auto name = entry ? text_at(*entry, "name") : std::nullopt;
            const auto text = entry ? text_at(*entry, "template") : std::nullopt;
            if (!name || !text) {
                return fail(corrupt_file(directory_.name_of("tokenizer_config.json"),
                                         "a chat template has no name or no text"));
            }
            if (*name != "default")
                directory_.named_templates.emplace(*name, *text);
            else if (!own)
                directory_.chat_template = *text;
        }
        return {};
    }

    Result<void> read_modules() {
        auto read = read_sentence_transformer(directory_.path);
        if (!read) return fail(read.error());
        directory_.sentence_transformer = *read;
        return {};
    }

    Result<void> read_weights() {
        auto single = read_shard(std::string(single_file), {});
        if (single || single.error().code != ErrorCode::model_not_found) return single;
        const auto index = read_index();
        if (!index && index.error().code == ErrorCode::model_not_found) {
            return fail(
                ErrorCode::model_not_found,
                fmt::format("{}: the directory holds neither {} nor {}; name a directory "
                            "with one of them",
                            printable_path(directory_.path.native()), single_file, index_file));
        }
        if (!index) return fail(index.error());
        for (const auto& [file, tensors] : *index) {
            auto read = read_shard(file, tensors);
            if (read) continue;
            if (read.error().code == ErrorCode::model_not_found)
                read.error().message += fmt::format("; {} names it among the {} files of the model",
                                                    index_file, index->size());
            return read;
        }
        return {};
    }

    Result<Index> read_index() const {
        const auto object = read_json_object(directory_.path / index_file);
        if (!object) return fail(object.error());
        const std::string name = directory_.name_of(index_file);
        const json::object* map = object_at(*object, "weight_map");
        if (!map || map->empty()) return fail(corrupt_file(name, "weight_map names no tensor"));
        Index index;
        for (const auto& [tensor, value] : *map) {
            const json::string* file = value.if_string();
            if (!file || !is_shard_name(*file)) {
                return fail(corrupt_file(
                    name, fmt::format("the file of the tensor \"{}\" is no plain name that ends in "
                                      ".safetensors",
                                      printable(tensor))));
            }
            index[std::string(*file)].insert(std::string(tensor));
        }
        return index;
    }

    // A file of the directory itself: no name leads elsewhere.
    static bool is_shard_name(std::string_view name) {
        return name.ends_with(".safetensors") &&
               name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
    }

    // `expected`: tensors that the file must hold.
    Result<void> read_shard(const std::string& file, const std::set<std::string>& expected) {
        const auto source = open_file(directory_.path / file);
        if (!source) return fail(source.error());
        auto tensors = read_safetensors_header(**source);
        if (!tensors) return fail(tensors.error());
        for (SafeTensor& tensor : *tensors) {
            std::string name = tensor.name;
            const auto [entry, is_new] = directory_.tensors.emplace(
                std::move(name),
                ModelDirectory::Place{directory_.shards.size(), std::move(tensor)});
            if (is_new) continue;
            return fail(corrupt_file((*source)->name(),
                                     fmt::format("the tensor \"{}\" is in an earlier file too",
                                                 printable(entry->first))));
        }
        for (const std::string& name : expected) {
            const auto entry = directory_.tensors.find(name);
            const bool there = entry != directory_.tensors.end() &&
                               entry->second.shard == directory_.shards.size();
            if (there || is_constant(name)) continue;
            return fail(corrupt_file(
                (*source)->name(), fmt::format("the tensor \"{}\", which {} finds here, is missing",
                                               printable(name), index_file)));
        }
        directory_.shards.push_back(directory_.path / file);
        return {};
    }

    ModelDirectory directory_;
    json::object special_tokens_;
};

}  // namespace

std::string ModelDirectory::name_of(std::string_view file) const {
    return printable_path((path / file).native());
}

bool is_constant(std::string_view tensor) {
    return tensor.ends_with("position_ids") || tensor.ends_with("rotary_emb.inv_freq");
}

Result<ModelDirectory> open_model_directory(const fs::path& path) {
    return Opening(path).run();
}

}  // namespace worker
