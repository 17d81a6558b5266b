#pragma once

#include "worker/base/clock.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace worker {

// How an accepted job ended.
enum class JobOutcome : std::uint8_t { stopped, length_reached, cancelled, timed_out, failed };

// One job at its end. Counts are in the modality's unit of work; for text that is tokens.
struct JobFigures {
    JobOutcome outcome = JobOutcome::stopped;
    std::uint64_t tokens_in = 0;
    std::uint64_t tokens_cached = 0;  // of `tokens_in`: not computed again
    std::uint64_t tokens_out = 0;
    Clock::Duration queued{};  // from acceptance to start, or to the end
    std::optional<Clock::Duration> first_output = std::nullopt;  // from acceptance
    Clock::Duration total{};                                     // from acceptance to the end
};

// What is true at the moment of a scrape.
struct GaugeValues {
    Clock::Duration uptime{};
    std::uint64_t device_bytes = 0;
    std::uint32_t jobs_running = 0;
    std::uint32_t jobs_queued = 0;
    std::uint32_t cells_used = 0;  // of the KV cache; 0 where a modality has none
    std::uint32_t cells_total = 0;
    std::uint64_t jobs_parked = 0;  // since the start
};

// Counters and histograms of one worker, under its own names and under vLLM's, so that an
// inference gateway reads it without configuration. Thread: any, for everything.
// Source: wire contract, section 10; vLLM, vllm/v1/metrics/loggers.py (names, meanings, buckets).
class Metrics {
public:
    explicit Metrics(const std::string& model_name);
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    void job_ended(const JobFigures& job);
    // A request that was refused at the door: queue full, loading, draining.
    void job_refused();
    // The time between two outputs of one job.
    void output_gap(Clock::Duration gap);

    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";
    // Prometheus text. Never waits for inference.
    std::string scrape(const GaugeValues& gauges) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace worker
