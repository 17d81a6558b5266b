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
    std::string scope = {};
    int priority = 0;
};

GenerateJob job_of(const Spec& spec) {
    GenerateJob job;
    job.prompt = spec.prompt;
    job.max_tokens = spec.max_tokens;
    job.sampling.temperature = 0;
    job.cache_scope = spec.scope;
    job.priority = spec.priority;
    return job;
}

std::string text_alone(const Spec& spec, std::uint32_t context_max) {
    return ToyModel::text_alone(spec.prompt, spec.max_tokens, context_max);
}

// A backend over a toy model, and what its jobs have said.
class Bench {
public:
    explicit Bench(const Capabilities& capabilities, std::uint64_t kept_bytes_max = 1u << 20)
        : backend_(
              [&, kept_bytes_max](const worker::LoadObserver&,
                                  const std::atomic<bool>&) -> Result<LoadedModel> {
                  auto model = std::make_unique<ToyModel>(capabilities);
                  model_ = model.get();
                  model_->clock = &clock_;
                  return LoadedModel{std::make_shared<ToyVocabulary>(), std::move(model),
                                     kept_bytes_max};
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
            if (const auto* end = std::get_if<worker::Ended>(&report.event))
                cached[id] = end->tokens_cached;
            if (is_terminal(report.event)) ended[id] += 1;
        }
        return stepped;
    }

    std::map<std::uint64_t, std::string> said;
    std::map<std::uint64_t, int> ended;
    std::map<std::uint64_t, std::uint32_t> cached;

    void finish(std::uint64_t id) {
        while (ended[id] == 0) ASSERT_TRUE(step());
    }

    TextBackend& backend() { return backend_; }
    ToyModel& model() { return *model_; }

private:
    worker::ManualClock clock_;
    ToyModel* model_ = nullptr;
    TextBackend backend_;
};

constexpr Capabilities two_slots{
    .context_max = 64, .sequences_max = 2, .cells = 128, .rows_max = 8, .output_rows_max = 2};

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

TEST(TextBackend, a_job_waits_until_its_prompt_has_room) {
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
    bench.model().takes_per_row = 1ms;
    ASSERT_TRUE(bench.start(1, {std::vector<Token>(300, 1), 100}));
    ASSERT_TRUE(bench.step());  // Measures the prompt's rate, and begins to decode.
    ASSERT_TRUE(bench.step());  // Measures a step without prompts.
    ASSERT_TRUE(bench.start(2, {std::vector<Token>(1000, 2), 100}));
    const std::size_t before = bench.model().cells_used();
    ASSERT_TRUE(bench.step());
    EXPECT_NEAR(double(bench.model().cells_used() - before), 1 + 26, 1);  // 0.55 of 50 ms
}

TEST(TextBackend, its_status_tells_of_cells) {
    Bench bench(two_slots);
    ASSERT_TRUE(bench.start(1, {{1, 2, 3}, 5}));
    ASSERT_TRUE(bench.step());
    EXPECT_EQ(bench.backend().status().cells_total, 128u);
    EXPECT_EQ(bench.backend().status().cells_used, 3u);
}

TEST(TextBackend, its_status_tells_of_each_slot) {
    using worker::SlotState;
    Bench bench(two_slots);
    ASSERT_TRUE(bench.start(7, {std::vector<Token>(12, 1), 5}));
    ASSERT_TRUE(bench.step());
    std::vector<worker::SlotStatus> slots = bench.backend().status().slots;
    ASSERT_EQ(slots.size(), 2u);
    EXPECT_EQ(slots[0].state, SlotState::prefill);
    EXPECT_EQ(slots[0].job, worker::JobId{7});
    EXPECT_EQ(slots[0].units_in, 12u);
    EXPECT_EQ(slots[0].cells, 8u);
    EXPECT_EQ(slots[1].state, SlotState::idle);
    EXPECT_EQ(slots[1].id, 1u);
    while (bench.said[7].empty()) ASSERT_TRUE(bench.step());
    slots = bench.backend().status().slots;
    EXPECT_EQ(slots[0].state, SlotState::decode);
    EXPECT_EQ(slots[0].units_out, 1u);
    bench.backend().cancel(worker::JobId{7});
    EXPECT_EQ(bench.backend().status().slots[0].job, std::nullopt);
}

// Some letters that differ from call to call.
std::vector<Token> letters(std::size_t length, Token first) {
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < length; ++i)
        tokens.push_back(static_cast<Token>((i * i + static_cast<std::size_t>(first)) % 26));
    return tokens;
}

