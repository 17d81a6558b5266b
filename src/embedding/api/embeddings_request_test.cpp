#include "embedding/api/embeddings_request.h"

#include "embedding/api/embedding_service.h"
#include "worker/base/json.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace embedding {
namespace {

using Tokens = std::vector<llm::Token>;
using Inputs = std::vector<llm::TextOrTokens>;

constexpr EmbeddingsLimits limits = {.vocabulary_size = 100, .dimensions = 384};

tl::expected<EmbeddingsRequest, worker::OpenAiError> parse(const std::string& body) {
    return parse_embeddings_request(worker::parse_json(body).value(), limits);
}

std::string with_input(const std::string& input) {
    return R"({"model":"m","input":)" + input + "}";
}
std::string with(const std::string& more) {
    return R"({"model":"m","input":"Hi",)" + more + "}";
}

// `expected`: "param: message".
void refuses(const std::string& body, const std::string& expected) {
    const auto parsed = parse(body);
    ASSERT_FALSE(parsed.has_value()) << body;
    EXPECT_EQ(parsed.error().param.value_or("-") + ": " + parsed.error().message, expected) << body;
    EXPECT_EQ(parsed.error().status, 400) << body;
}

void reads(const std::string& input, const Inputs& expected) {
    const auto parsed = parse(with_input(input));
    ASSERT_TRUE(parsed.has_value()) << input << ": " << parsed.error().message;
    EXPECT_EQ(parsed->inputs, expected) << input;
}

TEST(EmbeddingsRequestTest, inputs_are_texts_or_tokens_one_or_many) {
    reads(R"("Hi")", {"Hi"});
    reads(R"(["Hi","ü"])", {"Hi", "ü"});
    reads("[1,2.0,99]", {Tokens{1, 2, 99}});
    reads("[[1],[2,3]]", {Tokens{1}, Tokens{2, 3}});
    reads(R"([[1],"Hi"])", {Tokens{1}, "Hi"});
}

TEST(EmbeddingsRequestTest, inputs_of_nothing_or_of_something_else_are_refused) {
    const std::pair<const char*, const char*> cases[] = {
        {"null", "input: input is required"},
        {"1",
         "input: input must be a text, a list of texts, a list of tokens, or a list of such lists"},
        {"[]", "input: input must not be empty"},
        {R"("")", "input: input must not be empty"},
        {R"([""])", "input: input must not be empty"},
        {R"(["a",""])", "input[1]: input[1] must not be empty"},
        {"[[]]", "input[0]: input[0] must not be empty"},
        {"[[1],[]]", "input[1]: input[1] must not be empty"},
        {"[100]", "input: token 0 must be at most 99 (got 100); accepted: a list: tokens of 0..99"},
        {"[[1],[-1]]", "input[1]: token 0 must be at least 0; accepted: a list: tokens of 0..99"},
        {R"(["a",1])",
         "input[1]: input[1] must be a text or a list of tokens, as the first input is one"},
    };
    for (const auto& [input, expected] : cases) refuses(with_input(input), expected);
}

TEST(EmbeddingsRequestTest, there_are_at_most_2048_inputs) {
    std::string list = "[\"a\"";
    for (std::size_t i = 1; i < inputs_max; ++i) list += ",\"a\"";
    EXPECT_EQ(parse(with_input(list + "]")).value().inputs.size(), inputs_max);
    refuses(with_input(list + ",\"a\"]"), "input: input must have at most 2048 inputs (got 2049)");
}

TEST(EmbeddingsRequestTest, other_parameters_arrive_where_they_belong) {
    const EmbeddingsRequest plain = parse(with_input("\"Hi\"")).value();
    EXPECT_EQ(plain.model, "m");
    EXPECT_EQ(plain.encoding_format, EncodingFormat::numbers);
    EXPECT_EQ(plain.dimensions, std::nullopt);
    EXPECT_EQ(plain.priority, 0);
    EXPECT_EQ(parse(with(R"("encoding_format":"float")")).value().encoding_format,
              EncodingFormat::numbers);
    EXPECT_EQ(parse(with(R"("encoding_format":"base64")")).value().encoding_format,
              EncodingFormat::base64);
    EXPECT_EQ(parse(with(R"("dimensions":384)")).value().dimensions, 384u);
    EXPECT_EQ(parse(with(R"("priority":-10)")).value().priority, -10);
}

TEST(EmbeddingsRequestTest, a_violation_names_the_parameter_and_what_it_accepts) {
    refuses("[]", "-: the body must be an object");
    refuses(R"({"input":"Hi"})", "model: model is required");
    refuses(with(R"("encoding_format":"hex")"),
            "encoding_format: encoding_format must be one of float, base64; accepted: float, "
            "base64");
    refuses(with(R"("dimensions":0)"),
            "dimensions: dimensions must be at least 1; accepted: 1..384 (the model's)");
    refuses(with(R"("dimensions":385)"),
            "dimensions: dimensions must be at most 384 (got 385); accepted: 1..384 (the model's)");
}

TEST(EmbeddingsRequestTest, what_has_no_effect_is_reported) {
    const auto ignored = parse(with(R"("user":"me","truncate":"END","x":null)")).value().ignored;
    ASSERT_EQ(ignored.size(), 2u);
    EXPECT_EQ(ignored[0].param, "user");
    EXPECT_EQ(ignored[1].param, "truncate");
}

}  // namespace
}  // namespace embedding
