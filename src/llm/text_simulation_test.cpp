#include "llm/batching/text_backend.h"
#include "tests/support/scheduler_simulation.h"
#include "tests/support/toy_model.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace llm {
namespace {

using namespace std::chrono_literals;

// A text backend over a toy model, small enough that every limit is met: slots, rows, cells down to
// those of one text, memory for what is kept down to none.
class TextWorld {
public:
    using Input = GenerateJob;
    using Output = TextOutput;

    TextWorld(worker::Chance& chance, worker::ManualClock& clock)
        : chance_(chance),
          capabilities_(capabilities(chance)),
          backend_([&](const auto&, const auto&) { return model(clock); }, clock, 50ms) {
        EXPECT_TRUE(backend_.load([](const worker::LoadProgress&) { return true; }));
    }

    TextBackend& backend() { return backend_; }
    std::uint32_t slots() const { return capabilities_.sequences_max; }

    // Prompts of few kinds, so that many begin alike.
    GenerateJob job(std::string& text) {
        GenerateJob job;
        const Token kind = static_cast<Token>(chance_.pick(0, 2));
        job.prompt.assign(chance_.pick(1, capabilities_.context_max - 1), kind);
        if (chance_.pick(0, 1) == 0)
            job.prompt[chance_.pick(0, static_cast<std::uint32_t>(job.prompt.size() - 1))] = 7;
        job.max_tokens = chance_.pick(1, 60);
        job.sampling.temperature = 0;
        job.cache_scope = chance_.pick(0, 3) == 0 ? "other" : "";
        job.priority = static_cast<int>(chance_.pick(0, 2));
        text = ToyModel::text_alone(job.prompt, job.max_tokens, capabilities_.context_max);
        return job;
    }

    void fail_a_step() { model_->fail_next = true; }

    void check() const {
        const worker::BackendStatus status = backend_.status();
        ASSERT_EQ(status.cells_used, model_->cells_used());
        ASSERT_LE(status.cells_used, capabilities_.cells);
    }
    void check_idle() const { EXPECT_EQ(model_->cells_used(), 0u); }

private:
    static Capabilities capabilities(worker::Chance& chance) {
        constexpr PrefixSharing sharing[] = {PrefixSharing::any_length,
                                             PrefixSharing::whole_sequence, PrefixSharing::none};
        constexpr PrefixSaving saving[] = {PrefixSaving::parts, PrefixSaving::whole,
                                           PrefixSaving::state, PrefixSaving::none};
        Capabilities can;
        can.context_max = chance.pick(2, 150);
        can.sequences_max = can.output_rows_max = chance.pick(1, 5);
        can.cells = chance.pick(can.context_max, 3 * can.context_max);
        can.rows_max = chance.pick(1, 64);
        can.prefix_sharing = sharing[chance.pick(0, 2)];
        can.prefix_saving = saving[chance.pick(0, 3)];
        return can;
    }

    Result<LoadedModel> model(worker::ManualClock& clock) {
        auto model = std::make_unique<ToyModel>(capabilities_);
        model_ = model.get();
        model_->clock = &clock;
        model_->takes_per_row = 1ms;
        return LoadedModel{std::make_shared<ToyVocabulary>(), std::move(model),
                           chance_.pick(0, 1) * std::uint64_t{chance_.pick(0, 4000)}};
    }

    worker::Chance& chance_;
    const Capabilities capabilities_;
    ToyModel* model_ = nullptr;
    TextBackend backend_;
};

TEST(TextSimulation, every_job_says_what_it_says_alone_and_ends_exactly_once) {
    worker::simulate<TextWorld>(10'000, 200);
}

}  // namespace
}  // namespace llm