constexpr Capabilities four_slots{.context_max = 200,
                                  .sequences_max = 4,
                                  .cells = 600,
                                  .rows_max = 64,
                                  .output_rows_max = 4,
                                  .prefix_sharing = PrefixSharing::any_length,
                                  .prefix_saving = PrefixSaving::parts};

TEST(TextBackend, a_prompt_goes_on_from_what_another_has_computed) {
    Bench bench(four_slots);
    const Spec first{letters(100, 0), 5};
    Spec second{letters(100, 0), 5};
    second.prompt.insert(second.prompt.end(), {1, 2, 3});
    ASSERT_TRUE(bench.start(1, first));
    bench.finish(1);
    const std::size_t before = bench.model().rows_computed;
    ASSERT_TRUE(bench.start(2, second));
    bench.finish(2);
    EXPECT_EQ(bench.said[2], text_alone(second, 200));
    EXPECT_EQ(bench.cached[1], 0u);
    EXPECT_EQ(bench.cached[2], 100u);
    EXPECT_EQ(bench.model().rows_computed - before, 3u + 4u);
}

TEST(TextBackend, a_conversation_goes_on_from_its_last_reply) {
    Bench bench(four_slots);
    Spec turn{letters(50, 0), 20};
    ASSERT_TRUE(bench.start(1, turn));
    bench.finish(1);
    for (const char c : bench.said[1]) turn.prompt.push_back(c - 'a');
    turn.prompt.push_back(7);
    ASSERT_TRUE(bench.start(2, turn));
    bench.finish(2);
    EXPECT_EQ(bench.cached[2], 69u);  // The last token of a reply is never computed.
    EXPECT_EQ(bench.said[2], text_alone(turn, 200));
}

TEST(TextBackend, a_long_text_is_kept_and_copied_in_parts) {
    Capabilities wide = four_slots;
    wide.context_max = wide.cells = 4000;
    wide.rows_max = 700;
    Bench bench(wide);
    const Spec spec{letters(3000, 0), 600};
    ASSERT_TRUE(bench.start(1, spec));
    bench.finish(1);
    ASSERT_TRUE(bench.start(2, spec));
    bench.finish(2);
    EXPECT_EQ(bench.cached[2], 2999u);
    EXPECT_EQ(bench.said[1], bench.said[2]);
}

TEST(TextBackend, prompts_that_come_together_are_computed_once) {
    Bench bench(four_slots);
    Spec other{letters(140, 0), 3};
    other.prompt.insert(other.prompt.end(), {1, 2, 3});
    const Spec spec{letters(150, 0), 3};
    ASSERT_TRUE(bench.start(1, spec));
    ASSERT_TRUE(bench.start(2, spec));
    ASSERT_TRUE(bench.start(3, other));
    for (const std::uint64_t id : {1, 2, 3}) bench.finish(id);
    EXPECT_EQ(bench.said[2], text_alone(spec, 200));
    EXPECT_EQ(bench.said[3], text_alone(other, 200));
    EXPECT_EQ(bench.cached[2], 149u);
    EXPECT_EQ(bench.cached[3], 140u);
    EXPECT_EQ(bench.model().rows_computed, 150u + 1u + 3u + 3u * 2u);
}

TEST(TextBackend, who_waits_for_a_prompt_goes_on_alone_when_that_is_cancelled) {
    Bench bench(four_slots);
    const Spec spec{letters(150, 0), 3};
    ASSERT_TRUE(bench.start(1, spec));
    ASSERT_TRUE(bench.start(2, spec));
    ASSERT_TRUE(bench.step());
    bench.backend().cancel(worker::JobId{1});
    bench.finish(2);
    EXPECT_EQ(bench.said[2], text_alone(spec, 200));
    EXPECT_EQ(bench.cached[2], 64u);  // as far as the other one came
}

TEST(TextBackend, callers_learn_nothing_of_each_others_prompts) {
    Bench bench(four_slots);
    ASSERT_TRUE(bench.start(1, {letters(100, 0), 3, "alice"}));
    ASSERT_TRUE(bench.start(2, {letters(100, 0), 3, "bob"}));
    bench.finish(1);
    bench.finish(2);
    ASSERT_TRUE(bench.start(3, {letters(100, 0), 3, "carol"}));
    bench.finish(3);
    EXPECT_EQ(bench.cached[2], 0u);
    EXPECT_EQ(bench.cached[3], 0u);
}

