#include "worker/openai/openai_error.h"

#include "worker/base/json.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace worker {
namespace {

using Code = ErrorCode;

struct Case {
    Code code;
    int status;
    std::string_view type;
    std::string_view told_code;  // JSON
    std::string_view should_retry;
};

constexpr std::string_view request = "invalid_request_error";
constexpr std::string_view server = "server_error";

const Case cases[] = {
    {Code::invalid_request, 400, request, "null", "false"},
    {Code::invalid_json, 400, request, "null", "false"},
    {Code::missing_api_key, 401, request, "\"invalid_api_key\"", "false"},
    {Code::invalid_api_key, 401, request, "\"invalid_api_key\"", "false"},
    {Code::forbidden, 403, request, "null", "false"},
    {Code::not_found, 404, request, "\"model_not_found\"", "false"},
    {Code::method_not_allowed, 405, request, "null", "false"},
    {Code::request_timeout, 408, request, "null", "false"},
    {Code::conflict, 409, request, "null", "false"},
    {Code::body_too_large, 413, request, "null", "false"},
    {Code::unsupported_media_type, 415, request, "null", "false"},
    {Code::internal, 500, server, "null", "false"},
    {Code::inference_failed, 500, server, "null", "false"},
    {Code::cuda_error, 500, server, "null", "true"},
    {Code::all_slots_busy, 503, server, "\"server_overloaded\"", "true"},
    {Code::not_ready, 503, server, "\"server_overloaded\"", "true"},
    {Code::insufficient_resources, 503, server, "\"server_overloaded\"", "true"},
    {Code::vram_oom, 503, server, "\"server_overloaded\"", "true"},
    {Code::cancelled, 503, server, "\"server_overloaded\"", "true"},
    {Code::worker_unhealthy, 503, server, "\"server_overloaded\"", "false"},
    {Code::deadline_exceeded, 504, server, "\"timeout\"", "false"},
    {Code::inference_timeout, 504, server, "\"timeout\"", "false"},
    {Code::timeout, 504, server, "\"timeout\"", "false"},
};

using Field = std::pair<std::string, std::string>;

TEST(OpenAiErrorTest, each_error_has_openais_shape_status_and_advice) {
    for (const Case& each : cases) {
        const Response response = openai_error_response({each.code, "m"});
        EXPECT_EQ(response.status, each.status);
        EXPECT_EQ(response.body,
                  fmt::format(R"({{"error":{{"message":"m","type":"{}","param":null,"code":{}}}}})",
                              each.type, each.told_code));
        EXPECT_EQ(response.fields,
                  (std::vector<Field>{{"x-should-retry", std::string(each.should_retry)}}));
    }
}

TEST(OpenAiErrorTest, an_overload_says_when_to_come_again) {
    const Response response =
        openai_error_response({Code::all_slots_busy, "m", std::chrono::seconds(7)});
    EXPECT_EQ(response.fields,
              (std::vector<Field>{{"retry-after", "7"}, {"x-should-retry", "true"}}));
}

TEST(OpenAiErrorTest, an_error_of_a_parameter_names_it) {
    EXPECT_EQ(openai_error_body({.message = "n is …", .param = "n"}),
              R"({"error":{"message":"n is …","type":"invalid_request_error","param":"n",)"
              R"("code":null}})");
    const OpenAiError model = model_not_found("gpt");
    EXPECT_EQ(model.status, 404);
    EXPECT_EQ(model.param, "model");
    EXPECT_EQ(model.code, "model_not_found");
    EXPECT_EQ(no_embeddings().status, 400);
    EXPECT_EQ(no_embeddings().param, "model");
    const OpenAiError size =
        context_length_exceeded("messages", {.prompt_tokens = 70, .context_tokens = 64});
    EXPECT_EQ(size.status, 400);
    EXPECT_EQ(size.code, "context_length_exceeded");
    EXPECT_EQ(size.message,
              "this model's context is 64 tokens, and messages has 70: shorten it, so that at "
              "least one token is left for the reply");
}

TEST(OpenAiErrorTest, in_a_stream_it_is_one_frame_whatever_it_says) {
    const std::string frame = openai_error_frame({.message = "a\nb\xff", .param = "\n\n"});
    ASSERT_TRUE(frame.starts_with("data: ") && frame.ends_with("}\n\n"));
    const std::string_view json = std::string_view(frame).substr(6, frame.size() - 8);
    EXPECT_EQ(json.find('\n'), std::string_view::npos);
    EXPECT_EQ(parse_json(json).value().at("error").at("message"), "a\nb\uFFFD");
}

}  // namespace
}  // namespace worker
