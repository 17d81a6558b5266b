#include "worker/scheduler/job_store.h"

#include "tests/support/echo_engine.h"
#include "tests/support/scheduler_surroundings.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace worker {
namespace {

using namespace std::chrono_literals;
using Stream = JobStream<EchoOutput>;

class JobStoreTest : public testing::Test, protected SchedulerSurroundings {
protected:
    JobStoreTest() { be_ready(slots); }

    static JobTerms terms(const std::string& id, const std::string& owner = "") {
        return {.job_id = id, .correlation_id = "", .owner = owner};
    }
    Result<void> keep(const std::string& id, const std::string& owner = "") {
        return store_.submit_kept({"abc"}, terms(id, owner));
    }

    // The engine works until it has nothing to do.
    void work() {
        do {
            loop_.turn(mailbox_.take());
            for (TurnReport<EchoOutput>& turn : posted_) scheduler_.deliver(std::move(turn));
            posted_.clear();
        } while (loop_.has_work());
    }

    void pass(Clock::Duration time) {
        clock_.advance(time);
        store_.expire();
    }

    std::optional<JobState> state(const std::string& id, const std::string& owner = "") const {
        const auto view = store_.find({id, owner});
        return view ? std::optional(view->state) : std::nullopt;
    }

    // The text that a reader finds from event `from` on.
    std::string read(const std::string& id, std::uint64_t from = 0) {
        auto stream = store_.open({id, ""}, from);
        EXPECT_TRUE(stream) << stream.error().message;
        return stream ? text_of(*stream) : "";
    }
    static std::string text_of(Stream& stream) {
        std::string text;
        while (const auto event = stream.try_next())
            if (const auto* output = std::get_if<EchoOutput>(&*event)) text += output->text;
        return text;
    }

    ErrorCode refusal(const std::string& id, std::uint64_t from, const std::string& owner = "") {
        const auto stream = store_.open({id, owner}, from);
        return stream ? ErrorCode::internal : stream.error().code;
    }

