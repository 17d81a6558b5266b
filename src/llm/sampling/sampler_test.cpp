#include "llm/sampling/sampler.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace llm {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::optional<Token> sample_once(const SamplingSettings& settings, std::vector<float> logits,
                                 const std::vector<Token>& history = {}) {
    Sampler sampler(settings);
    for (const Token token : history) sampler.accept(token);
    SamplingWorkspace workspace;
    const Result<Token> token = sampler.sample({.logits = logits}, workspace);
    return token ? std::optional(*token) : std::nullopt;
}

// Every token that 2,000 draws give, with its share.
std::map<Token, double> draw_many(const SamplingSettings& settings, std::vector<float> logits) {
    constexpr int draws = 2000;
    Sampler sampler(settings);
    SamplingWorkspace workspace;
    std::map<Token, double> shares;
    for (int i = 0; i < draws; ++i)
        shares[*sampler.sample({.logits = logits}, workspace)] += 1.0 / draws;
    return shares;
}

void check_drawn(const SamplingSettings& settings, const std::vector<float>& logits,
                 const std::map<Token, double>& expected) {
    const std::map<Token, double> actual = draw_many(settings, logits);
    EXPECT_EQ(actual.size(), expected.size());
    for (const auto& [token, share] : expected) {
        ASSERT_TRUE(actual.contains(token)) << token;
        EXPECT_NEAR(actual.at(token), share, 0.05) << token;  // Over 4 standard deviations.
    }
}

// Probabilities 0.4, 0.3, 0.2, 0.1 of tokens 2, 0, 3, 1.
const std::vector<float> four = {std::log(3.0F), std::log(1.0F), std::log(4.0F), std::log(2.0F)};

TEST(SamplerTest, temperature_zero_takes_the_most_likely_whatever_else_is_set) {
    const SamplingSettings greedy = {.temperature = 0, .top_p = 0.1, .min_p = 0.5, .top_k = 3};
    EXPECT_EQ(sample_once(greedy, {1, 3, 2}), 1);
    EXPECT_EQ(sample_once(greedy, {-3, -1, -2}), 1);
    EXPECT_EQ(sample_once(greedy, {2, 5, 5}), 1);
    EXPECT_EQ(sample_once({.temperature = 1e-60}, {2, 5, 5}), 1);
}

TEST(SamplerTest, draws_from_the_distribution_itself_by_default) {
    check_drawn({}, four, {{0, 0.3}, {1, 0.1}, {2, 0.4}, {3, 0.2}});
}

TEST(SamplerTest, temperature_flattens_or_sharpens) {
    const double sum = 3 * 3 + 1 + 4 * 4 + 2 * 2;
    check_drawn({.temperature = 0.5}, four,
                {{0, 9 / sum}, {1, 1 / sum}, {2, 16 / sum}, {3, 4 / sum}});
}

TEST(SamplerTest, top_k_keeps_the_k_most_likely) {
    check_drawn({.top_k = 2}, four, {{2, 4.0 / 7}, {0, 3.0 / 7}});
    check_drawn({.top_k = 1}, {5, 5, 5}, {{0, 1.0}});
    check_drawn({.top_k = 9}, {0, 0}, {{0, 0.5}, {1, 0.5}});
}

TEST(SamplerTest, top_p_keeps_the_fewest_that_reach_it) {
    check_drawn({.top_p = 0.6}, four, {{2, 4.0 / 7}, {0, 3.0 / 7}});
    check_drawn({.top_p = 0.5}, {0, 0, 0, 0}, {{0, 0.5}, {1, 0.5}});
    check_drawn({.top_p = 0}, four, {{2, 1.0}});
}

TEST(SamplerTest, min_p_keeps_a_share_of_the_most_likely) {
    check_drawn({.min_p = 0.6}, four, {{2, 4.0 / 7}, {0, 3.0 / 7}});
    check_drawn({.min_p = 1}, {1, 2, 2}, {{1, 0.5}, {2, 0.5}});
}

TEST(SamplerTest, filters_work_on_what_the_one_before_left) {
    // top-k leaves 4:3:2, of which top-p 0.7 needs two.
    check_drawn({.top_p = 0.7, .top_k = 3}, four, {{2, 4.0 / 7}, {0, 3.0 / 7}});
    // The temperature comes last: it does not widen what top-p keeps.
    check_drawn({.temperature = 2, .top_p = 0.3}, four, {{2, 1.0}});
}

