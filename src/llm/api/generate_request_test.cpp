#include "llm/api/generate_request.h"

#include "worker/base/json.h"
#include "worker/base/utf8.h"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>

namespace llm {
namespace {

using boost::json::value;

tl::expected<GenerateRequest, worker::Violations> parse(std::string_view body,
                                                        const NativeLimits& limits = {}) {
    return parse_generate_request(worker::parse_json(body).value(), generate_rules(limits));
}

// A body with the required fields and `more`.
std::string with(std::string_view more) {
    return R"({"prompt":"p","max_tokens":1,)" + std::string(more) + "}";
}

// `expected`: "field constraint: message [value]" a line.
void refuses(std::string_view body, int status, std::string_view expected,
             const NativeLimits& limits = {}) {
    const auto parsed = parse(body, limits);
    ASSERT_FALSE(parsed.has_value()) << body;
    std::string found;
    for (const worker::Violation& violation : parsed.error()) {
        found += violation.field + " " + violation.constraint + ": " + violation.message;
        if (violation.value) found += " [" + *violation.value + "]";
        found += "\n";
    }
    EXPECT_EQ(found, expected);
    EXPECT_EQ(worker::http_status(parsed.error()), status);
}

TEST(GenerateRequestTest, has_the_defaults_of_the_contract) {
    const GenerateRequest request = parse(R"({"prompt":"p","max_tokens":1})").value();
    EXPECT_EQ(request.job_id, std::nullopt);
    EXPECT_EQ(request.prompt, "p");
    EXPECT_EQ(request.max_tokens, 1u);
    EXPECT_EQ(request.temperature, 1.0);
    EXPECT_EQ(request.top_p, 1.0);
    EXPECT_EQ(request.top_k, 0u);
    EXPECT_EQ(request.min_p, 0.0);
    EXPECT_EQ(request.repetition_penalty, 1.0);
    EXPECT_EQ(request.repeat_last_n, 128u);
    EXPECT_EQ(request.seed, std::nullopt);
    EXPECT_EQ(request.stop, std::vector<std::string>{});
    EXPECT_EQ(request.ignore_eos, false);
    EXPECT_EQ(request.stream, std::nullopt);
    EXPECT_EQ(request.priority, 0);
    EXPECT_EQ(request.operation, std::nullopt);
}

TEST(GenerateRequestTest, takes_every_field) {
    const GenerateRequest request =
        parse(R"({"job_id":"Job_1.a:b-c","prompt":"Hi","max_tokens":2048,"temperature":0,)"
              R"("top_p":0.5,"top_k":40,"min_p":0.05,"repetition_penalty":1.1,)"
              R"("repeat_last_n":0,"seed":18446744073709551615,"stop":["a","\n"],)"
              R"("ignore_eos":true,"stream":true,"priority":-10})")
            .value();
    EXPECT_EQ(request.job_id, "Job_1.a:b-c");
    EXPECT_EQ(request.prompt, "Hi");
    EXPECT_EQ(request.max_tokens, 2048u);
    EXPECT_EQ(request.temperature, 0.0);
    EXPECT_EQ(request.top_p, 0.5);
    EXPECT_EQ(request.top_k, 40u);
    EXPECT_EQ(request.min_p, 0.05);
    EXPECT_EQ(request.repetition_penalty, 1.1);
    EXPECT_EQ(request.repeat_last_n, 0u);
    EXPECT_EQ(request.seed, std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(request.stop, (std::vector<std::string>{"a", "\n"}));
    EXPECT_EQ(request.ignore_eos, true);
    EXPECT_EQ(request.stream, true);
    EXPECT_EQ(request.priority, -10);
}

TEST(GenerateRequestTest, takes_the_form_of_a_queen) {
    const GenerateRequest request =
        parse(R"({"operation":"infer","hive_id":"h","model":"m","prompt":"p","max_tokens":5,)"
              R"("temperature":0.7,"top_p":null,"stream":true})")
            .value();
    EXPECT_EQ(request.operation, "infer");
    EXPECT_EQ(request.max_tokens, 5u);
    EXPECT_EQ(request.top_p, 1.0);
}

TEST(GenerateRequestTest, a_repetition_penalty_of_0_counts_as_1) {
    EXPECT_EQ(parse(with(R"("repetition_penalty":0)"))->repetition_penalty, 1.0);
    EXPECT_EQ(parse(with(R"("repetition_penalty":-0.0)"))->repetition_penalty, 1.0);
}

TEST(GenerateRequestTest, tells_all_violations_in_the_order_of_the_contract) {
    refuses(R"({"priority":11,"min_p":2,"stop":["a","","c","d","e"],"repetition_penalty":-1,)"
            R"("top_p":1.5,"temperature":3.0,"max_tokens":0,"prompt":"","job_id":""})",
            400,
            "job_id non_empty: job_id must not be empty\n"
            "prompt length(1..=32768): prompt must not be empty\n"
            "max_tokens range(1..=2048): max_tokens must be at least 1 [0]\n"
            "temperature range(0.0..=2.0): temperature must be at most 2.0 (got 3) [3]\n"
            "top_p range(0.0..=1.0): top_p must be at most 1.0 (got 1.5) [1.5]\n"
            "repetition_penalty range(0.0..=2.0): repetition_penalty must be at least 0.0 (got -1)"
            " [-1]\n"
            "stop max_count(4): stop must have at most 4 sequences (got 5) [5]\n"
            "stop non_empty: stop sequence 1 must not be empty\n"
            "min_p range(0.0..=1.0): min_p must be at most 1.0 (got 2) [2]\n"
            "priority range(-10..=10): priority must be at most 10 (got 11) [11]\n");
}

TEST(GenerateRequestTest, missing_and_mistyped_fields_come_with_the_others) {
    refuses(R"({"max_tokens":"5","temperature":-0.1})", 422,
            "prompt required: prompt is required\n"
            "max_tokens type(integer): max_tokens must be an integer\n"
            "temperature range(0.0..=2.0): temperature must be at least 0.0 (got -0.1) [-0.1]\n");
    refuses("[]", 422, "body type(object): body must be an object\n");
}

TEST(GenerateRequestTest, counts_a_prompt_in_characters_and_never_repeats_it) {
    std::string umlauts;
    for (int i = 0; i < 32768; ++i) umlauts += "ü";
    EXPECT_TRUE(parse(R"({"max_tokens":1,"prompt":")" + umlauts + R"("})").has_value());
    refuses(R"({"max_tokens":1,"prompt":")" + umlauts + R"(ü"})", 400,
            "prompt length(1..=32768): prompt must be at most 32768 characters (got 32769)\n");
}

TEST(GenerateRequestTest, bounds_the_stop_sequences_in_bytes) {
    const std::string longest(100, 'x');
    EXPECT_TRUE(parse(with(R"("stop":[")" + longest + R"("])")).has_value());
    refuses(with(R"("stop":["a",")" + longest + R"(x"])"), 400,
            "stop max_length(100): stop sequence 1 must be at most 100 characters (got 101)\n");
}

TEST(GenerateRequestTest, names_the_characters_of_a_job_id) {
    EXPECT_TRUE(parse(with(R"("job_id":")" + std::string(256, 'j') + "\"")).has_value());
    refuses(with(R"("job_id":"a b")"), 400,
            "job_id charset(A-Za-z0-9_.:-): job_id must have only characters of "
            "[A-Za-z0-9_.:-]\n");
    refuses(with(R"("job_id":")" + std::string(257, 'j') + "\""), 400,
            "job_id max_length(256): job_id must be at most 256 characters (got 257)\n");
}

TEST(GenerateRequestTest, limits_follow_the_configuration) {
    const NativeLimits small = {
        .prompt_chars_max = 3, .output_tokens_max = 4, .context_tokens = 100};
    refuses(R"({"prompt":"four","max_tokens":5})", 400,
            "prompt length(1..=3): prompt must be at most 3 characters (got 4)\n"
            "max_tokens range(1..=4): max_tokens must be at most 4 (got 5) [5]\n",
            small);
    const NativeLimits context_only = {
        .prompt_chars_max = 0, .output_tokens_max = 0, .context_tokens = 100};
    const std::string long_prompt(50'000, 'p');
    EXPECT_TRUE(parse(R"({"max_tokens":100,"prompt":")" + long_prompt + "\"}", context_only));
    refuses(R"({"prompt":"","max_tokens":101})", 400,
            "prompt non_empty: prompt must not be empty\n"
            "max_tokens range(1..=100): max_tokens must be at most 100 (got 101) [101]\n",
            context_only);
}

// Lists of up to five.
template <class Item>
rc::Gen<std::vector<Item>> a_few(const rc::Gen<Item>& item) {
    return rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 6), [item](std::size_t count) {
        return rc::gen::container<std::vector<Item>>(count, item);
    });
}

