#pragma once

#include "worker/base/result.h"
#include "worker/model_file/architecture.h"
#include "worker/model_file/byte_source.h"
#include "worker/model_file/ggml_type.h"
#include "worker/model_file/pooling.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// Sampling values that a model's makers recommend.
// Source: llama.cpp, gguf-py constants.py, "general.sampling.*".
struct RecommendedSampling {
    std::optional<double> temperature = {};
    std::optional<double> top_p = {};
    std::optional<double> min_p = {};
    std::optional<double> repetition_penalty = {};
    std::optional<std::uint32_t> top_k = {};
};

// What a model's files say of it, checked.
struct ModelFacts {
    std::string architecture;               // e.g. "llama"
    std::string name;                       // general.name, else empty
    ModelKind kind = ModelKind::attention;  // one that is served
    std::uint64_t parameters = 0;
    std::string quantization;      // e.g. "Q4_K_M"
    std::uint64_t size_bytes = 0;  // of all files

    std::uint32_t context_length = 0;  // tokens, in training
    std::uint32_t layers = 0;
    std::uint32_t embedding_length = 0;
    std::uint32_t feed_forward_length = 0;  // greatest of the layers
    std::uint32_t heads = 0;                // greatest of the layers; 0 when recurrent
    std::uint32_t heads_kv = 0;             // greatest of the layers; 0 when recurrent
    std::uint32_t heads_kv_total = 0;       // sum over the layers
    std::uint32_t head_dim_k = 0;
    std::uint32_t head_dim_v = 0;
    bool causal = true;  // a token attends to those before it only
    Pooling pooling = Pooling::none;

    std::string tokenizer;  // tokenizer.ggml.model, e.g. "gpt2"
    std::uint32_t vocabulary_size = 0;
    std::optional<std::string> chat_template;
    std::map<std::string, std::string> named_templates;  // further ones, by their names
    RecommendedSampling recommended;
    std::string digest;  // see `digest_of`
};

// What a worker does with models, and which it can do that with.
struct Serves {
    bool (*kind)(ModelKind);
    std::string_view purpose;  // goes on from "this worker"
};

// Reads the headers of a model's GGUF files (its shards in order) and checks them by themselves,
// against each other and for what the inference library would abort on. Reads no weights.
// Errors: model_corrupt, model_unsupported, model_unreadable, model_not_found; one line that names
// file and place.
Result<ModelFacts> inspect_model(const std::vector<std::filesystem::path>& paths,
                                 const Serves& serves);

// The same for files that are open already.
Result<ModelFacts> inspect_sources(std::span<const ByteSource* const> sources,
                                   const Serves& serves);

// bytes that one token takes in the cache of keys and values, stored as `k` and `v`. An estimate
// from above: a model may keep only a window of some layers. 0 when recurrent.
std::uint64_t kv_bytes_per_token(const ModelFacts& facts, const GgmlType& k, const GgmlType& v);

}  // namespace worker
