// Loads a server on this machine with one shape of requests, and tells what came of it.
//
//     load_generator PORT native|completion SHAPE
//
// SHAPE is a JSON object with the fields of LoadShape. Prints one line of JSON: what summary()
// says, and the share of one core that this program took itself ("cpu_share").
#include "bench/load_run.h"
#include "bench/summary.h"
#include "worker/base/quantities.h"

#include <boost/json/serialize.hpp>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <limits>

namespace {

using bench::LoadRun;
using bench::LoadShape;
using bench::Target;

// The first request pays for what a server sets up late; it belongs to no shape.
constexpr LoadShape warm_up{.words = 4, .tokens_out = 4, .seed = 0};

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int report(Target target, const LoadShape& shape) {
    LoadRun(target, warm_up).run();
    LoadRun load(target, shape);
    const double cpu_before = cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    load.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const double cpu_share = (cpu_seconds() - cpu_before) / took.count();
    boost::json::object object = bench::summary(load.records(), load.arriving());
    object["cpu_share"] = cpu_share;
    std::puts(boost::json::serialize(object).c_str());
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    const auto port = argc == 4 ? worker::parse_decimal(argv[1]) : std::nullopt;
    const auto dialect = argc == 4 ? bench::parse_dialect(argv[2]) : std::nullopt;
    if (!port || *port > std::numeric_limits<std::uint16_t>::max() || !dialect) {
        std::fputs("usage: load_generator PORT native|completion SHAPE\n", stderr);
        return 2;
    }
    const auto shape = bench::parse_load_shape(argv[3]);
    if (!shape) {
        std::fprintf(stderr, "error: %s\n", shape.error().message.c_str());
        return 2;
    }
    return report({.port = static_cast<std::uint16_t>(*port), .dialect = *dialect}, *shape);
} catch (const std::exception& failure) {
    std::fprintf(stderr, "error: %s\n", failure.what());
    return 1;
}