value array_of(const std::vector<value>& items) {
    return boost::json::array(items.begin(), items.end());
}

value object_of(const std::vector<value>& items) {
    boost::json::object object;
    for (const value& item : items) object[std::to_string(object.size())] = item;
    return object;
}

// Any JSON with arrays and objects in up to `depth` levels.
rc::Gen<value> any_json(int depth) {
    auto scalar = rc::gen::oneOf(
        rc::gen::just(value(nullptr)),
        rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return value(b); }),
        rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](auto n) { return value(n); }),
        rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](auto n) { return value(n); }),
        rc::gen::map(rc::gen::inRange(-30, 30), [](int n) { return value(n / 10.0); }),
        rc::gen::map(rc::gen::arbitrary<std::string>(),
                     [](const std::string& s) { return value(worker::to_utf8(s)); }));
    if (depth == 0) return scalar;
    const auto items = a_few(any_json(depth - 1));
    return rc::gen::oneOf(scalar, rc::gen::map(items, array_of), rc::gen::map(items, object_of));
}

// A body that is right but for a few fields, which are close to right or anything.
rc::Gen<value> nearly_valid_body() {
    static const std::vector<std::string> names = {
        "job_id",        "prompt",    "max_tokens", "temperature", "top_p",  "repetition_penalty",
        "stop",          "min_p",     "top_k",      "seed",        "stream", "priority",
        "repeat_last_n", "operation", "ignore_eos"};
    static const value near =
        worker::parse_json(
            R"([0, 1, 2, 11, 2048, 2049, -1, 0.5, 2.1, -0.1, true, null, "", "ok", "ü", [],)"
            R"( ["a"], ["a", ""], ["a", "b", "c", "d"], ["a", "b", "c", "d", "e"], [1]])")
            .value();
    const std::vector<value> near_values(near.as_array().begin(), near.as_array().end());
    const auto changed_value =
        rc::gen::weightedOneOf<value>({{9, rc::gen::elementOf(near_values)}, {1, any_json(2)}});
    const auto changes = a_few(rc::gen::pair(rc::gen::elementOf(names), changed_value));
    return rc::gen::map(changes, [](const std::vector<std::pair<std::string, value>>& changed) {
        boost::json::object body = {{"prompt", "p"}, {"max_tokens", 1}};
        for (const auto& [name, field] : changed) body[name] = field;
        return value(body);
    });
}

