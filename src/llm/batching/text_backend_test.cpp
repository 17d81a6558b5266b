#include "llm/batching/text_backend.h"

#include "tests/support/manual_clock.h"
#include "tests/support/toy_model.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace llm {
namespace {

using namespace std::chrono_literals;

struct Spec {
    std::vector<Token> prompt;
    std::uint32_t max_tokens;
};

GenerateJob job_of(const Spec& spec) {
    GenerateJob job;
    job.prompt = spec.prompt;
    job.max_tokens = spec.max_tokens;
    job.sampling.temperature = 0;
    return job;
}

// What the model says to this prompt when it is asked alone, token by token.
std::string text_alone(const Spec& spec, std::uint32_t context_max) {
    std::vector<Token> tokens = spec.prompt;
    std::string text;
    while (text.size() < spec.max_tokens && tokens.size() <= context_max) {
        tokens.push_back(ToyModel::any_letter(tokens));
        text += ToyVocabulary().piece(tokens.back());
    }
    return text;
}

// A backend over a toy model, and what its jobs have said.
class Bench {
public:
    explicit Bench(const Capabilities& capabilities)
        : backend_(
              [&](const worker::LoadObserver&, const std::atomic<bool>&) -> Result<LoadedModel> {
                  auto model = std::make_unique<ToyModel>(capabilities);
                  model_ = model.get();
                  model_->clock = &clock_;
                  return LoadedModel{std::make_shared<ToyVocabulary>(), std::move(model)};
              },
              clock_, 50ms) {
        EXPECT_TRUE(backend_.load([](const worker::LoadProgress&) { return true; }));
    }

    bool start(std::uint64_t id, const Spec& spec) {
        GenerateJob job = job_of(spec);
        const auto started = backend_.start(worker::JobId{id}, job);
        EXPECT_TRUE(started);
        return started->has_value();
    }

    Result<void> step() {
        worker::Reports<TextOutput> reports;
        Result<void> stepped = backend_.step(reports);
        for (auto& report : reports) {
            const auto id = static_cast<std::uint64_t>(report.id);
            if (const auto* output = std::get_if<TextOutput>(&report.event))
                said[id] += output->text;
            if (is_terminal(report.event)) ended[id] += 1;
        }
        return stepped;
    }

    std::map<std::uint64_t, std::string> said;
    std::map<std::uint64_t, int> ended;

