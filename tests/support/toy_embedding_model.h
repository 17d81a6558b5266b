#pragma once

#include "embedding/model/embedding_model.h"
#include "tests/support/gate.h"
#include "tests/support/manual_clock.h"
#include "worker/base/assert.h"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace embedding {

// A model whose vector is a function of a text's tokens and of nothing else: a direction in the
// plane, so that a text which is cut, swapped or computed twice is seen. Aborts when the port's
// requirements are not kept.
class ToyEmbeddingModel final : public EmbeddingModel {
public:
    explicit ToyEmbeddingModel(const Capabilities& capabilities) : capabilities_(capabilities) {
        capabilities_.dimensions = 2;
    }

    // A text that begins with it has no vector.
    static constexpr llm::Token broken = 1;

    static std::vector<float> vector_of(Text text) {
        double angle = 0;
        for (const llm::Token token : text) angle = angle * 3 + token + 1;
        return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
    }

    const Capabilities& capabilities() const override { return capabilities_; }

    Result<Vectors> embed(std::span<const Text> texts) override {
        WORKER_ASSERT(texts.size() <= capabilities_.texts_max);
        std::vector<std::uint32_t> step;
        std::size_t rows = 0;
        values_.clear();
        for (const Text text : texts) {
            WORKER_ASSERT(!text.empty() && text.size() <= capabilities_.context_max);
            rows += text.size();
            step.push_back(static_cast<std::uint32_t>(text.size()));
            const std::vector<float> vector = vector_of(text);
            values_.insert(values_.end(), vector.begin(), vector.end());
            if (text.front() == broken)
                values_.back() = values_[values_.size() - 2] =
                    std::numeric_limits<float>::quiet_NaN();
        }
        WORKER_ASSERT(rows <= capabilities_.rows_max);
        if (gate) gate->pass();
        if (clock) clock->advance(std::chrono::milliseconds(rows));
        steps.push_back(std::move(step));
        if (fails_next) return worker::fail(*std::exchange(fails_next, std::nullopt));
        return Vectors{values_, capabilities_.dimensions};
    }

    std::uint64_t device_bytes() const override { return 0; }
    std::uint64_t host_bytes() const override { return 1000; }

    std::vector<std::vector<std::uint32_t>> steps;  // the tokens of each text in each
    worker::Gate* gate = nullptr;                   // closed, it holds back each step's end
    worker::ManualClock* clock = nullptr;           // a token takes a millisecond
    std::optional<worker::Error> fails_next;

private:
    Capabilities capabilities_;
    std::vector<float> values_;
};

}  // namespace embedding
