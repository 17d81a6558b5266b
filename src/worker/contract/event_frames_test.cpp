#include "worker/contract/event_frames.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

// 2026-01-31T12:00:00.123Z
const Clock::WallTime noon = Clock::WallTime(std::chrono::milliseconds(1'769'860'800'123));

template <class Frame>
void check(const Frame& frame, const std::string& expected_json) {
    EXPECT_EQ(to_frame(frame), "data: " + expected_json + "\n\n");
}

TEST(EventFramesTest, started_reports_the_seed) {
    check(StartedFrame{.job_id = "job-1", .model = "m", .started_at = noon, .seed = 7},
          R"({"type":"started","job_id":"job-1","model":"m",)"
          R"("started_at":"2026-01-31T12:00:00.123Z","seed":7})");
}

TEST(EventFramesTest, metrics_are_two_numbers) {
    check(MetricsFrame{.tokens_per_sec = 45.2, .vram_bytes = 0},
          R"({"type":"metrics","tokens_per_sec":45.2,"vram_bytes":0})");
}

TEST(EventFramesTest, narration_leaves_absent_fields_out) {
    NarrationFrame narration = {.actor = "llama-backend",
                                .action = "inference_start",
                                .target = "job-1",
                                .human = "Starts"};
    check(narration, R"({"type":"narration","actor":"llama-backend","action":"inference_start",)"
                     R"("target":"job-1","human":"Starts"})");
    narration.cute = "🐝";
    narration.correlation_id = "c";
    narration.job_id = "job-1";
    check(narration, R"({"type":"narration","actor":"llama-backend","action":"inference_start",)"
                     R"("target":"job-1","human":"Starts","cute":"🐝","correlation_id":"c",)"
                     R"("job_id":"job-1"})");
}

TEST(EventFramesTest, end_names_the_stop_sequence_that_matched) {
    EndFrame end = {
        .tokens_out = 2, .decode_time = std::chrono::milliseconds(150), .stop_reason = "EOS"};
    check(end, R"({"type":"end","tokens_out":2,"decode_time_ms":150,"stop_reason":"EOS"})");
    end.stop_reason = "STOP_SEQUENCE";
    end.stop_sequence_matched = "\n\n";
    check(end, R"({"type":"end","tokens_out":2,"decode_time_ms":150,"stop_reason":"STOP_SEQUENCE",)"
               R"("stop_sequence_matched":"\n\n"})");
}

TEST(EventFramesTest, error_says_whether_to_try_again) {
    check(Error{ErrorCode::timeout, "the deadline passed"},
          R"({"type":"error","code":"TIMEOUT","message":"the deadline passed",)"
          R"("retriable":true})");
}

TEST(EventFramesTest, an_error_marker_is_one_line) {
    EXPECT_EQ(error_marker("engine\r\nfailed\n\ndata: x"),
              "data: [ERROR] engine  failed  data: x\n\n");
}

}  // namespace
}  // namespace worker
