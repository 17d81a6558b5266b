// Whatever JSON is sent becomes a request within its limits, or an error that can be told.
#include "llm/api/openai/parameters.h"
#include "llm/api/openai/request_fixture.h"

#include <boost/json/serialize.hpp>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace llm {

using worker::ignored_max;
using worker::OpenAiError;
using worker::Rows;

namespace {

namespace json = boost::json;

// Values that stand where others are wanted, and some that are.
const std::vector<std::string> leaves = {"null",
                                         "true",
                                         "false",
                                         "0",
                                         "1",
                                         "-1",
                                         "5.0",
                                         "0.5",
                                         "1e300",
                                         "18446744073709551615",
                                         "-9223372036854775808",
                                         "123456789012345678901234567890",
                                         "\"\"",
                                         "\"user\"",
                                         "\"assistant\"",
                                         "\"tool\"",
                                         "\"text\"",
                                         "\"json_schema\"",
                                         "\"function\"",
                                         "\"required\"",
                                         "\"f\"",
                                         "\"ü🐝\"",
                                         "[]",
                                         "{}"};

const std::vector<std::string> inner_keys = {
    "role",   "content",       "type", "text",         "tool_calls",  "function",
    "name",   "arguments",     "id",   "tool_call_id", "json_schema", "schema",
    "strict", "include_usage", "0",    "99",           "100",         "x"};

rc::Gen<std::string> any_json(int depth) {
    const auto leaf = rc::gen::elementOf(leaves);
    if (depth == 0) return leaf;
    const auto array = rc::gen::map(
        rc::gen::resize(4, rc::gen::container<std::vector<std::string>>(any_json(depth - 1))),
        [](const std::vector<std::string>& items) {
            std::string text;
            for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
            return "[" + text + "]";
        });
    const auto object =
        rc::gen::map(rc::gen::resize(5, rc::gen::container<std::map<std::string, std::string>>(
                                            rc::gen::elementOf(inner_keys), any_json(depth - 1))),
                     [](const std::map<std::string, std::string>& members) {
                         std::string text;
                         for (const auto& [key, value] : members)
                             text += (text.empty() ? "\"" : ",\"") + key + "\":" + value;
                         return "{" + text + "}";
                     });
    return rc::gen::oneOf(leaf, array, object, object);
}

// Some of a route's own parameters, with any values, beside a body that is valid without them.
template <class Draft>
std::string any_body(const std::string& valid, const Rows<Draft>& rows) {
    const auto count = *rc::gen::inRange(0, 5);
    json::object body = worker::parse_json(valid).value().as_object();
    for (int i = 0; i < count; ++i) {
        const auto row = *rc::gen::inRange<std::size_t>(0, rows.size());
        body[rows[row].parameter.name] = worker::parse_json(*any_json(4)).value();
    }
    return json::serialize(body);
}

void check_error(const OpenAiError& error) {
    RC_ASSERT(error.status == 400);
    RC_ASSERT(!error.message.empty());
    RC_ASSERT(worker::parse_json(openai_error_body(error)).has_value());
}

void check_generation(const GenerationRequest& request) {
    RC_ASSERT(request.n >= 1u && request.n <= test_limits.parallel);
    RC_ASSERT(request.temperature >= 0 && request.temperature <= 2);
    RC_ASSERT((!request.max_tokens || request.min_tokens <= *request.max_tokens));
    RC_ASSERT(std::ranges::all_of(request.stop_token_ids,
                                  [](Token token) { return token >= 0 && token < 100; }));
    RC_ASSERT(std::ranges::all_of(request.logit_bias, [](const LogitBias& bias) {
        return bias.token >= 0 && bias.token < 100 && bias.bias >= -100 && bias.bias <= 100;
    }));
    RC_ASSERT(request.ignored.size() <= ignored_max + 1);
}

RC_GTEST_PROP(AnyRequestTest, any_chat_is_a_request_or_an_error, ()) {
    const std::string body = any_body(chat_with("\"user\":null"), chat_rows(test_limits));
    const auto parsed = parse_chat(body);
    if (!parsed) return check_error(parsed.error());
    check_generation(parsed->generation);
    for (const json::value& message : parsed->messages) {
        RC_ASSERT(message.at("role").is_string());
        RC_ASSERT((message.at("content").is_string() || message.at("content").is_null()));
    }
    const bool chooses = parsed->tool_choice.kind != ToolChoice::Kind::none;
    RC_ASSERT((!chooses || !parsed->tools.empty()));
}

RC_GTEST_PROP(AnyRequestTest, any_completion_is_a_request_or_an_error, ()) {
    const std::string body =
        any_body(completion_with("\"user\":null"), completion_rows(test_limits));
    const auto parsed = parse_completion(body);
    if (!parsed) return check_error(parsed.error());
    check_generation(parsed->generation);
    RC_ASSERT(!parsed->prompts.empty());
    RC_ASSERT(parsed->best_of >= parsed->generation.n);
}

TEST(AnyRequestTest, large_bodies_are_read_in_one_pass) {
    std::string messages = R"({"role":"user","content":"Hi","x":1})";
    std::string tokens = "1";
    for (int i = 1; i < 20'000; ++i) {
        messages += R"(,{"role":"user","content":[{"type":"text","text":"Hi"}],"x":1})";
        tokens += ",1";
    }
    const auto chat = parse_chat(R"({"model":"m","messages":[)" + messages + "]}");
    EXPECT_EQ(chat.value().messages.size(), 20'000u);
    EXPECT_EQ(chat->generation.ignored.size(), 1u);
    const auto completion = parse_completion(R"({"model":"m","prompt":[)" + tokens + "]}");
    EXPECT_EQ(std::get<std::vector<Token>>(completion.value().prompts.at(0)).size(), 20'000u);
}

}  // namespace
}  // namespace llm
