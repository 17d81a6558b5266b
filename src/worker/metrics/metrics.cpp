#include "worker/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <utility>
#include <vector>

namespace worker {
namespace {

using prometheus::Counter;
using prometheus::Histogram;
using prometheus::Labels;
using prometheus::MetricFamily;
using prometheus::Registry;
using Buckets = Histogram::BucketBoundaries;

// KV cells that one of vLLM's blocks would hold; gateways multiply it with the number of blocks.
constexpr std::uint32_t cells_per_block = 32;

// Source of all bounds: vLLM, vllm/v1/metrics/loggers.py.
const Buckets first_output_seconds{0.001, 0.005, 0.01, 0.02,  0.04,  0.06,  0.08, 0.1,
                                   0.25,  0.5,   0.75, 1.0,   2.5,   5.0,   7.5,  10.0,
                                   20.0,  40.0,  80.0, 160.0, 640.0, 2560.0};
const Buckets gap_seconds{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,  0.3,  0.4, 0.5,
                          0.75, 1.0,   2.5,  5.0,   7.5, 10.0, 20.0, 40.0, 80.0};
const Buckets job_seconds{0.3,  0.5,  0.8,  1.0,  1.5,   2.0,   2.5,   5.0,   10.0,   15.0,  20.0,
                          30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0};

Buckets in_milliseconds(Buckets seconds) {
    for (double& bound : seconds) bound *= 1000;
    return seconds;
}

// 1, 2, 5, 10, … up to the longest contexts.
Buckets token_counts() {
    Buckets bounds;
    for (double decade = 1; decade <= 100'000; decade *= 10) {
        for (const double mantissa : {1, 2, 5}) bounds.push_back(mantissa * decade);
    }
    return bounds;
}

double seconds(Clock::Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

struct OutcomeWords {
    std::string_view own;              // worker_requests_total{outcome}
    std::string_view finished_reason;  // vllm:request_success_total{finished_reason}
};

// In the order of JobOutcome.
constexpr std::array<OutcomeWords, 5> outcome_words{{{"completed", "stop"},
                                                     {"length_reached", "length"},
                                                     {"cancelled", "abort"},
                                                     {"timed_out", "abort"},
                                                     {"failed", "error"}}};

struct Description {
    std::string name;
    std::string help;
};

Counter& add_counter(Registry& registry, const Description& what, const Labels& labels) {
    return prometheus::BuildCounter().Name(what.name).Help(what.help).Register(registry).Add(
        labels);
}

Histogram& add_histogram(Registry& registry, const Description& what, const Labels& labels,
                         const Buckets& bounds) {
    return prometheus::BuildHistogram().Name(what.name).Help(what.help).Register(registry).Add(
        labels, bounds);
}

MetricFamily gauge(Description what, const Labels& labels, double value) {
    prometheus::ClientMetric metric;
    for (const auto& [name, label] : labels) metric.label.push_back({name, label});
    metric.gauge.value = value;
    return {std::move(what.name), std::move(what.help), prometheus::MetricType::Gauge, {metric}};
}

Labels with(Labels labels, const std::string& name, std::string_view value) {
    labels.emplace(name, value);
    return labels;
}

}  // namespace

struct Metrics::State {
    explicit State(const std::string& model_name) : model{{"model_name", model_name}} {
        for (std::size_t i = 0; i < outcome_words.size(); ++i) {
            jobs[i] = &requests(outcome_words[i].own);
            finished[i] = &add_counter(
                registry, {"vllm:request_success_total", "Requests that ended, by reason."},
                with(model, "finished_reason", outcome_words[i].finished_reason));
        }
    }

    Counter& requests(std::string_view outcome) {
        return add_counter(registry, {"worker_requests_total", "Requests, by outcome."},
                           with({}, "outcome", outcome));
    }

    const Labels model;
    Registry registry;

    Counter& refused = requests("refused");
    std::array<Counter*, outcome_words.size()> jobs{};
    std::array<Counter*, outcome_words.size()> finished{};

    Counter& tokens_in =
        add_counter(registry, {"worker_tokens_in_total", "Prompt tokens of ended jobs."}, {});
    Counter& tokens_generated =
        add_counter(registry, {"worker_tokens_generated_total", "Tokens generated."}, {});
    Histogram& inference_ms =
        add_histogram(registry, {"worker_inference_duration_ms", "From start to end, in ms."}, {},
                      in_milliseconds(job_seconds));

