// The scheduler's two halves, a backend and a ManualClock, driven by a seeded random schedule
// without threads: every interleaving of the two threads at the mailbox and at `deliver` can occur.
#pragma once

#include "tests/support/scheduler_surroundings.h"
#include "worker/scheduler/job_store.h"
#include "worker/scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace worker {

// Numbers that a seed decides.
class Chance {
public:
    explicit Chance(std::uint64_t seed) : random_(seed) {}

    std::uint32_t pick(std::uint32_t low, std::uint32_t high) {
        return std::uniform_int_distribution<std::uint32_t>(low, high)(random_);
    }

private:
    std::mt19937_64 random_;
};

// World is a modality's part of it:
//     using Input, Output;
//     World(Chance&, ManualClock&);
//     InferenceBackend<Input, Output>& backend();
//     std::uint32_t slots() const;
//     Input job(std::string& text);      a random job, and what it says when it completes
//     void fail_a_step();                the next one
//     void check() const;                what must always be true
//     void check_idle() const;           and once nothing is left to do
template <class World>
class SchedulerSimulation : SchedulerSurroundings {
    using Input = typename World::Input;
    using Output = typename World::Output;

public:
    explicit SchedulerSimulation(std::uint64_t seed)
        : chance_(seed),
          world_(chance_, clock_),
          limits_{.queue_max = pick(1, 6),
                  .unread_bytes = sizeof(Event<Output>) * pick(1, 3) + pick(8, 64),
                  .kept_bytes = sizeof(Event<Output>) * pick(2, 20),
                  .finished_max = pick(1, 10),
                  .finished_bytes = sizeof(Event<Output>) * pick(10, 200),
                  .finished_kept = std::chrono::seconds(pick(0, 1)),
                  .unread_kept = std::chrono::seconds(pick(0, 1))},
          mailbox_(limits_.mailbox_capacity(world_.slots())),
          loop_(world_.backend(), mailbox_, board_, clock_,
                [this](TurnReport<Output> turn) { posted_.push_back(std::move(turn)); }),
          scheduler_(io_.get_executor(), limits_, {mailbox_, board_, clock_, metrics_, narrator_}),
          store_(io_.get_executor(), scheduler_, clock_, limits_) {
        be_ready(world_.slots());
    }

    void run(int moves) {
        for (int i = 0; i < moves; ++i) {
            move();
            check_bounds();
        }
        settle();
    }

private:
    // What one reader has seen of its job, and what it may see next.
    struct Reader {
        JobStream<Output> stream;
        std::string text;  // what the job says when it completes
        std::string seen;
        bool started = false;
        bool ended = false;
    };

    std::uint32_t pick(std::uint32_t low, std::uint32_t high) { return chance_.pick(low, high); }

    void move() {
        switch (pick(0, 13)) {
            case 0:
            case 1:
            case 2: submit(); break;
            case 3:
            case 4:
            case 5: loop_.turn(mailbox_.take()); break;
            case 6:
            case 7: deliver(); break;
            case 8: read_one(); break;
            case 9: leave(); break;
            case 10: advance(); break;
            case 11: fail_a_step(); break;
            case 12: open(); break;
            case 13: cancel(); break;
        }
    }

    void submit() {
        std::string text;
        Input job = world_.job(text);
        const JobTerms terms{.job_id = "job-" + std::to_string(pick(0, 200)),
                             .correlation_id = "",
                             .caller = "caller-" + std::to_string(pick(0, 2)),
                             .priority = static_cast<int>(pick(0, 2)),
                             .deadline = clock_.now() + std::chrono::milliseconds(pick(1, 400))};
        if (pick(0, 2) > 0) return submit_owned(std::move(job), terms, text);
        if (check_taken(store_.submit_kept(std::move(job), terms))) kept_[terms.job_id] = text;
    }

    void submit_owned(Input job, const JobTerms& terms, const std::string& text) {
        auto stream = store_.submit_owned(std::move(job), terms);
        if (!check_taken(stream)) return;
        kept_.erase(terms.job_id);
        readers_.push_back(std::make_unique<Reader>(Reader{std::move(*stream), text, {}}));
    }

    // Refused at the door only for a reason: its name is taken, the queue is full, the jobs ahead
    // take longer than it has, or the engine is dead.
    template <class Taken>
    bool check_taken(const Taken& taken) {
        if (taken || taken.error().code == ErrorCode::conflict) return taken.has_value();
        const bool dead = board_.read().life == LifeState::failed;
        const bool full = scheduler_.jobs_held() >= world_.slots() + limits_.queue_max;
        const bool behind_others = scheduler_.jobs_held() > world_.slots();
        EXPECT_EQ(taken.error().code, dead   ? ErrorCode::worker_unhealthy
                                      : full ? ErrorCode::all_slots_busy
                                             : ErrorCode::insufficient_resources);
        EXPECT_TRUE(dead || full || behind_others);
        return false;
    }