TEST(SamplerTest, repetition_penalty_lowers_what_was_there) {
    const SamplingSettings greedy = {.temperature = 0, .repetition_penalty = 2};
    EXPECT_EQ(sample_once(greedy, {3, 2, 0}, {0}), 1);
    EXPECT_EQ(sample_once(greedy, {-3, -2, -5}, {1}), 0);
    EXPECT_EQ(sample_once(greedy, {3, 2, 0}, {0, 0, 0}), 1);  // Once, however often.
    EXPECT_EQ(sample_once({.temperature = 0, .repetition_penalty = 0}, {3, 2}, {0}), 0);
}

TEST(SamplerTest, repetition_penalty_looks_back_repeat_last_n_tokens) {
    const auto after = [](std::uint32_t last_n, const std::vector<Token>& history) {
        return sample_once({.temperature = 0, .repetition_penalty = 2, .repeat_last_n = last_n},
                           {3, 2, 0}, history);
    };
    EXPECT_EQ(after(2, {0, 2}), 1);
    EXPECT_EQ(after(2, {0, 2, 2}), 0);
    EXPECT_EQ(after(2, {0, 0, 2, 0}), 1);
    EXPECT_EQ(after(0, {0, 2, 2, 2, 2}), 1);
}

TEST(SamplerTest, never_chooses_a_token_without_a_usable_logit) {
    for (const double temperature : {0.0, 1.0}) {
        EXPECT_EQ(sample_once({.temperature = temperature}, {-inf, nan, 1, nan}), 2);
        EXPECT_EQ(sample_once({.temperature = temperature, .top_p = 0.9}, {nan, -inf, 1}), 2);
        EXPECT_EQ(sample_once({.temperature = temperature, .top_k = 2}, {nan, -inf, 1}), 2);
        EXPECT_EQ(sample_once({.temperature = temperature, .min_p = 0.1}, {nan, -inf, 1}), 2);
        EXPECT_EQ(sample_once({.temperature = temperature}, {1, inf, 2}), 1);
        EXPECT_EQ(sample_once({.temperature = temperature, .top_p = 0.9}, {1, inf, 2}), 1);
    }
}

TEST(SamplerTest, refuses_logits_of_which_none_is_usable) {
    SamplingWorkspace workspace;
    for (const SamplingSettings& settings : std::vector<SamplingSettings>{
             {.temperature = 0}, {}, {.top_p = 0.9}, {.min_p = 0.1}, {.top_k = 3}}) {
        Sampler sampler(settings);
        for (std::vector<float> logits : {std::vector<float>{}, {-inf, -inf}, {nan}}) {
            const Result<Token> token = sampler.sample({.logits = logits}, workspace);
            ASSERT_FALSE(token.has_value());
            EXPECT_EQ(token.error().code, worker::ErrorCode::inference_failed);
        }
    }
}

TEST(SamplerTest, same_seed_gives_the_same_tokens) {
    const auto tokens = [](std::uint64_t seed) {
        Sampler sampler({.seed = seed});
        SamplingWorkspace workspace;
        std::vector<float> logits = four;
        std::vector<Token> chosen;
        for (int i = 0; i < 50; ++i)
            chosen.push_back(*sampler.sample({.logits = logits}, workspace));
        return chosen;
    };
    EXPECT_EQ(tokens(1), tokens(1));
    EXPECT_NE(tokens(1), tokens(2));
}

// Whatever the mask, the choice is that from a row in which nothing else can come.
RC_GTEST_PROP(SamplerTest, chooses_among_what_is_allowed, ()) {
    const std::size_t tokens = *rc::gen::inRange<std::size_t>(1, 200);
    auto logits = *rc::gen::container<std::vector<float>>(
        tokens, rc::gen::map(rc::gen::inRange(-50, 50), [](int x) { return float(x) / 10; }));
    auto allowed = *rc::gen::container<std::vector<std::uint32_t>>(
        (tokens + 31) / 32,
        rc::gen::weightedOneOf<std::uint32_t>({{2, rc::gen::just(0u)},
                                               {2, rc::gen::just(~0u)},
                                               {3, rc::gen::arbitrary<std::uint32_t>()}}));
    const SamplingSettings settings{.repetition_penalty = 1.2, .seed = 7};
    std::vector<float> expected_from = logits;
    for (std::size_t i = 0; i < tokens; ++i)
        if ((allowed[i / 32] >> i % 32 & 1) == 0) expected_from[i] = -inf;

    SamplingWorkspace workspace;
    Sampler masked(settings);
    Sampler plain(settings);
    for (Sampler* sampler : {&masked, &plain}) sampler->accept(0);
    const std::vector<float> before = logits;
    const auto actual = masked.sample({.logits = logits, .allowed = allowed}, workspace);
    const auto expected = plain.sample({.logits = expected_from}, workspace);
    RC_ASSERT(actual.has_value() == expected.has_value());
    if (actual) RC_ASSERT(*actual == *expected);
    RC_ASSERT(logits == before);
}