bool keeps_every_rule(const GenerateRequest& request) {
    const auto within = [](auto number, auto min, auto max) {
        return min <= number && number <= max;
    };
    const auto good_stop = [&](const std::string& stop) { return within(stop.size(), 1u, 100u); };
    return (!request.job_id || within(request.job_id->size(), 1u, 256u)) &&
           within(worker::count_characters(request.prompt), 1u, 32768u) &&
           within(request.max_tokens, 1u, 2048u) && within(request.temperature, 0.0, 2.0) &&
           within(request.top_p, 0.0, 1.0) && within(request.min_p, 0.0, 1.0) &&
           request.repetition_penalty > 0.0 && request.repetition_penalty <= 2.0 &&
           request.stop.size() <= 4 && std::ranges::all_of(request.stop, good_stop) &&
           within(request.priority, -10, 10);
}

RC_GTEST_PROP(GenerateRequestProperty, any_json_gives_a_valid_request_or_violations, ()) {
    const GenerateRules rules = generate_rules({});
    const value body = *rc::gen::weightedOneOf<value>({{9, nearly_valid_body()}, {1, any_json(3)}});
    const auto parsed = parse_generate_request(body, rules);
    RC_CLASSIFY(parsed.has_value(), "valid");
    if (parsed) {
        RC_ASSERT(keeps_every_rule(*parsed));
    } else {
        RC_ASSERT(!parsed.error().empty());
        RC_ASSERT(worker::parse_json(worker::violations_body(parsed.error())).has_value());
    }
}

}  // namespace
}  // namespace llm