    TextBackend& backend() { return backend_; }
    ToyModel& model() { return *model_; }

private:
    worker::ManualClock clock_;
    ToyModel* model_ = nullptr;
    TextBackend backend_;
};

constexpr Capabilities two_slots{.context_max = 64,
                                 .sequences_max = 2,
                                 .sequences_decoded_max = 2,
                                 .cells = 128,
                                 .rows_max = 8,
                                 .output_rows_max = 2};

TEST(TextBackend, a_job_says_what_it_says_alone) {
    Bench bench(two_slots);
    const Spec spec{{1, 2, 3}, 5};
    ASSERT_TRUE(bench.start(1, spec));
    while (bench.ended[1] == 0) ASSERT_TRUE(bench.step());
    EXPECT_EQ(bench.said[1], text_alone(spec, 64));
    EXPECT_EQ(bench.model().cells_used(), 0u);
}

TEST(TextBackend, a_job_without_a_free_slot_waits) {
    Bench bench(two_slots);
    ASSERT_TRUE(bench.start(1, {{1}, 5}));
    ASSERT_TRUE(bench.start(2, {{1}, 5}));
    EXPECT_FALSE(bench.start(3, {{1}, 5}));
    bench.backend().cancel(worker::JobId{1});
    EXPECT_TRUE(bench.start(3, {{1}, 5}));
}

TEST(TextBackend, a_job_waits_until_all_its_cells_are_free) {
    Capabilities small = two_slots;
    small.cells = 64;
    Bench bench(small);
    ASSERT_TRUE(bench.start(1, {std::vector<Token>(30, 1), 20}));
    EXPECT_FALSE(bench.start(2, {std::vector<Token>(10, 1), 10}));
    EXPECT_TRUE(bench.start(3, {std::vector<Token>(10, 1), 4}));
}

TEST(TextBackend, a_cancelled_job_leaves_no_cells_behind) {
    Bench bench(two_slots);
    ASSERT_TRUE(bench.start(1, {std::vector<Token>(20, 1), 5}));
    ASSERT_TRUE(bench.step());
    EXPECT_GT(bench.model().cells_used(), 0u);
    bench.backend().cancel(worker::JobId{1});
    EXPECT_EQ(bench.model().cells_used(), 0u);
    EXPECT_EQ(bench.backend().status().slots_busy, 0u);
}

TEST(TextBackend, a_failed_step_is_an_error_and_the_next_job_runs) {
    Bench bench(two_slots);
    ASSERT_TRUE(bench.start(1, {{1}, 5}));
    bench.model().fail_next = true;
    const Result<void> stepped = bench.step();
    ASSERT_FALSE(stepped);
    EXPECT_EQ(stepped.error().code, worker::ErrorCode::inference_failed);
    bench.backend().cancel(worker::JobId{1});
    const Spec spec{{7}, 3};
    ASSERT_TRUE(bench.start(2, spec));
    while (bench.ended[2] == 0) ASSERT_TRUE(bench.step());
    EXPECT_EQ(bench.said[2], text_alone(spec, 64));
}

TEST(TextBackend, a_prompt_beside_a_running_stream_takes_the_rows_of_one_gap) {
    Capabilities wide = two_slots;
    wide.context_max = wide.cells = 4000;
    wide.rows_max = 512;
    Bench bench(wide);
    bench.model().takes_per_row = 1ms;  // 50 rows in the gap of 50 ms, 250 in the longest step
    ASSERT_TRUE(bench.start(1, {std::vector<Token>(300, 1), 100}));
    ASSERT_TRUE(bench.step());  // Measures the rate, and begins to decode.
    ASSERT_TRUE(bench.start(2, {std::vector<Token>(1000, 2), 100}));
    const std::size_t before = bench.model().cells_used();
    ASSERT_TRUE(bench.step());
    EXPECT_EQ(bench.model().cells_used() - before, 1u + 50u);
}

TEST(TextBackend, its_status_tells_of_cells) {
    Bench bench(two_slots);
    ASSERT_TRUE(bench.start(1, {{1, 2, 3}, 5}));
    ASSERT_TRUE(bench.step());
    EXPECT_EQ(bench.backend().status().cells_total, 128u);
    EXPECT_EQ(bench.backend().status().cells_used, 3u);
}

RC_GTEST_PROP(TextBackend, jobs_together_say_what_they_say_alone, ()) {
    const auto slots = *rc::gen::inRange<std::uint32_t>(1, 6);
    const auto rows = *rc::gen::inRange<std::uint32_t>(slots, 40);
    Capabilities capabilities{.context_max = 64,
                              .sequences_max = slots,
                              .sequences_decoded_max = slots,
                              .cells = *rc::gen::inRange<std::uint32_t>(64, 200),
                              .rows_max = rows,
                              .output_rows_max = slots};
    Bench bench(capabilities);
    std::map<std::uint64_t, Spec> waiting;
    for (std::uint64_t id = 1; id <= 12; ++id)
        waiting[id] = {*rc::gen::container<std::vector<Token>>(
                           *rc::gen::inRange<std::size_t>(1, 63), rc::gen::inRange<Token>(0, 26)),
                       *rc::gen::inRange<std::uint32_t>(1, 40)};
    const std::map<std::uint64_t, Spec> all = waiting;
    for (int steps = 0; bench.ended.size() < all.size(); ++steps) {
        RC_ASSERT(steps < 5000);
        while (!waiting.empty() && bench.start(waiting.begin()->first, waiting.begin()->second))
            waiting.erase(waiting.begin());
        RC_ASSERT(bench.step().has_value());
    }
    for (const auto& [id, spec] : all) {
        RC_ASSERT(bench.ended[id] == 1);
        RC_ASSERT(bench.said[id] == text_alone(spec, capabilities.context_max));
    }
    RC_ASSERT(bench.model().cells_used() == 0u);
}

}  // namespace
}  // namespace llm
