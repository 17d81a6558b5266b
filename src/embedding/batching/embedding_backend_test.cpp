#include "embedding/batching/embedding_backend.h"

#include "tests/support/manual_clock.h"
#include "tests/support/toy_embedding_model.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace embedding {
namespace {

using namespace std::chrono_literals;
using Tokens = std::vector<llm::Token>;
using worker::ErrorCode;

// A text of so many tokens, like no other.
Tokens text(llm::Token number, std::size_t length = 3) {
    Tokens tokens(length, number % 90 + 5);
    tokens.back() = number / 90;
    return tokens;
}

std::vector<Tokens> texts(llm::Token first, std::size_t count, std::size_t length = 3) {
    std::vector<Tokens> made;
    for (std::size_t i = 0; i < count; ++i)
        made.push_back(text(first + static_cast<llm::Token>(i), length));
    return made;
}

// A backend over a toy model, and what its jobs have said.
class Bench {
public:
    explicit Bench(std::uint32_t slots = 4, std::uint32_t step_rows = 20)
        : backend_(
              [this, step_rows](const worker::LoadObserver&,
                                const std::atomic<bool>&) -> Result<LoadedModel> {
                  auto model = std::make_unique<ToyEmbeddingModel>(Capabilities{
                      .vocabulary_size = 100, .context_max = 30, .rows_max = 30, .texts_max = 8});
                  model_ = model.get();
                  model_->clock = &clock_;
                  return LoadedModel{
                      .vocabulary = nullptr, .model = std::move(model), .step_rows = step_rows};
              },
              clock_, slots) {
        EXPECT_TRUE(backend_.load([](const worker::LoadProgress&) { return true; }));
    }

    Result<bool> start(std::uint64_t id, const std::vector<Tokens>& inputs) {
        EmbedJob job{inputs};
        const auto started = backend_.start(worker::JobId{id}, job);
        if (!started) return worker::fail(started.error());
        EXPECT_EQ(job.inputs.empty(), started->has_value());  // Taken, or left as it was.
        return started->has_value();
    }

    Result<void> step() {
        worker::Reports<EmbeddingOutput> reports;
        const Result<void> stepped = backend_.step(reports);
        for (auto& report : reports) {
            const auto id = static_cast<std::uint64_t>(report.id);
            EXPECT_FALSE(ends.contains(id) || failures.contains(id)) << "after the end of " << id;
            if (auto* output = std::get_if<EmbeddingOutput>(&report.event))
                for (Embedding& each : output->embeddings) said[id].push_back(std::move(each));
            if (const auto* end = std::get_if<worker::Ended>(&report.event)) ends[id] = *end;
            if (const auto* failed = std::get_if<worker::Failed>(&report.event))
                failures[id] = failed->error;
        }
        return stepped;
    }

    void run() {
        while (backend_.status().slots_busy > 0) ASSERT_TRUE(step());
    }

    // The job has said the vectors of these texts, in their order.
    void expect_said(std::uint64_t id, const std::vector<Tokens>& inputs) {
        ASSERT_EQ(said[id].size(), inputs.size()) << "job " << id;
        for (std::uint32_t i = 0; i < inputs.size(); ++i) {
            EXPECT_EQ(said[id][i].index, i);
            EXPECT_EQ(said[id][i].values, ToyEmbeddingModel::vector_of(inputs[i])) << i;
        }
    }

    EmbeddingBackend& backend() { return backend_; }
    ToyEmbeddingModel& model() { return *model_; }