TEST(SamplerTest, never_chooses_what_is_banned_now) {
    SamplingWorkspace workspace;
    std::vector<float> logits = {1, 5, 3};
    const std::vector<Token> banned = {1, 2, 1};
    for (const double temperature : {0.0, 1.0}) {
        Sampler sampler({.temperature = temperature});
        EXPECT_EQ(*sampler.sample({.logits = logits, .banned = banned}, workspace), 0);
    }
    Sampler sampler({.temperature = 0});
    EXPECT_EQ(*sampler.sample({.logits = logits}, workspace), 1);
}

// What a job has before it chooses a token.
struct History {
    std::vector<Token> prompt;
    std::vector<Token> chosen;
    std::vector<Token> banned;
};

// The penalties one after the other, over a copy.
std::vector<float> penalized(const SamplingSettings& settings, const History& history,
                             std::vector<float> logits) {
    for (const LogitBias& bias : settings.logit_bias) logits.at(bias.token) += bias.bias;
    std::vector<Token> seen = history.prompt;
    seen.insert(seen.end(), history.chosen.begin(), history.chosen.end());
    if (settings.repeat_last_n > 0 && seen.size() > settings.repeat_last_n)
        seen.erase(seen.begin(), seen.end() - settings.repeat_last_n);
    const auto repetition = static_cast<float>(settings.repetition_penalty);
    for (const Token token : std::set<Token>(seen.begin(), seen.end())) {
        float& logit = logits.at(token);
        logit = logit > 0 ? logit / repetition : logit * repetition;
    }
    std::map<Token, float> counts;
    for (const Token token : history.chosen) counts[token] += 1;
    for (const auto& [token, count] : counts)
        logits.at(token) -= count * static_cast<float>(settings.frequency_penalty) +
                            static_cast<float>(settings.presence_penalty);
    for (const Token token : history.banned) logits.at(token) = -inf;
    return logits;
}

// The filters in double precision, over a full sort.
class Reference {
public:
    explicit Reference(const SamplingSettings& settings) : settings_(settings) {}

    struct Share {
        Token token;
        double logit;
        double probability = 0;
    };

    // In the order in which a draw goes through them.
    std::vector<Share> distribution(const std::vector<float>& logits) {
        std::vector<Share> kept;
        for (std::size_t i = 0; i < logits.size(); ++i) {
            if (logits[i] > -inf) kept.push_back({static_cast<Token>(i), logits[i]});
        }
        std::stable_sort(kept.begin(), kept.end(),
                         [](const Share& a, const Share& b) { return a.logit > b.logit; });
        if (settings_.top_k > 0 && settings_.top_k < kept.size()) kept.resize(settings_.top_k);
        if (settings_.top_p < 1) {
            normalize(kept, 1);
            double sum = 0;
            std::size_t count = 0;
            while (count < kept.size()) {
                sum += kept[count++].probability;
                // A rounding error may decide such a case either way.
                unclear_ = unclear_ || std::abs(sum - settings_.top_p) < 1e-5;
                if (sum >= settings_.top_p) break;
            }
            kept.resize(count);
        }
        const double floor = kept.front().logit + std::log(settings_.min_p);
        std::erase_if(kept, [&](const Share& share) { return share.logit < floor; });
        normalize(kept, settings_.temperature);
        if (settings_.top_k == 0 && settings_.top_p >= 1) {
            std::sort(kept.begin(), kept.end(),
                      [](const Share& a, const Share& b) { return a.token < b.token; });
        }
        return kept;
    }

    bool unclear() const { return unclear_; }

private:
    static void normalize(std::vector<Share>& shares, double temperature) {
        double sum = 0;
        for (Share& share : shares) {
            share.probability = std::exp((share.logit - shares.front().logit) / temperature);
            sum += share.probability;
        }
        for (Share& share : shares) share.probability /= sum;
    }

    SamplingSettings settings_;
    bool unclear_ = false;
};

rc::Gen<std::vector<float>> logits_of(std::size_t size) {
    const auto plain = rc::gen::map(rc::gen::inRange(-12000, 12001),
                                    [](int thousandths) { return float(thousandths) / 1000; });
    const auto tied = rc::gen::map(rc::gen::inRange(-3, 4), [](int n) { return float(n); });
    return rc::gen::container<std::vector<float>>(
        size, rc::gen::weightedOneOf<float>({{6, plain}, {3, tied}, {1, rc::gen::just(-inf)}}));
}

