#pragma once

#include "llm/model/text_model.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace embedding {

// Texts of one request, as tokens. Each gets a vector of its own.
struct EmbedJob {
    std::vector<std::vector<llm::Token>> inputs;  // at least 1; each within the model's limits

    // All together.
    std::uint32_t tokens() const {
        std::size_t sum = 0;
        for (const auto& input : inputs) sum += input.size();
        return static_cast<std::uint32_t>(sum);
    }
};

struct Embedding {
    std::uint32_t index;        // of the input in its job
    std::vector<float> values;  // [dimensions], of length 1, all finite
};

// What a step says of one job.
struct EmbeddingOutput {
    std::vector<Embedding> embeddings;

    std::size_t bytes() const {
        std::size_t sum = 0;
        for (const Embedding& each : embeddings)
            sum += sizeof(each) + each.values.size() * sizeof(float);
        return sum;
    }
    std::uint32_t units() const { return static_cast<std::uint32_t>(embeddings.size()); }
    bool append(EmbeddingOutput& next) {
        // What is written at a time stays small.
        if (bytes() >= joined_bytes_enough) return false;
        embeddings.insert(embeddings.end(), std::make_move_iterator(next.embeddings.begin()),
                          std::make_move_iterator(next.embeddings.end()));
        return true;
    }

    static constexpr std::size_t joined_bytes_enough = 64 << 10;
};

}  // namespace embedding
