#include "bench/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bench {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// A stream whose frames came at these milliseconds.
CallRecord stream(std::vector<int> frames_ms, int ended_ms) {
    CallRecord record{.sent = SteadyTime(0ms), .ended = SteadyTime(ended_ms * 1ms)};
    for (const int at : frames_ms) record.text_times.emplace_back(at * 1ms);
    record.tokens_out = static_cast<std::uint32_t>(frames_ms.size());
    return record;
}

TEST(SummaryTest, a_percentile_is_one_of_the_values) {
    const std::vector<double> values = {1, 2, 3, 4};
    EXPECT_EQ(percentile(values, 0), 1);
    EXPECT_EQ(percentile(values, 0.5), 2);
    EXPECT_EQ(percentile(values, 0.51), 3);
    EXPECT_EQ(percentile(values, 0.99), 4);
    EXPECT_EQ(percentile(values, 1), 4);
    EXPECT_EQ(percentile({7}, 0.5), 7);
    EXPECT_EQ(percentile({}, 0.5), 0);
}

TEST(SummaryTest, counts_gaps_that_lie_within_the_time) {
    const CallRecord record = stream({100, 110, 130, 160}, 160);
    const auto gaps = [&](auto begin, auto end) {
        return gaps_ms(record, SteadyTime(begin), SteadyTime(end));
    };
    EXPECT_THAT(gaps(0ms, 200ms), ElementsAre(10, 20, 30));
    EXPECT_THAT(gaps(105ms, 200ms), ElementsAre(20, 30));
    EXPECT_THAT(gaps(0ms, 130ms), ElementsAre(10, 20));
    EXPECT_THAT(gaps(111ms, 129ms), ElementsAre());
}

TEST(SummaryTest, rates_reach_from_the_first_request_to_the_last_end) {
    const auto object = summary({stream({100, 200}, 300), stream({400, 500, 600}, 1000)}, {});
    EXPECT_DOUBLE_EQ(object.at("tokens_per_second").as_double(), 5);
    EXPECT_DOUBLE_EQ(object.at("ttft_ms").at("p50").as_double(), 100);
    EXPECT_DOUBLE_EQ(object.at("ttft_ms").at("max").as_double(), 400);
    EXPECT_FALSE(object.contains("arrival"));
}

TEST(SummaryTest, counts_failures_and_shows_the_first) {
    CallRecord failed;
    failed.error = "status 503";
    CallRecord failed_later;
    failed_later.error = "receiving";
    const auto object = summary({stream({1}, 2), failed, failed_later}, {});
    EXPECT_EQ(object.at("errors").to_number<int>(), 2);
    EXPECT_EQ(object.at("first_error").as_string(), "status 503");
}

TEST(SummaryTest, tells_the_gaps_before_a_prompt_arrives_from_those_after) {
    CallRecord arriving = stream({450}, 460);
    arriving.sent = SteadyTime(250ms);
    // The first stream is not quiet before the second has begun.
    const auto object =
        summary({stream({100, 150, 200, 240, 400, 460, 500}, 500), stream({210, 220, 470}, 500)},
                {arriving});
    const auto& arrival = object.at("arrival").as_object();
    EXPECT_EQ(arrival.at("quiet_gap_ms").at("values").to_number<int>(), 1);
    EXPECT_EQ(arrival.at("quiet_gap_ms").at("max").as_double(), 10);
    EXPECT_EQ(arrival.at("gap_ms").at("values").to_number<int>(), 3);
    EXPECT_EQ(arrival.at("gap_ms").at("max").as_double(), 250);
    EXPECT_EQ(arrival.at("ttft_ms").as_double(), 200);
}

}  // namespace
}  // namespace bench
