#include "worker/contract/health.h"
#include "worker/contract/heartbeat.h"
#include "worker/contract/loading_progress.h"
#include "worker/contract/readiness.h"
#include "worker/contract/ready_callback.h"
#include "worker/contract/slot_report.h"
#include "worker/contract/worker_info.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

// 2026-01-31T12:00:00.123Z
const Clock::WallTime noon = Clock::WallTime(std::chrono::milliseconds(1'769'860'800'123));

const WorkerInfo cpu_worker = {.id = "w-1",
                               .model_id = "hf:x/y",
                               .device = "cpu:0",
                               .port = 8080,
                               .status = WorkerInfo::Status::ready,
                               .implementation = "llm-worker-rbee",
                               .version = "0.1.0"};

template <class Body>
void check(const Body& body, std::string_view expected) {
    EXPECT_EQ(to_json(body).text(), expected);
}

TEST(BodiesTest, worker_info_has_seven_keys_in_order) {
    check(cpu_worker,
          R"({"id":"w-1","model_id":"hf:x/y","device":"cpu:0","port":8080,"status":"ready",)"
          R"("implementation":"llm-worker-rbee","version":"0.1.0"})");
}

TEST(BodiesTest, health_leaves_the_context_out_until_it_is_known) {
    HealthReport report = {.status = "degraded", .state = "loading", .model = "m"};
    check(report, R"({"status":"degraded","state":"loading","vram_bytes":0,"model":"m",)"
                  R"("uptime_seconds":0,"slots_total":0,"slots_busy":0})");
    report = {.status = "healthy",
              .state = "busy",
              .vram_bytes = 5'000'000'000,
              .model = "m",
              .context_length = 8192,
              .uptime_seconds = 61,
              .slots_total = 16,
              .slots_busy = 3};
    check(report, R"({"status":"healthy","state":"busy","vram_bytes":5000000000,"model":"m",)"
                  R"("context_length":8192,"uptime_seconds":61,"slots_total":16,"slots_busy":3})");
}

TEST(BodiesTest, readiness_says_where_to_look_while_loading) {
    check(Readiness{.state = "loading"},
          R"({"ready":false,"state":"loading","progress_url":"/v1/loading/progress"})");
    check(Readiness{.ready = true, .state = "idle", .model_loaded = true},
          R"({"ready":true,"state":"idle","model_loaded":true})");
    check(Readiness{.state = "draining", .model_loaded = true},
          R"({"ready":false,"state":"draining","model_loaded":true})");
    check(Readiness{.state = "error", .error = Error{ErrorCode::model_corrupt, "bad magic"}},
          R"({"ready":false,"state":"error",)"
          R"("error":{"code":"MODEL_CORRUPT","message":"bad magic"}})");
}

TEST(BodiesTest, loading_progress_guesses_no_time_without_a_rate) {
    LoadingProgress progress = {.layers_total = 30};
    check(progress, R"({"stage":"loading_to_vram","layers_loaded":0,"layers_total":30,"vram_mb":0,)"
                    R"("percent":0})");
    progress = {
        .layers_loaded = 15, .layers_total = 30, .vram_mb = 512, .percent = 50, .eta_ms = 1500};
    check(progress,
          R"({"stage":"loading_to_vram","layers_loaded":15,"layers_total":30,"vram_mb":512,)"
          R"("percent":50,"eta_ms":1500})");
}

TEST(BodiesTest, a_heartbeat_says_its_health_under_both_names) {
    check(Heartbeat{.worker_id = "w-1",
                    .time = noon,
                    .health = "healthy",
                    .vram_used_bytes = 1,
                    .vram_total_bytes = 2,
                    .memory_used_bytes = 3,
                    .device = "cuda:0",
                    .slots_total = 16,
                    .slots_busy = 4,
                    .queue_depth = 5,
                    .tokens_per_second = 45.2,
                    .model = "hf:x/y",
                    .state = "busy"},
          R"({"worker_id":"w-1","timestamp":"2026-01-31T12:00:00.123Z",)"
          R"("timestamp_ms":1769860800123,"health_status":"healthy","status":"healthy",)"
          R"("vram_used":1,"vram_total":2,"memory_used":3,"device":"cuda:0",)"
          R"("slots_total":16,"slots_busy":4,"queue_depth":5,"tokens_per_second":45.2,)"
          R"("model":"hf:x/y","state":"busy"})");
}

TEST(BodiesTest, slots_are_an_array_of_figures) {
    EXPECT_EQ(to_json(std::vector<SlotReport>{}), "[]");
    const SlotReport busy{.id = 1,
                          .state = "decode",
                          .is_processing = true,
                          .job_id = "job-1",
                          .tokens_in = 9,
                          .tokens_cached = 4,
                          .tokens_out = 3,
                          .cells = 11,
                          .started_at = noon,
                          .tokens_per_second = 45.2};
    EXPECT_EQ(to_json(std::vector{SlotReport{.state = "parked", .cells = 7}, busy}),
              R"([{"id":0,"state":"parked","is_processing":false,"tokens_in":0,)"
              R"("tokens_cached":0,"tokens_out":0,"cells":7},)"
              R"({"id":1,"state":"decode","is_processing":true,"job_id":"job-1","tokens_in":9,)"
              R"("tokens_cached":4,"tokens_out":3,"cells":11,)"
              R"("started_at":"2026-01-31T12:00:00.123Z","tokens_per_second":45.2}])");
}

TEST(BodiesTest, a_queen_hears_the_worker_info) {
    EXPECT_EQ(queen_heartbeat(cpu_worker, noon).text(),
              R"({"worker":)" + to_json(cpu_worker).text() +
                  R"(,"timestamp":"2026-01-31T12:00:00.123Z"})");
}

TEST(BodiesTest, a_ready_callback_counts_its_device) {
    check(ReadyCallback{.worker_id = "w-1",
                        .url = "http://localhost:8081",
                        .model_ref = "hf:x/y",
                        .backend = "cuda",
                        .device = 1,
                        .vram_bytes = 42},
          R"({"worker_id":"w-1","url":"http://localhost:8081","model_ref":"hf:x/y",)"
          R"("backend":"cuda","device":1,"vram_bytes":42})");
}

}  // namespace
}  // namespace worker