    static constexpr std::uint32_t slots = 2;
    SchedulerLimits limits_{
        .queue_max = 4, .kept_bytes = 6 * sizeof(Event<EchoOutput>), .finished_max = 3};
    EchoEngine engine_{slots, 1000};
    Mailbox<Command<EchoJob>> mailbox_{limits_.mailbox_capacity(slots)};
    std::vector<TurnReport<EchoOutput>> posted_;
    EngineLoop<EchoJob, EchoOutput> loop_{
        engine_, mailbox_, board_, clock_,
        [this](TurnReport<EchoOutput> turn) { posted_.push_back(std::move(turn)); }};
    Scheduler<EchoJob, EchoOutput> scheduler_{
        io_.get_executor(), limits_, {mailbox_, board_, clock_, metrics_, narrator_}};
    JobStore<EchoJob, EchoOutput> store_{io_.get_executor(), scheduler_, clock_, limits_};
};

TEST_F(JobStoreTest, a_kept_job_runs_without_a_reader_and_is_read_afterwards) {
    ASSERT_TRUE(keep("j"));
    EXPECT_EQ(state("j"), JobState::queued);
    work();
    EXPECT_EQ(state("j"), JobState::completed);
    EXPECT_EQ(read("j"), "abc");
    EXPECT_EQ(read("j"), "abc");
}

TEST_F(JobStoreTest, outputs_that_nobody_has_read_are_joined) {
    ASSERT_TRUE(keep("j"));
    work();
    auto stream = *store_.open({"j", ""}, 0);
    int outputs = 0;
    while (const auto event = stream.try_next())
        outputs += std::holds_alternative<EchoOutput>(*event);
    EXPECT_EQ(outputs, 1);
}

TEST_F(JobStoreTest, to_anybody_but_its_owner_a_job_does_not_exist) {
    ASSERT_TRUE(keep("j", "alice"));
    for (const char* other : {"", "bob"}) {
        EXPECT_EQ(state("j", other), std::nullopt);
        EXPECT_EQ(refusal("j", 0, other), ErrorCode::not_found);
        EXPECT_FALSE(store_.cancel({"j", other}));
    }
    EXPECT_TRUE(store_.cancel({"j", "alice"}));
    EXPECT_EQ(state("j", "alice"), JobState::cancelled);
}

TEST_F(JobStoreTest, an_id_is_taken_while_its_job_is_active_whoever_owns_it) {
    ASSERT_TRUE(keep("j", "alice"));
    EXPECT_EQ(keep("j", "bob").error().code, ErrorCode::conflict);
    work();
    EXPECT_TRUE(keep("j", "bob"));
    EXPECT_EQ(state("j", "alice"), std::nullopt);
}

TEST_F(JobStoreTest, a_job_without_a_reader_for_a_minute_is_cancelled) {
    ASSERT_TRUE(keep("j"));
    pass(59s);
    EXPECT_EQ(state("j"), JobState::queued);
    pass(1s);
    EXPECT_EQ(state("j"), JobState::cancelled);
}

TEST_F(JobStoreTest, a_reader_keeps_its_job_alive_and_leaves_it_a_minute) {
    ASSERT_TRUE(keep("j"));
    {
        const Stream reader = *store_.open({"j", ""}, 0);
        pass(120s);
        EXPECT_EQ(state("j"), JobState::queued);
    }
    pass(59s);
    EXPECT_EQ(state("j"), JobState::queued);
    pass(1s);
    EXPECT_EQ(state("j"), JobState::cancelled);
}

TEST_F(JobStoreTest, a_finished_job_is_forgotten_after_five_minutes) {
    ASSERT_TRUE(keep("j"));
    work();
    pass(299s);
    EXPECT_EQ(read("j"), "abc");
    pass(1s);
    EXPECT_EQ(refusal("j", 0), ErrorCode::not_found);
    EXPECT_EQ(store_.size(), 0u);
}

TEST_F(JobStoreTest, of_too_many_finished_jobs_the_oldest_go_first) {
    for (const char* id : {"a", "b", "c", "d"}) {
        ASSERT_TRUE(keep(id));
        work();
    }
    EXPECT_EQ(state("a"), std::nullopt);
    for (const char* id : {"b", "c", "d"}) EXPECT_EQ(state(id), JobState::completed) << id;
}

TEST_F(JobStoreTest, a_second_reader_is_refused_until_the_first_has_left) {
    ASSERT_TRUE(keep("j"));
    {
        const Stream first = *store_.open({"j", ""}, 0);
        EXPECT_EQ(refusal("j", 0), ErrorCode::conflict);
    }
    work();
    EXPECT_EQ(read("j"), "abc");
}

TEST_F(JobStoreTest, a_stream_is_resumed_at_any_event_that_is_kept) {
    ASSERT_TRUE(keep("j"));
    {
        Stream reader = *store_.open({"j", ""}, 0);
        loop_.turn(mailbox_.take());
        scheduler_.deliver(std::move(posted_.front()));
        posted_.clear();
        EXPECT_EQ(text_of(reader), "a");
        const std::uint64_t seen = reader.position();
        work();
        EXPECT_EQ(text_of(reader), "bc");
        EXPECT_EQ(seen, 3u);  // `started`, its narration, the first output.
    }
    EXPECT_EQ(read("j", 3), "bc");
    EXPECT_EQ(refusal("j", 99), ErrorCode::invalid_request);
}

TEST_F(JobStoreTest, a_job_that_outgrows_its_log_loses_what_has_been_read) {
    const std::string text(12, 'x');
    ASSERT_TRUE(store_.submit_kept({text}, terms("j")));
    std::string seen;
    {
        Stream reader = *store_.open({"j", ""}, 0);
        while (state("j") != JobState::completed) {  // Reads along: nothing is joined.
            loop_.turn(mailbox_.take());
            for (TurnReport<EchoOutput>& turn : posted_) scheduler_.deliver(std::move(turn));
            posted_.clear();
            seen += text_of(reader);
        }
    }
    EXPECT_EQ(seen, text);
    EXPECT_EQ(refusal("j", 0), ErrorCode::not_found);
}

TEST_F(JobStoreTest, what_a_later_reader_has_yet_to_read_is_not_lost) {
    ASSERT_TRUE(store_.submit_kept({std::string(12, 'x')}, terms("j")));
    {
        Stream earlier = *store_.open({"j", ""}, 0);
        for (int i = 0; i < 3; ++i) {  // Reads along: nothing is joined.
            loop_.turn(mailbox_.take());
            scheduler_.deliver(std::move(posted_.front()));
            posted_.clear();
            text_of(earlier);
        }
    }
    Stream later = *store_.open({"j", ""}, 0);
    work();
    const auto first = later.try_next();
    ASSERT_TRUE(first);
    EXPECT_TRUE(std::holds_alternative<Started>(*first));
    const std::string text = text_of(later);
    EXPECT_EQ(text, std::string(text.size(), 'x'));
    EXPECT_TRUE(later.at_end());
}

TEST_F(JobStoreTest, a_job_that_nobody_reads_ends_when_its_log_is_full) {
    ASSERT_TRUE(store_.submit_kept({std::string(900, 'x')}, terms("j")));
    work();
    EXPECT_EQ(state("j"), JobState::cancelled);
}

TEST_F(JobStoreTest, a_single_call_is_known_while_it_runs_and_ends_with_its_reader) {
    {
        const Stream owner = *store_.submit_owned({"abc"}, terms("j"));
        EXPECT_EQ(state("j"), JobState::queued);
        EXPECT_EQ(refusal("j", 0), ErrorCode::conflict);
        EXPECT_EQ(scheduler_.jobs_active(), 1u);
    }
    EXPECT_EQ(scheduler_.jobs_active(), 0u);
    EXPECT_EQ(state("j"), std::nullopt);
}

TEST_F(JobStoreTest, a_single_call_that_is_cancelled_by_its_id_hears_of_it) {
    Stream owner = *store_.submit_owned({"abc"}, terms("j"));
    EXPECT_TRUE(store_.cancel({"j", ""}));
    const auto event = owner.try_next();
    ASSERT_TRUE(event);
    EXPECT_EQ(std::get<Failed>(*event).error.code, ErrorCode::cancelled);
    EXPECT_FALSE(store_.cancel({"j", ""}));
}

TEST_F(JobStoreTest, the_queue_is_counted_by_priority_then_age) {
    ASSERT_TRUE(keep("a"));
    ASSERT_TRUE(keep("b"));
    JobTerms urgent = terms("c");
    urgent.priority = 1;
    ASSERT_TRUE(store_.submit_kept({"abc"}, urgent));
    EXPECT_EQ(store_.find({"a", ""})->queue_position, 1u);
    EXPECT_EQ(store_.find({"b", ""})->queue_position, 2u);
    EXPECT_EQ(store_.find({"c", ""})->queue_position, 0u);
    work();
    EXPECT_EQ(store_.find({"b", ""})->queue_position, std::nullopt);
}

}  // namespace
}  // namespace worker
