#include "cpu/profile.h"

#include <fmt/format.h>

#include <numeric>
#include <string_view>

namespace cpu {
namespace {

constexpr std::array<std::string_view, phases> names = {
    "embedding", "norm", "heads", "attention", "attention output", "gate+up", "down", "logits"};

double ms(Profile::Clock::duration spent) {
    return std::chrono::duration<double, std::milli>(spent).count();
}

}  // namespace

std::string Profile::line() const {
    const auto total = std::accumulate(spent_.begin(), spent_.end(), Clock::duration{});
    std::string line = fmt::format("{} steps, {} rows, {:.0f} ms:", steps_, rows_, ms(total));
    for (std::size_t i = 0; i < phases && total > Clock::duration{}; ++i)
        line += fmt::format(" {} {:.1f} %{}", names[i], 100 * ms(spent_[i]) / ms(total),
                            i + 1 < phases ? "," : "");
    return line;
}

}  // namespace cpu
