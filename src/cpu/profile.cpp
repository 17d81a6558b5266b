#include "cpu/profile.h"

#include <fmt/format.h>

#include <numeric>
#include <string_view>

namespace cpu {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, phases> names = {
    "embedding", "norms", "heads",  "attention", "attention output",
    "gate + up", "down",  "logits", "outside"};

constexpr Profile::Clock::duration report_after = 5s;
// A longer time between two steps is one without work.
constexpr Profile::Clock::duration pause_max = 20ms;

double ms(Profile::Clock::duration spent) {
    return std::chrono::duration<double, std::milli>(spent).count();
}

}  // namespace

void Profile::begin_step() {
    if (!report_) return;
    const Clock::duration pause = now() - last_end_;
    if (pause < pause_max) add(Phase::outside, pause);
}

void Profile::end_step(std::uint32_t rows) {
    if (!report_) return;
    last_end_ = now();
    ++steps_;
    rows_ += rows;
    if (std::accumulate(spent_.begin(), spent_.end(), Clock::duration{}) < report_after) return;
    report_(line());
    spent_ = {};
    steps_ = rows_ = 0;
}

std::string Profile::line() const {
    const double total = ms(std::accumulate(spent_.begin(), spent_.end(), Clock::duration{}));
    std::string line = fmt::format("{} steps of {:.1f} rows and {:.2f} ms each", steps_,
                                   static_cast<double>(rows_) / static_cast<double>(steps_),
                                   total / static_cast<double>(steps_));
    for (std::size_t i = 0; i < phases; ++i)
        line += fmt::format("{} {} {:.1f} %", i == 0 ? ":" : ",", names[i],
                            100 * ms(spent_[i]) / total);
    return line;
}

}  // namespace cpu