    // A later call reads a kept job from its first event, if nobody else does.
    void open() {
        if (kept_.empty()) return;
        const auto job =
            std::next(kept_.begin(), pick(0, static_cast<std::uint32_t>(kept_.size() - 1)));
        auto stream = store_.open({job->first, ""}, 0);
        if (!stream) return;
        readers_.push_back(std::make_unique<Reader>(Reader{std::move(*stream), job->second, {}}));
    }

    void cancel() { store_.cancel({"job-" + std::to_string(pick(0, 200)), ""}); }

    void deliver() {
        if (posted_.empty()) return;
        scheduler_.deliver(std::move(posted_.front()));
        posted_.pop_front();
    }

    void read_one() {
        if (!readers_.empty()) read(*readers_[pick(0, last_reader())]);
    }

    void leave() {
        if (readers_.empty()) return;
        readers_.erase(readers_.begin() + pick(0, last_reader()));
    }

    void advance() {
        clock_.advance(std::chrono::milliseconds(pick(1, 60)));
        scheduler_.expire();
        store_.expire();
    }

    void fail_a_step() {
        if (pick(0, 4) == 0) world_.fail_a_step();
    }

    std::uint32_t last_reader() const { return static_cast<std::uint32_t>(readers_.size() - 1); }

    static void read(Reader& reader) {
        while (auto event = reader.stream.try_next()) {
            ASSERT_FALSE(reader.ended) << "an event after the terminal one";
            if (std::holds_alternative<Started>(*event)) {
                ASSERT_FALSE(reader.started);
                reader.started = true;
            } else if (auto* output = std::get_if<Output>(&*event)) {
                ASSERT_TRUE(reader.started);
                reader.seen += output->text;
                ASSERT_EQ(reader.text.substr(0, reader.seen.size()), reader.seen);
            } else if (std::holds_alternative<Narrated>(*event)) {
                ASSERT_TRUE(reader.started);
            } else {
                reader.ended = true;
                const bool completed = std::holds_alternative<Ended>(*event);
                ASSERT_TRUE(!completed || reader.seen == reader.text);
            }
        }
    }

    void check_bounds() {
        ASSERT_LE(scheduler_.jobs_held(), world_.slots() + limits_.queue_max);
        ASSERT_LE(scheduler_.jobs_active(), scheduler_.jobs_held());
        ASSERT_LE(world_.backend().status().slots_busy, world_.slots());
        world_.check();
        ASSERT_LE(store_.size(), scheduler_.jobs_active() + limits_.finished_max);
    }

    // Everything that is under way comes to its end; nothing is left anywhere.
    void settle() {
        for (int i = 0; i < 5000 && (scheduler_.jobs_held() > 0 || !posted_.empty()); ++i) {
            loop_.turn(mailbox_.take());
            while (!posted_.empty()) deliver();
        }
        EXPECT_EQ(scheduler_.jobs_held(), 0u);
        EXPECT_FALSE(loop_.has_work());
        EXPECT_EQ(world_.backend().status().slots_busy, 0u);
        world_.check_idle();
        for (const auto& reader : readers_) {
            read(*reader);
            EXPECT_TRUE(reader->ended) << "a job without a terminal event";
        }
        clock_.advance(limits_.finished_kept + limits_.unread_kept);
        store_.expire();
        EXPECT_EQ(store_.size(), 0u);
    }

    Chance chance_;
    World world_;
    const SchedulerLimits limits_;
    Mailbox<Command<Input>> mailbox_;
    std::deque<TurnReport<Output>> posted_;
    EngineLoop<Input, Output> loop_;
    Scheduler<Input, Output> scheduler_;
    JobStore<Input, Output> store_;
    std::vector<std::unique_ptr<Reader>> readers_;
    std::map<std::string, std::string> kept_;  // what jobs that are kept for readers will say
};

// Runs one world after the other; a failure names its seed.
template <class World>
void simulate(std::uint64_t seeds, int moves) {
    const char* chosen = std::getenv("RBEE_SEED");  // one seed again, from a failure's message
    const std::uint64_t first = chosen != nullptr ? std::stoull(chosen) : 1;
    const std::uint64_t last = chosen != nullptr ? first : seeds;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        SCOPED_TRACE("RBEE_SEED=" + std::to_string(seed));
        SchedulerSimulation<World>(seed).run(moves);
        if (testing::Test::HasFailure()) return;
    }
}

}  // namespace worker
