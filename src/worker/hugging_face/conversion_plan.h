#pragma once

#include "worker/base/result.h"
#include "worker/hugging_face/model_directory.h"
#include "worker/model_file/gguf_writer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace worker {

// GGUF and Hugging Face disagree on which two dimensions of a head rotate together in models of the
// Llama family: neighbours, or those half a head apart.
enum class RowOrder : std::uint8_t {
    as_is,
    rotary_pairs,  // each head's rows from halves to neighbours
};

struct PlannedTensor {
    std::string name;                  // in the GGUF file
    std::uint32_t type;                // ggml's id: 0 F32, 1 F16, 30 BF16
    std::vector<std::uint64_t> shape;  // elements, fastest dimension first
    // Names in the directory, joined along the slowest dimension.
    std::vector<std::string> sources = {};
    std::vector<float> values = {};  // where there are no sources: computed here, F32
    RowOrder order = RowOrder::as_is;
    std::uint32_t heads = 0;  // of `rotary_pairs`
};

// What the GGUF file of a model must hold.
struct ConversionPlan {
    std::vector<GgufEntry> entries;  // without general.alignment
    std::vector<PlannedTensor> tensors;
};

// Reads no weights. Errors: model_unsupported (an architecture, a tokeniser, a kind of rotary
// positions or of quantisation, named), model_corrupt (a field, a token or a tensor that cannot
// be); one line each.
Result<ConversionPlan> plan_conversion(const ModelDirectory& directory);

}  // namespace worker