rc::Gen<double> hundredths(int first, int last) {
    return rc::gen::map(rc::gen::inRange(first, last + 1), [](int n) { return n / 100.0; });
}

SamplingSettings arbitrary_settings() {
    const auto or_off = [](rc::Gen<double> value, double off) {
        return *rc::gen::oneOf(std::move(value), rc::gen::just(off));
    };
    SamplingSettings settings;
    settings.temperature = *hundredths(5, 200);
    settings.top_p = or_off(hundredths(0, 99), 1);
    settings.min_p = or_off(hundredths(1, 100), 0);
    settings.top_k =
        *rc::gen::oneOf(rc::gen::just<std::uint32_t>(0), rc::gen::inRange<std::uint32_t>(1, 40));
    settings.seed = *rc::gen::arbitrary<std::uint64_t>();
    return settings;
}

void add_arbitrary_penalties(SamplingSettings& settings, Token tokens) {
    settings.repetition_penalty = *rc::gen::element(1.0, 0.5, 1.25, 2.0);
    settings.repeat_last_n = *rc::gen::element(0u, 1u, 4u, 128u);
    settings.presence_penalty = *rc::gen::element(0.0, -2.0, 0.75, 2.0);
    settings.frequency_penalty = *rc::gen::element(0.0, -1.0, 0.5, 2.0);
    const int biases = *rc::gen::inRange(0, 6);
    for (int i = 0; i < biases; ++i)
        settings.logit_bias.push_back(
            {*rc::gen::inRange(0, tokens), *rc::gen::element(-100.0F, -1.5F, 0.5F, 100.0F)});
}

History arbitrary_history(Token tokens) {
    // Token 0 stays free, so that one at least can be chosen.
    const auto some = rc::gen::container<std::vector<Token>>(rc::gen::inRange(0, tokens));
    const auto but_0 = rc::gen::container<std::vector<Token>>(rc::gen::inRange(1, tokens));
    return {.prompt = *some, .chosen = *some, .banned = tokens > 1 ? *but_0 : std::vector<Token>{}};
}

RC_GTEST_PROP(SamplerTest, draws_what_a_full_sort_in_double_precision_draws, ()) {
    SamplingSettings settings = arbitrary_settings();
    const auto size = *rc::gen::inRange<std::size_t>(1, 400);
    auto logits = *logits_of(size);
    logits[0] = *rc::gen::element(1.5F, -2.0F);  // One at least is usable.
    History history;
    if (*rc::gen::arbitrary<bool>()) {
        add_arbitrary_penalties(settings, static_cast<Token>(size));
        history = arbitrary_history(static_cast<Token>(size));
    }

    Reference reference(settings);
    const std::vector<Reference::Share> expected =
        reference.distribution(penalized(settings, history, logits));
    if (reference.unclear()) return;

    Sampler sampler(settings);
    sampler.see_prompt(history.prompt);
    for (const Token token : history.chosen) sampler.accept(token);
    SamplingWorkspace workspace;
    std::mt19937_64 generator(settings.seed);
    for (int i = 0; i < 20; ++i) {
        const double point = static_cast<double>(generator() >> 11) * 0x1p-53;
        const Token actual =
            *sampler.sample({.logits = logits, .banned = history.banned}, workspace);
        double below = 0;
        bool found = false;
        for (const Reference::Share& share : expected) {
            if (share.token == actual) {
                RC_ASSERT(below - 1e-5 <= point);
                RC_ASSERT(point <= below + share.probability + 1e-5);
                found = true;
                break;
            }
            below += share.probability;
        }
        RC_ASSERT(found);
    }
}

RC_GTEST_PROP(SamplerTest, takes_any_logits_without_a_crash, ()) {
    const SamplingSettings settings = arbitrary_settings();
    auto logits = *rc::gen::container<std::vector<float>>(rc::gen::element(
        inf, -inf, nan, 0.0F, -0.0F, 1.0F, std::numeric_limits<float>::max(),
        std::numeric_limits<float>::lowest(), std::numeric_limits<float>::denorm_min()));
    Sampler sampler(settings);
    SamplingWorkspace workspace;
    const Result<Token> token = sampler.sample({.logits = logits}, workspace);
    const bool usable =
        std::any_of(logits.begin(), logits.end(), [](float logit) { return logit > -inf; });
    RC_ASSERT(token.has_value() == usable);
    if (token) RC_ASSERT(logits[static_cast<std::size_t>(*token)] > -inf);
}

}  // namespace
}  // namespace llm
