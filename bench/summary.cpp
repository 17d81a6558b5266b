#include "bench/summary.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <cmath>

namespace bench {

namespace {

namespace json = boost::json;

double milliseconds(SteadyTime::duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

// What tables need, and every hundredth for a plot.
json::object quantiles(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    json::array hundredths;
    for (int i = 0; i <= 100; ++i) hundredths.push_back(percentile(values, i / 100.0));
    return {{"p50", percentile(values, 0.50)}, {"p95", percentile(values, 0.95)},
            {"p99", percentile(values, 0.99)}, {"max", percentile(values, 1)},
            {"values", values.size()},         {"hundredths", std::move(hundredths)}};
}

std::vector<double> gaps_of_all(const std::deque<CallRecord>& records, SteadyTime begin,
                                SteadyTime end) {
    std::vector<double> all;
    for (const CallRecord& record : records) {
        const std::vector<double> gaps = gaps_ms(record, begin, end);
        all.insert(all.end(), gaps.begin(), gaps.end());
    }
    return all;
}

// The streams beside an arriving prompt: quiet from when all of them have begun.
json::object arrival(const std::deque<CallRecord>& records, const CallRecord& arriving) {
    SteadyTime all_begun{};
    for (const CallRecord& record : records)
        if (!record.text_times.empty()) all_begun = std::max(all_begun, record.text_times.front());
    json::object arrival;
    arrival["quiet_gap_ms"] = quantiles(gaps_of_all(records, all_begun, arriving.sent));
    // All that it may have lengthened, also where they began before it or end after it.
    std::vector<double> beside;
    for (const CallRecord& record : records) {
        const auto& times = record.text_times;
        for (std::size_t i = 1; i < times.size(); ++i)
            if (times[i] > arriving.sent && times[i - 1] < arriving.ended)
                beside.push_back(milliseconds(times[i] - times[i - 1]));
    }
    arrival["gap_ms"] = quantiles(std::move(beside));
    if (!arriving.text_times.empty())
        arrival["ttft_ms"] = milliseconds(arriving.text_times.front() - arriving.sent);
    arrival["prompt_tokens"] = arriving.prompt_tokens;
    arrival["error"] = arriving.error;
    return arrival;
}

struct Totals {
    SteadyTime begin = SteadyTime::max();
    SteadyTime end = SteadyTime::min();
    std::uint64_t tokens_out = 0;
    std::uint64_t prompt_tokens = 0;
    std::uint64_t cached_tokens = 0;
    std::uint64_t errors = 0;
    std::string first_error;
    std::vector<double> ttft_ms;
};

Totals totals(const std::deque<CallRecord>& records) {
    Totals sum;
    for (const CallRecord& record : records) {
        sum.begin = std::min(sum.begin, record.sent);
        sum.end = std::max(sum.end, record.ended);
        sum.tokens_out += record.tokens_out;
        sum.prompt_tokens += record.prompt_tokens;
        sum.cached_tokens += record.cached_tokens;
        if (!record.text_times.empty())
            sum.ttft_ms.push_back(milliseconds(record.text_times.front() - record.sent));
        if (record.error.empty()) continue;
        if (sum.errors++ == 0) sum.first_error = record.error;
    }
    return sum;
}

}  // namespace

double percentile(const std::vector<double>& sorted, double share) {
    if (sorted.empty()) return 0;
    const double rank = std::ceil(share * static_cast<double>(sorted.size()));
    return sorted[std::max<std::size_t>(static_cast<std::size_t>(rank), 1) - 1];
}

std::vector<double> gaps_ms(const CallRecord& record, SteadyTime begin, SteadyTime end) {
    std::vector<double> gaps;
    const auto& times = record.text_times;
    for (std::size_t i = 1; i < times.size(); ++i)
        if (times[i - 1] >= begin && times[i] <= end)
            gaps.push_back(milliseconds(times[i] - times[i - 1]));
    return gaps;
}

json::object summary(const std::deque<CallRecord>& records,
                     const std::deque<CallRecord>& arriving) {
    Totals sum = totals(records);
    const double seconds = records.empty() ? 0 : milliseconds(sum.end - sum.begin) / 1000;
    json::object object;
    object["seconds"] = seconds;
    object["tokens_per_second"] = seconds > 0 ? static_cast<double>(sum.tokens_out) / seconds : 0;
    object["requests"] = records.size();
    object["errors"] = sum.errors;
    object["first_error"] = sum.first_error;
    object["tokens_out"] = sum.tokens_out;
    object["prompt_tokens"] = sum.prompt_tokens;
    object["cached_tokens"] = sum.cached_tokens;
    object["ttft_ms"] = quantiles(std::move(sum.ttft_ms));
    object["gap_ms"] = quantiles(gaps_of_all(records, SteadyTime::min(), SteadyTime::max()));
    for (const CallRecord& record : arriving) object["arrival"] = arrival(records, record);
    return object;
}

}  // namespace bench