    Counter& prompt_tokens =
        add_counter(registry, {"vllm:prompt_tokens_total", "Prompt tokens processed."}, model);
    Counter& generation_tokens =
        add_counter(registry, {"vllm:generation_tokens_total", "Tokens generated."}, model);
    Counter& prefix_queries = add_counter(
        registry, {"vllm:prefix_cache_queries_total", "Prompt tokens looked up in the cache."},
        model);
    Counter& prefix_hits = add_counter(
        registry, {"vllm:prefix_cache_hits_total", "Prompt tokens found in the cache."}, model);

    Histogram& first_output =
        add_histogram(registry, {"vllm:time_to_first_token_seconds", "Time to first token."}, model,
                      first_output_seconds);
    Histogram& gap = add_histogram(
        registry, {"vllm:inter_token_latency_seconds", "Time between two tokens of a request."},
        model, gap_seconds);
    Histogram& total = add_histogram(
        registry, {"vllm:e2e_request_latency_seconds", "From arrival to end."}, model, job_seconds);
    Histogram& queued = add_histogram(
        registry, {"vllm:request_queue_time_seconds", "Time in the queue."}, model, job_seconds);
    Histogram& request_prompt_tokens =
        add_histogram(registry, {"vllm:request_prompt_tokens", "Prompt tokens a request."}, model,
                      token_counts());
    Histogram& request_generation_tokens =
        add_histogram(registry, {"vllm:request_generation_tokens", "Generated tokens a request."},
                      model, token_counts());
};

Metrics::Metrics(const std::string& model_name) : state_(std::make_unique<State>(model_name)) {}

Metrics::~Metrics() = default;

void Metrics::job_ended(const JobFigures& job) {
    const auto outcome = static_cast<std::size_t>(job.outcome);
    state_->jobs[outcome]->Increment();
    state_->finished[outcome]->Increment();

    const auto tokens_in = static_cast<double>(job.tokens_in);
    const auto tokens_out = static_cast<double>(job.tokens_out);
    state_->tokens_in.Increment(tokens_in);
    state_->prompt_tokens.Increment(tokens_in);
    state_->prefix_queries.Increment(tokens_in);
    state_->prefix_hits.Increment(static_cast<double>(job.tokens_cached));
    state_->tokens_generated.Increment(tokens_out);
    state_->generation_tokens.Increment(tokens_out);
    state_->request_prompt_tokens.Observe(tokens_in);
    state_->request_generation_tokens.Observe(tokens_out);

    state_->queued.Observe(seconds(job.queued));
    state_->total.Observe(seconds(job.total));
    state_->inference_ms.Observe(1000 * seconds(job.total - job.queued));
    if (job.first_output) state_->first_output.Observe(seconds(*job.first_output));
}

void Metrics::job_refused() {
    state_->refused.Increment();
}

void Metrics::output_gap(Clock::Duration gap) {
    state_->gap.Observe(seconds(gap));
}

std::string Metrics::scrape(const GaugeValues& gauges) const {
    const Labels& model = state_->model;
    const double cells_used = gauges.cells_used;
    const double cells_total = gauges.cells_total;
    std::vector<MetricFamily> families = state_->registry.Collect();
    families.push_back(
        gauge({"worker_uptime_seconds", "Time since the start."}, {}, seconds(gauges.uptime)));
    families.push_back(gauge({"worker_vram_bytes", "Device memory held."}, {},
                             static_cast<double>(gauges.device_bytes)));
    families.push_back(gauge({"vllm:num_requests_running", "Requests being computed."}, model,
                             gauges.jobs_running));
    families.push_back(
        gauge({"vllm:num_requests_waiting", "Requests in the queue."}, model, gauges.jobs_queued));
    families.push_back(gauge({"vllm:kv_cache_usage_perc", "KV cache in use; 1 is all of it."},
                             model, cells_total > 0 ? cells_used / cells_total : 0));
    MetricFamily parked =
        gauge({"vllm:num_preemptions_total", "Times a request gave up its cells."}, model,
              static_cast<double>(gauges.jobs_parked));
    parked.type = prometheus::MetricType::Counter;
    parked.metric.front().counter.value = parked.metric.front().gauge.value;
    families.push_back(std::move(parked));
    const std::string blocks = std::to_string(gauges.cells_total / cells_per_block);
    families.push_back(gauge(
        {"vllm:cache_config_info", "Size of the KV cache."},
        with(with(model, "block_size", std::to_string(cells_per_block)), "num_gpu_blocks", blocks),
        1));
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace worker