    std::map<std::uint64_t, std::vector<Embedding>> said;
    std::map<std::uint64_t, worker::Ended> ends;
    std::map<std::uint64_t, worker::Error> failures;

private:
    worker::ManualClock clock_;
    ToyEmbeddingModel* model_ = nullptr;
    EmbeddingBackend backend_;
};

TEST(EmbeddingBackendTest, each_input_gets_its_vector_and_the_job_one_end) {
    Bench bench;
    const std::vector<Tokens> inputs = texts(0, 20);
    ASSERT_EQ(bench.start(1, inputs), true);
    bench.run();
    bench.expect_said(1, inputs);
    EXPECT_EQ(bench.ends[1].tokens_in, 60u);
    EXPECT_EQ(bench.ends[1].tokens_out, 20u);
    EXPECT_EQ(bench.ends[1].stop_reason, worker::StopReason::eos);
    // From the end of the first step to that of the last one, 6 texts each and 2.
    EXPECT_EQ(bench.ends[1].decode_time, 42ms);
    EXPECT_EQ(bench.model().steps.size(), 4u);
}

TEST(EmbeddingBackendTest, vectors_are_told_as_they_come) {
    Bench bench;
    ASSERT_EQ(bench.start(1, texts(0, 20)), true);
    ASSERT_TRUE(bench.step());
    EXPECT_EQ(bench.said[1].size(), 6u);
    EXPECT_TRUE(bench.ends.empty());
}

TEST(EmbeddingBackendTest, a_job_of_many_texts_makes_no_other_one_wait_for_all_of_them) {
    Bench bench;
    ASSERT_EQ(bench.start(1, texts(0, 2000)), true);
    ASSERT_TRUE(bench.step());
    ASSERT_EQ(bench.start(2, texts(5000, 1)), true);
    ASSERT_EQ(bench.start(3, texts(6000, 4)), true);
    ASSERT_TRUE(bench.step());
    EXPECT_EQ(bench.ends.count(2), 1u);
    ASSERT_TRUE(bench.step());
    EXPECT_EQ(bench.ends.count(3), 1u);
    bench.expect_said(2, texts(5000, 1));
    bench.expect_said(3, texts(6000, 4));
    bench.run();
    bench.expect_said(1, texts(0, 2000));
}

TEST(EmbeddingBackendTest, an_input_that_is_too_long_fails_its_job_alone) {
    Bench bench;
    ASSERT_EQ(bench.start(1, texts(0, 2)), true);
    const auto check = [&](const std::vector<Tokens>& inputs, const std::string& words) {
        const auto refused = bench.start(2, inputs);
        ASSERT_FALSE(refused) << words;
        EXPECT_EQ(refused.error().code, ErrorCode::invalid_request);
        EXPECT_NE(refused.error().message.find(words), std::string::npos)
            << refused.error().message;
    };
    check({text(1), text(2, 31)}, "31 tokens, and the model reads 1 to 30");
    check({text(1), {}}, "0 tokens");
    check({}, "no input");
    check({{5, 100}}, "a token that the model has not");
    check({{5, -1}}, "a token that the model has not");
    bench.run();
    bench.expect_said(1, texts(0, 2));
}

TEST(EmbeddingBackendTest, a_text_longer_than_a_step_has_one_of_its_own) {
    Bench bench;
    const std::vector<Tokens> inputs{text(1), text(2, 30), text(3)};
    ASSERT_EQ(bench.start(1, inputs), true);
    bench.run();
    bench.expect_said(1, inputs);
    EXPECT_EQ(bench.model().steps, (std::vector<std::vector<std::uint32_t>>{{3}, {30}, {3}}));
}

TEST(EmbeddingBackendTest, numbers_that_overflow_fail_their_job_alone) {
    Bench bench;
    const std::vector<Tokens> bad{text(1), {ToyEmbeddingModel::broken, 2}, text(3)};
    ASSERT_EQ(bench.start(1, bad), true);
    ASSERT_EQ(bench.start(2, texts(10, 3)), true);
    bench.run();
    EXPECT_EQ(bench.failures[1].code, ErrorCode::inference_failed);
    EXPECT_EQ(bench.ends.count(1), 0u);
    EXPECT_TRUE(bench.said[1].empty());
    bench.expect_said(2, texts(10, 3));
}

TEST(EmbeddingBackendTest, a_job_waits_until_a_slot_is_free) {
    Bench bench(2);
    ASSERT_EQ(bench.start(1, texts(0, 20)), true);
    ASSERT_EQ(bench.start(2, texts(20, 1)), true);
    EXPECT_EQ(bench.start(3, texts(30, 1)), false);
    ASSERT_TRUE(bench.step());
    EXPECT_EQ(bench.start(3, texts(30, 1)), true);
    bench.run();
    bench.expect_said(3, texts(30, 1));
}

TEST(EmbeddingBackendTest, a_cancelled_job_says_nothing_more_and_frees_its_slot) {
    Bench bench(2);
    ASSERT_EQ(bench.start(1, texts(0, 20)), true);
    ASSERT_EQ(bench.start(2, texts(20, 20)), true);
    ASSERT_TRUE(bench.step());
    const std::size_t said = bench.said[1].size();
    bench.backend().cancel(worker::JobId{1});
    bench.backend().cancel(worker::JobId{7});
    EXPECT_EQ(bench.start(3, texts(40, 2)), true);
    bench.run();
    EXPECT_EQ(bench.said[1].size(), said);
    EXPECT_EQ(bench.ends.count(1), 0u);
    bench.expect_said(2, texts(20, 20));
    bench.expect_said(3, texts(40, 2));
}

TEST(EmbeddingBackendTest, a_failed_step_is_told_and_the_next_one_works) {
    Bench bench;
    ASSERT_EQ(bench.start(1, texts(0, 2)), true);
    bench.model().fails_next = {ErrorCode::inference_failed, "no", {}};
    const auto stepped = bench.step();
    ASSERT_FALSE(stepped);
    EXPECT_EQ(stepped.error().code, ErrorCode::inference_failed);
    bench.backend().cancel(worker::JobId{1});
    ASSERT_EQ(bench.start(2, texts(5, 2)), true);
    bench.run();
    bench.expect_said(2, texts(5, 2));
}

TEST(EmbeddingBackendTest, says_what_its_slots_do) {
    Bench bench(2);
    EXPECT_EQ(bench.backend().status().slots_total, 2u);
    EXPECT_EQ(bench.backend().status().units_in_per_second, 0);
    ASSERT_EQ(bench.start(1, texts(0, 1)), true);
    ASSERT_EQ(bench.start(2, texts(10, 20)), true);
    ASSERT_TRUE(bench.step());
    const worker::BackendStatus status = bench.backend().status();
    EXPECT_EQ(status.slots_busy, 1u);
    ASSERT_EQ(status.slots.size(), 2u);
    EXPECT_EQ(status.slots[0].state, worker::SlotState::idle);
    EXPECT_EQ(status.slots[1].id, 1u);
    EXPECT_EQ(status.slots[1].state, worker::SlotState::decode);
    EXPECT_EQ(status.slots[1].job, worker::JobId{2});
    EXPECT_EQ(status.slots[1].units_in, 60u);
    EXPECT_EQ(status.slots[1].units_out, 5u);
    EXPECT_EQ(status.host_bytes, 1000u);
    EXPECT_NEAR(status.units_in_per_second, 1000, 1);
}

}  // namespace
}  // namespace embedding
