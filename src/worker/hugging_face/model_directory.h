#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/sentence_transformer.h"
#include "worker/model_file/safetensors.h"

#include <boost/json/object.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace worker {

// A model as Hugging Face ships it: its JSON files parsed, its tensors found in their shards.
// Source: transformers, `PreTrainedModel.save_pretrained` and `PreTrainedTokenizerFast`.
struct ModelDirectory {
    struct Place {
        std::size_t shard;
        SafeTensor tensor;
    };

    std::filesystem::path path;
    boost::json::object config;             // config.json
    boost::json::object tokenizer;          // tokenizer.json
    boost::json::object tokenizer_config;   // tokenizer_config.json; empty where there is none
    boost::json::object generation_config;  // generation_config.json; empty where there is none
    std::optional<std::string> chat_template;
    std::map<std::string, std::string> named_templates;  // further ones, by their names
    std::optional<SentenceTransformer> sentence_transformer;
    std::vector<std::filesystem::path> shards;
    std::map<std::string, Place, std::less<>> tensors;  // by their names

    // What messages call a file of it. Fit for one line.
    std::string name_of(std::string_view file) const;
};

// Whether a tensor is no weight: older versions of transformers saved what follows from the
// configuration, too, some of it as integers, which the reader of headers leaves out.
bool is_constant(std::string_view tensor);

// Reads the JSON files and the headers of the shards, and no weights.
// Errors: model_not_found (a file that is missing, named), model_corrupt, model_unsupported,
// model_unreadable; one line each.
Result<ModelDirectory> open_model_directory(const std::filesystem::path& path);

}  // namespace worker
