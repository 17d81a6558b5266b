#include "worker/metrics/metrics.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using namespace std::chrono_literals;

void check_has(const std::string& text, const std::string& line) {
    EXPECT_NE(("\n" + text).find("\n" + line + "\n"), std::string::npos)
        << "missing: " << line << "\nin:\n"
        << text;
}

TEST(MetricsTest, every_name_is_there_before_the_first_job) {
    const std::string text = Metrics("m").scrape({});
    for (const char* line : {
             R"(worker_requests_total{outcome="completed"} 0)",
             R"(worker_requests_total{outcome="length_reached"} 0)",
             R"(worker_requests_total{outcome="cancelled"} 0)",
             R"(worker_requests_total{outcome="timed_out"} 0)",
             R"(worker_requests_total{outcome="failed"} 0)",
             R"(worker_requests_total{outcome="refused"} 0)",
             "worker_vram_bytes 0",
             "worker_tokens_in_total 0",
             "worker_tokens_generated_total 0",
             "worker_inference_duration_ms_count 0",
             "worker_uptime_seconds 0",
             R"(vllm:num_requests_running{model_name="m"} 0)",
             R"(vllm:num_requests_waiting{model_name="m"} 0)",
             R"(vllm:kv_cache_usage_perc{model_name="m"} 0)",
             R"(vllm:prompt_tokens_total{model_name="m"} 0)",
             R"(vllm:generation_tokens_total{model_name="m"} 0)",
             R"(vllm:prefix_cache_queries_total{model_name="m"} 0)",
             R"(vllm:prefix_cache_hits_total{model_name="m"} 0)",
             R"(vllm:request_success_total{finished_reason="stop",model_name="m"} 0)",
             R"(vllm:request_success_total{finished_reason="length",model_name="m"} 0)",
             R"(vllm:request_success_total{finished_reason="abort",model_name="m"} 0)",
             R"(vllm:request_success_total{finished_reason="error",model_name="m"} 0)",
             R"(vllm:time_to_first_token_seconds_count{model_name="m"} 0)",
             R"(vllm:inter_token_latency_seconds_count{model_name="m"} 0)",
             R"(vllm:e2e_request_latency_seconds_count{model_name="m"} 0)",
             R"(vllm:request_queue_time_seconds_count{model_name="m"} 0)",
             R"(vllm:request_prompt_tokens_count{model_name="m"} 0)",
             R"(vllm:request_generation_tokens_count{model_name="m"} 0)",
         })
        check_has(text, line);
}

TEST(MetricsTest, an_ended_job_is_counted_under_all_its_names) {
    Metrics metrics("m");
    metrics.job_ended({.outcome = JobOutcome::length_reached,
                       .tokens_in = 100,
                       .tokens_cached = 64,
                       .tokens_out = 7,
                       .queued = 500ms,
                       .first_output = 700ms,
                       .total = 2s});
    const std::string text = metrics.scrape({});
    for (const char* line : {
             R"(worker_requests_total{outcome="length_reached"} 1)",
             "worker_tokens_in_total 100",
             "worker_tokens_generated_total 7",
             "worker_inference_duration_ms_sum 1500",
             R"(vllm:prompt_tokens_total{model_name="m"} 100)",
             R"(vllm:generation_tokens_total{model_name="m"} 7)",
             R"(vllm:prefix_cache_queries_total{model_name="m"} 100)",
             R"(vllm:prefix_cache_hits_total{model_name="m"} 64)",
             R"(vllm:request_success_total{finished_reason="length",model_name="m"} 1)",
             R"(vllm:time_to_first_token_seconds_bucket{model_name="m",le="0.5"} 0)",
             R"(vllm:time_to_first_token_seconds_bucket{model_name="m",le="0.75"} 1)",
             R"(vllm:e2e_request_latency_seconds_sum{model_name="m"} 2)",
             R"(vllm:request_queue_time_seconds_sum{model_name="m"} 0.5)",
             R"(vllm:request_prompt_tokens_bucket{model_name="m",le="50"} 0)",
             R"(vllm:request_prompt_tokens_bucket{model_name="m",le="100"} 1)",
             R"(vllm:request_generation_tokens_sum{model_name="m"} 7)",
         })
        check_has(text, line);
}

TEST(MetricsTest, both_ways_to_be_given_up_are_one_reason_to_vllm) {
    Metrics metrics("m");
    metrics.job_ended({.outcome = JobOutcome::cancelled});
    metrics.job_ended({.outcome = JobOutcome::timed_out});
    check_has(metrics.scrape({}),
              R"(vllm:request_success_total{finished_reason="abort",model_name="m"} 2)");
}

TEST(MetricsTest, a_job_without_output_has_no_time_to_first_token) {
    Metrics metrics("m");
    metrics.job_ended({.outcome = JobOutcome::failed});
    check_has(metrics.scrape({}), R"(vllm:time_to_first_token_seconds_count{model_name="m"} 0)");
}

TEST(MetricsTest, gaps_and_refusals_are_counted) {
    Metrics metrics("m");
    metrics.output_gap(30ms);
    metrics.job_refused();
    const std::string text = metrics.scrape({});
    check_has(text, R"(vllm:inter_token_latency_seconds_bucket{model_name="m",le="0.025"} 0)");
    check_has(text, R"(vllm:inter_token_latency_seconds_bucket{model_name="m",le="0.05"} 1)");
    check_has(text, R"(worker_requests_total{outcome="refused"} 1)");
}

TEST(MetricsTest, gauges_are_those_of_the_scrape) {
    const std::string text = Metrics("m").scrape({.uptime = 90s,
                                                  .device_bytes = 4096,
                                                  .jobs_running = 3,
                                                  .jobs_queued = 2,
                                                  .cells_used = 16,
                                                  .cells_total = 64,
                                                  .jobs_parked = 5});
    for (const char* line : {
             "worker_uptime_seconds 90",
             "worker_vram_bytes 4096",
             R"(vllm:num_requests_running{model_name="m"} 3)",
             R"(vllm:num_requests_waiting{model_name="m"} 2)",
             R"(vllm:kv_cache_usage_perc{model_name="m"} 0.25)",
             R"(vllm:num_preemptions_total{model_name="m"} 5)",
             R"(vllm:cache_config_info{block_size="32",model_name="m",num_gpu_blocks="2"} 1)",
         })
        check_has(text, line);
}

TEST(MetricsTest, a_model_name_cannot_forge_a_line) {
    check_has(Metrics("a\"b\\c\nd").scrape({}),
              R"(vllm:num_requests_running{model_name="a\"b\\c\nd"} 0)");
}

}  // namespace
}  // namespace worker