TEST(TextBackend, what_is_kept_takes_no_cells) {
    Bench bench(four_slots);
    for (std::uint64_t id = 1; id <= 10; ++id) {
        const Spec spec{letters(150, static_cast<Token>(id)), 50};
        ASSERT_TRUE(bench.start(id, spec)) << id;
        bench.finish(id);
        EXPECT_EQ(bench.said[id], text_alone(spec, 200));
        EXPECT_EQ(bench.model().cells_used(), 0u);
    }
}

TEST(TextBackend, a_job_that_finds_no_more_cells_is_parked_and_goes_on_later) {
    Capabilities small = four_slots;
    small.cells = 300;
    Bench bench(small);
    const Spec older{letters(60, 0), 140};
    const Spec younger{letters(60, 1), 140};
    ASSERT_TRUE(bench.start(1, older));
    ASSERT_TRUE(bench.start(2, younger));
    bench.finish(1);
    EXPECT_EQ(bench.ended[2], 0);
    bench.finish(2);
    EXPECT_EQ(bench.said[1], text_alone(older, 200));
    EXPECT_EQ(bench.said[2], text_alone(younger, 200));
    EXPECT_EQ(bench.model().rows_computed, 2u * (60u + 139u));  // Parking recomputes nothing.
}

TEST(TextBackend, a_higher_priority_is_parked_last) {
    Capabilities small = four_slots;
    small.cells = 300;
    Bench bench(small);
    ASSERT_TRUE(bench.start(1, {letters(60, 0), 140}));
    ASSERT_TRUE(bench.start(2, {letters(60, 1), 140, "", 1}));
    bench.finish(2);
    EXPECT_EQ(bench.ended[1], 0);
    bench.finish(1);
}

TEST(TextBackend, a_parked_job_is_computed_again_where_nothing_can_be_kept) {
    Capabilities small = four_slots;
    small.cells = 300;
    Bench bench(small, 0);
    const Spec younger{letters(60, 1), 140};
    ASSERT_TRUE(bench.start(1, {letters(60, 0), 140}));
    ASSERT_TRUE(bench.start(2, younger));
    bench.finish(1);
    bench.finish(2);
    EXPECT_EQ(bench.said[2], text_alone(younger, 200));
    EXPECT_GT(bench.model().rows_computed, 2u * (60u + 139u));
}

RC_GTEST_PROP(TextBackend, jobs_that_begin_alike_say_what_they_say_alone, ()) {
    Capabilities capabilities = four_slots;
    capabilities.cells = *rc::gen::inRange<std::uint32_t>(200, 700);
    if (*rc::gen::arbitrary<bool>()) {
        capabilities.prefix_sharing = PrefixSharing::whole_sequence;
        capabilities.prefix_saving = PrefixSaving::state;
    }
    Bench bench(capabilities, *rc::gen::inRange<std::uint64_t>(0, 4000));
    std::map<std::uint64_t, Spec> all;
    for (std::uint64_t id = 1; id <= 20; ++id) {
        Spec spec{letters(*rc::gen::inRange<std::size_t>(1, 120), *rc::gen::inRange<Token>(0, 3)),
                  *rc::gen::inRange<std::uint32_t>(1, 60)};
        const auto own = *rc::gen::container<std::vector<Token>>(rc::gen::inRange<Token>(0, 26));
        spec.prompt.insert(
            spec.prompt.end(), own.begin(),
            own.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(own.size(), 70)));
        all[id] = spec;
    }
    std::map<std::uint64_t, Spec> waiting = all;
    std::size_t over = 0;
    for (int steps = 0; over < all.size(); ++steps) {
        RC_ASSERT(steps < 5000);
        while (!waiting.empty() && bench.start(waiting.begin()->first, waiting.begin()->second)) {
            const std::uint64_t id = waiting.begin()->first;
            waiting.erase(waiting.begin());
            if (*rc::gen::inRange(0, 8) != 0) continue;
            bench.backend().cancel(worker::JobId{id});
            all.erase(id);
        }
        RC_ASSERT(bench.step().has_value());
        over = bench.ended.size();
    }
    for (const auto& [id, spec] : all) {
        RC_ASSERT(bench.ended[id] == 1);
        RC_ASSERT(bench.said[id] == text_alone(spec, capabilities.context_max));
    }
    RC_ASSERT(bench.backend().status().cells_used == 0u);
}

RC_GTEST_PROP(TextBackend, jobs_together_say_what_they_say_alone, ()) {
    const auto slots = *rc::gen::inRange<std::uint32_t>(1, 6);
    const auto rows = *rc::gen::inRange<std::uint32_t>(slots, 40);
    Capabilities capabilities{.context_max = 64,
                              .sequences_max = slots,
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
