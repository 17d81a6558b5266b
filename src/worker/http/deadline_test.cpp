#include "worker/http/deadline.h"

#include "tests/support/manual_clock.h"
#include "worker/base/test_pipe.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace worker {
namespace {

using namespace std::chrono_literals;

// What becomes of x-deadline values at 3,600,000 ms of the epoch, where a job may take 10 s: how
// long it may take, whether that was logged.
std::string outcome(const std::vector<std::string>& values) {
    const ManualClock clock;
    TestPipe pipe;
    Log log(LogFormat::text, LogLevel::info, pipe.writing_end());
    Request request{.correlation_id = "c-1"};
    for (const std::string& value : values) request.fields.add("x-deadline", value);
    const auto limit = job_deadline(request, clock, 10s, log);
    const std::string logged = pipe.read_all();
    if (!limit) {
        EXPECT_EQ(limit.error().code, ErrorCode::deadline_exceeded);
        return limit.error().message + logged;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*limit - clock.now());
    const bool names_request = logged.find("c-1") != std::string::npos;
    const std::string ignored = names_request ? ", ignored" : "";
    return std::to_string(left.count()) + " ms" + (logged.empty() ? "" : ignored);
}

TEST(DeadlineTest, without_a_deadline_a_job_may_take_the_longest_time) {
    EXPECT_EQ(outcome({}), "10000 ms");
}

TEST(DeadlineTest, a_deadline_shortens_that_and_never_lengthens_it) {
    EXPECT_EQ(outcome({"3600001"}), "1 ms");
    EXPECT_EQ(outcome({"3602500"}), "2500 ms");
    EXPECT_EQ(outcome({"0003602500"}), "2500 ms");
    EXPECT_EQ(outcome({"3610000"}), "10000 ms");
    EXPECT_EQ(outcome({"3610001"}), "10000 ms");
    EXPECT_EQ(outcome({"9223372036854775807"}), "10000 ms");
}

TEST(DeadlineTest, one_that_has_passed_is_refused) {
    for (const char* past : {"3600000", "3599999", "1", "0"}) {
        EXPECT_EQ(outcome({past}), "Request deadline exceeded") << past;
    }
}

TEST(DeadlineTest, one_that_cannot_be_read_is_ignored_and_logged) {
    for (const char* value : {"", "soon", "-1", "+3602500", "3602500.0", "3602500 0", "36e5",
                              "0x36", "9223372036854775808", "3602500ms"}) {
        EXPECT_EQ(outcome({value}), "10000 ms, ignored") << value;
    }
    EXPECT_EQ(outcome({"3602500", "3602500"}), "10000 ms, ignored");
    EXPECT_EQ(outcome({"3602500", ""}), "10000 ms, ignored");
}

TEST(DeadlineTest, the_refusal_is_what_callers_compare) {
    const Response response =
        error_response({ErrorCode::deadline_exceeded, "Request deadline exceeded"});
    EXPECT_EQ(response.status, 504);
    EXPECT_EQ(response.body, R"({"code":"INFERENCE_TIMEOUT","message":"Request deadline exceeded",)"
                             R"("retriable":true})");
}

}  // namespace
}  // namespace worker
