// Both engines on the same rows, with nothing around them: what our own is faster by.
//
//     bare_engine MODEL THREADS [ISA] [ROUNDS]
//
// ISA is "auto" or one of cpu::name's. Prints a line of JSON a shape, of the medians of ROUNDS
// rounds in which the engines take turns, in tokens a second:
// {"shape":"decode-4","libllama":R,"cpu":R,"ratio":Q,"ratio_min":Q,"ratio_max":Q}.
#include "cpu/text_model.h"
#include "llama/library.h"
#include "llama/model.h"
#include "llama/text_model.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

using Engine = std::unique_ptr<llm::TextModel>;

constexpr std::uint32_t sequences_max = 32;
constexpr std::uint32_t prompt_tokens = 512;
constexpr std::uint32_t begun_tokens = 64;  // of each text before it is decoded
constexpr std::uint32_t decode_steps = 32;
constexpr std::uint32_t context = prompt_tokens + 64;

struct Arguments {
    const char* model;
    std::uint32_t threads;
    const char* isa = "auto";
    int rounds = 5;
};

[[noreturn]] void fail(const std::string& reason) {
    std::fprintf(stderr, "error: %s\n", reason.c_str());
    std::exit(1);
}

const std::atomic<bool> interrupted = false;

Engine open_libllama(llama::Library& library, const Arguments& arguments) {
    auto model =
        llama::load_model(library, {.paths = {arguments.model}}, [](double) { return true; });
    if (!model) fail(model.error().message);
    auto opened = llama::TextModel::create(library, *model,
                                           {.context_max = context,
                                            .cells = context * sequences_max,
                                            .sequences_max = sequences_max,
                                            .threads = arguments.threads},
                                           interrupted);
    if (!opened) fail(opened.error().message);
    return std::move(*opened);
}

Engine open_cpu(const Arguments& arguments) {
    const auto isa = cpu::choose_isa(arguments.isa);
    if (!isa) fail(isa.error().message);
    auto loaded = cpu::TextModel::load(
        {.paths = {arguments.model},
         .context_max = context,
         .cells = context * sequences_max,
         .sequences_max = sequences_max,
         .rows_max = prompt_tokens,
         .threads = arguments.threads,
         .isa = *isa},
        [](double) { return true; }, interrupted);
    if (!loaded) fail(loaded.error().message);
    return std::move(*loaded);
}

llm::SequenceId sequence(std::uint32_t index) {
    return llm::SequenceId{static_cast<std::int32_t>(index)};
}

// Some text or other: the work is the same for any.
std::vector<llm::Token> tokens(std::uint32_t count, std::uint32_t from) {
    std::vector<llm::Token> all;
    for (std::uint32_t i = 0; i < count; ++i)
        all.push_back(static_cast<llm::Token>(3 + (from + i) * 37 % 400));
    return all;
}

void compute(llm::TextModel& model, const std::vector<llm::Run>& runs) {
    if (!model.forward(runs)) fail("a step failed");
}

using Clock = std::chrono::steady_clock;

double rate(std::uint32_t count, Clock::time_point begin) {
    return count / std::chrono::duration<double>(Clock::now() - begin).count();
}

double prompt_rate(llm::TextModel& model, std::uint32_t) {
    const std::vector<llm::Token> prompt = tokens(prompt_tokens, 0);
    const auto begin = Clock::now();
    compute(model, {{sequence(0), 0, prompt, true}});
    const double result = rate(prompt_tokens, begin);
    model.release(sequence(0));
    return result;
}

double decode_rate(llm::TextModel& model, std::uint32_t sequences) {
    for (std::uint32_t i = 0; i < sequences; ++i) {
        const std::vector<llm::Token> text = tokens(begun_tokens, i);
        compute(model, {{sequence(i), 0, text, true}});
    }
    const std::vector<llm::Token> next = tokens(sequences, 7);
    const auto begin = Clock::now();
    for (std::uint32_t step = 0; step < decode_steps; ++step) {
        std::vector<llm::Run> runs;
        for (std::uint32_t i = 0; i < sequences; ++i)
            runs.push_back({sequence(i), begun_tokens + step, {&next[i], 1}, true});
        compute(model, runs);
    }
    const double result = rate(decode_steps * sequences, begin);
    for (std::uint32_t i = 0; i < sequences; ++i) model.release(sequence(i));
    return result;
}

struct Shape {
    const char* name;
    double (*rate)(llm::TextModel&, std::uint32_t sequences);
    std::uint32_t sequences;
};
constexpr std::array shapes{
    Shape{"prompt-512", prompt_rate, 1}, Shape{"decode-1", decode_rate, 1},
    Shape{"decode-4", decode_rate, 4},   Shape{"decode-16", decode_rate, 16},
    Shape{"decode-32", decode_rate, 32},
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void measure(const Shape& shape, llm::TextModel& theirs, llm::TextModel& ours, int rounds) {
    std::vector<double> rates_theirs;
    std::vector<double> rates_ours;
    std::vector<double> ratios;
    for (int round = 0; round < rounds; ++round) {
        rates_theirs.push_back(shape.rate(theirs, shape.sequences));
        rates_ours.push_back(shape.rate(ours, shape.sequences));
        ratios.push_back(rates_ours.back() / rates_theirs.back());
    }
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf(
        "{\"shape\":\"%s\",\"libllama\":%.1f,\"cpu\":%.1f,\"ratio\":%.3f,\"ratio_min\":%.3f,"
        "\"ratio_max\":%.3f}\n",
        shape.name, median(rates_theirs), median(rates_ours), median(ratios), *least, *most);
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3 || argc > 5) {
        std::fprintf(stderr, "usage: bare_engine MODEL THREADS [ISA] [ROUNDS]\n");
        return 2;
    }
    Arguments arguments{argv[1], static_cast<std::uint32_t>(std::max(1, std::atoi(argv[2])))};
    if (argc > 3) arguments.isa = argv[3];
    if (argc > 4) arguments.rounds = std::max(1, std::atoi(argv[4]));
    llama::Library library(nullptr);
    const Engine theirs = open_libllama(library, arguments);
    const Engine ours = open_cpu(arguments);
    for (const Shape& shape : shapes) measure(shape, *theirs, *ours, arguments.rounds);
}
