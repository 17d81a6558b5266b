// The inner port: what an embedding model is to batching. Above it nothing knows which library
// computes; below it nothing knows of jobs.
#pragma once

#include "llm/model/text_model.h"
#include "worker/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace embedding {

using worker::Result;

struct Capabilities {
    std::uint32_t vocabulary_size = 0;
    std::uint32_t dimensions = 0;   // numbers in a vector
    std::uint32_t context_max = 0;  // tokens in one text
    std::uint32_t rows_max = 0;     // tokens in one embed(); not fewer than in one text
    std::uint32_t texts_max = 0;    // in one embed()
};

using Text = std::span<const llm::Token>;

// One vector a text, in the order of the texts. Valid until the next embed().
struct Vectors {
    std::span<const float> values;  // [n_texts][dimensions]
    std::uint32_t dimensions = 0;

    std::span<const float> row(std::size_t text) const {
        return values.subspan(text * dimensions, dimensions);
    }
};

// Thread: one, the engine thread.
class EmbeddingModel {
public:
    virtual ~EmbeddingModel() = default;

    virtual const Capabilities& capabilities() const = 0;

    // Computes the texts together; each vector is of length 1, or all NaN where the model's numbers
    // overflow. Errors: invalid_request where a text, or all of them, are too much or a text is
    // empty: nothing is computed then; inference_failed, vram_oom; cancelled, when the model was
    // told to stop. Requires: tokens of the vocabulary.
    virtual Result<Vectors> embed(std::span<const Text> texts) = 0;

    virtual std::uint64_t device_bytes() const = 0;
    virtual std::uint64_t host_bytes() const = 0;
};

}  // namespace embedding
