#include "bench/load_run.h"

#include "bench/words.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace bench {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

namespace {

// Seeds of what is not one conversation's own; far from those of conversations.
constexpr std::uint64_t shared_seed = 1'000'001;
constexpr std::uint64_t arrival_seed = 1'000'002;
constexpr std::uint64_t arriving_seed = 1'000'003;

// Seeds of different runs must not meet: 2, conversation 1 is not 1, conversation 2.
std::uint64_t mixed(std::uint64_t seed, std::uint64_t part) {
    return seed * 10'000'019 + part;
}

}  // namespace

LoadRun::LoadRun(Target target, LoadShape shape) : target_(target), shape_(shape) {
    if (shape_.shared_words > 0)
        shared_text_ = Words(mixed(shape_.seed, shared_seed)).text(shape_.shared_words) + " ";
}

void LoadRun::run() {
    if (shape_.arrivals_per_second > 0) {
        spawn(arrivals());
    } else {
        for (std::uint32_t i = 0; i < shape_.clients; ++i) spawn(one_client(i));
    }
    if (shape_.arriving_words > 0) spawn(arriving_prompt());
    io_.run();
    if (failure_) std::rethrow_exception(failure_);
}

void LoadRun::spawn(awaitable<void> work) {
    asio::co_spawn(io_, std::move(work), [this](std::exception_ptr failure) {
        if (failure) failure_ = failure;
    });
}

awaitable<void> LoadRun::one_client(std::uint32_t number) {
    for (std::uint32_t i = 0; i < shape_.requests; ++i)
        co_await conversation(std::uint64_t{i} * shape_.clients + number);
}

// A request of a single turn is a short conversation.
awaitable<void> LoadRun::conversation(std::uint64_t number) {
    Words words(mixed(shape_.seed, number));
    std::string said = shared_text_ + words.text(shape_.words);
    for (std::uint32_t turn = 0; turn < shape_.turns; ++turn) {
        CallRecord& record = records_.emplace_back();
        Ask ask = {.prompt = said, .tokens_out = shape_.tokens_out};
        co_await call(target_, std::move(ask), record);
        if (!record.error.empty()) co_return;
        said += record.text;
        said += ' ';
        said += words.text(shape_.words_later);
    }
}

awaitable<void> LoadRun::arrivals() {
    std::mt19937_64 random(mixed(shape_.seed, arrival_seed));
    std::exponential_distribution<double> seconds(shape_.arrivals_per_second);
    asio::steady_timer timer(io_);
    SteadyTime next = std::chrono::steady_clock::now();
    const std::uint64_t total = std::uint64_t{shape_.clients} * shape_.requests;
    for (std::uint64_t i = 0; i < total; ++i) {
        spawn(conversation(i));
        const std::chrono::duration<double> gap(seconds(random));
        next += std::chrono::duration_cast<SteadyTime::duration>(gap);
        timer.expires_at(next);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

awaitable<void> LoadRun::arriving_prompt() {
    asio::steady_timer timer(io_);
    while (!all_are_answered()) {
        timer.expires_after(2ms);  // Far below a step, and nothing for the generator's CPU share.
        co_await timer.async_wait(asio::use_awaitable);
    }
    CallRecord& record = arriving_.emplace_back();
    Ask ask = {.prompt = Words(mixed(shape_.seed, arriving_seed)).text(shape_.arriving_words),
               .tokens_out = shape_.arriving_tokens_out};
    co_await call(target_, std::move(ask), record);
}

bool LoadRun::all_are_answered() const {
    if (records_.size() < shape_.clients) return false;
    return std::all_of(records_.begin(), records_.begin() + shape_.clients,
                       [&](const CallRecord& record) {
                           return record.text_times.size() >= shape_.arrives_after_tokens ||
                                  record.ended != SteadyTime{};
                       });
}

}  // namespace bench
