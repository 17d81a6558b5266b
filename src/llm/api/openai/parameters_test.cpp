#include "llm/api/openai/parameters.h"

#include "llm/api/openai/request_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <set>

namespace llm {

using worker::ignored_max;
using worker::IgnoredParameter;
using worker::Parameter;
using worker::Row;
using worker::Rows;
using worker::Support;

namespace {

// A parameter, a value that is not its default, and where it has to arrive.
template <class Request>
struct Arrival {
    std::string_view name;
    std::string_view json;
    std::function<bool(const Request&)> arrived;
    std::string_view beside = "";  // what it needs beside it, with a comma behind
};

using G = GenerationRequest;

bool has_grammar(const G& g, const GrammarRequest& expected) {
    return g.grammar == expected;
}

const Arrival<G> shared_arrivals[] = {
    {"max_tokens", "64", [](const G& g) { return g.max_tokens == 64; }},
    {"temperature", "0", [](const G& g) { return g.temperature == 0; }},
    {"top_p", "0.5", [](const G& g) { return g.top_p == 0.5; }},
    {"presence_penalty", "-2", [](const G& g) { return g.presence_penalty == -2; }},
    {"frequency_penalty", "2", [](const G& g) { return g.frequency_penalty == 2; }},
    {"seed", "-9223372036854775808",
     [](const G& g) { return g.seed == std::numeric_limits<std::int64_t>::min(); }},
    {"logit_bias", R"({"99":-100,"0":0.5})",
     [](const G& g) {
         return g.logit_bias.size() == 2 && g.logit_bias[0].token == 0 &&
                g.logit_bias[0].bias == 0.5f && g.logit_bias[1].token == 99 &&
                g.logit_bias[1].bias == -100.0f;
     }},
    {"stop", R"(["a","\n"])",
     [](const G& g) { return g.stop == std::vector<std::string>{"a", "\n"}; }},
    {"stop", R"("ab")", [](const G& g) { return g.stop == std::vector<std::string>{"ab"}; }},
    {"n", "4", [](const G& g) { return g.n == 4; }},
    {"n", "4.0", [](const G& g) { return g.n == 4; }},
    {"stream", "true", [](const G& g) { return g.stream; }},
    {"stream_options", R"({"include_usage":true})", [](const G& g) { return g.include_usage; },
     R"("stream":true,)"},
    {"response_format", R"({"type":"json_object"})",
     [](const G& g) {
         return has_grammar(
             g, {.kind = GrammarRequest::Kind::json_object, .param = "response_format"});
     }},
    {"response_format",
     R"({"type":"json_schema","json_schema":{"name":"x","schema":{"b":1,"a":2},"strict":true}})",
     [](const G& g) {
         return has_grammar(g, {.kind = GrammarRequest::Kind::json_schema,
                                .text = R"({"b":1,"a":2})",
                                .strict = true,
                                .param = "response_format.json_schema.schema"});
     }},
    {"top_k", "40", [](const G& g) { return g.top_k == 40; }},
    {"min_p", "0.1", [](const G& g) { return g.min_p == 0.1; }},
    {"repetition_penalty", "1.5", [](const G& g) { return g.repetition_penalty == 1.5; }},
    {"repeat_last_n", "0", [](const G& g) { return g.repeat_last_n == 0; }},
    {"min_tokens", "3", [](const G& g) { return g.min_tokens == 3; }},
    {"ignore_eos", "true", [](const G& g) { return g.ignore_eos; }},
    {"stop_token_ids", "[0,99]",
     [](const G& g) { return g.stop_token_ids == std::vector<Token>{0, 99}; }},
    {"bad_words", R"(["no"])",
     [](const G& g) { return g.bad_words == std::vector<std::string>{"no"}; }},
    {"grammar", R"("start: \"a ::= b\"")",
     [](const G& g) {
         return has_grammar(g, {.kind = GrammarRequest::Kind::lark,
                                .text = R"(start: "a ::= b")",
                                .param = "grammar"});
     }},
    {"regex", R"("a+")",
     [](const G& g) {
         return has_grammar(g,
                            {.kind = GrammarRequest::Kind::regex, .text = "a+", .param = "regex"});
     }},
    {"json_schema", R"({"type":"array"})",
     [](const G& g) {
         return has_grammar(g, {.kind = GrammarRequest::Kind::json_schema,
                                .text = R"({"type":"array"})",
                                .param = "json_schema"});
     }},
    {"choice", R"(["yes","no"])",
     [](const G& g) {
         return has_grammar(
             g,
             {.kind = GrammarRequest::Kind::choice, .choices = {"yes", "no"}, .param = "choice"});
     }},
    {"priority", "-10", [](const G& g) { return g.priority == -10; }},
    {"cache_salt", R"("s")", [](const G& g) { return g.cache_salt == "s"; }},
    {"return_tokens", "true", [](const G& g) { return g.return_tokens; }},
};

constexpr std::string_view tools = R"("tools":[{"type":"function","function":{"name":"f"}}],)";

const Arrival<ChatRequest> chat_arrivals[] = {
    {"max_completion_tokens", "7", [](const auto& r) { return r.generation.max_tokens == 7; }},
    {"max_completion_tokens", "7", [](const auto& r) { return r.generation.max_tokens == 7; },
     R"("max_tokens":7,)"},
    {"tools", R"([{"type":"function","function":{"name":"f","strict":true}}])",
     [](const auto& r) {
         return r.tools.size() == 1 && r.tool_choice.kind == ToolChoice::Kind::automatic;
     }},
    {"tool_choice", R"("required")",
     [](const auto& r) { return r.tool_choice.kind == ToolChoice::Kind::required; }, tools},
    {"tool_choice", R"({"type":"function","function":{"name":"f"}})",
     [](const auto& r) { return r.tool_choice == ToolChoice{ToolChoice::Kind::named, "f"}; },
     tools},
    {"parallel_tool_calls", "false", [](const auto& r) { return !r.parallel_tool_calls; }},
    {"logprobs", "true", [](const auto& r) { return r.logprobs; }},
    {"top_logprobs", "20", [](const auto& r) { return r.top_logprobs == 20; },
     R"("logprobs":true,)"},
    {"reasoning_effort", R"("low")",
     [](const auto& r) {
         return r.template_arguments == boost::json::object{{"reasoning_effort", "low"}};
     }},
    {"chat_template_kwargs", R"({"enable_thinking":false})",
     [](const auto& r) {
         return r.template_arguments == boost::json::object{{"enable_thinking", false}};
     }},
    {"continue_final_message", "false", [](const auto& r) { return !r.continue_final_message; }},
    {"modalities", R"(["text"])", [](const auto& r) { return r.generation.ignored.empty(); }},
};

const Arrival<CompletionRequest> completion_arrivals[] = {
    {"echo", "true", [](const auto& r) { return r.echo; }},
    {"suffix", R"("end")", [](const auto& r) { return r.suffix == "end"; }},
    {"logprobs", "5", [](const auto& r) { return r.logprobs == 5; }},
    {"logprobs", "0", [](const auto& r) { return r.logprobs == 0; }},
    {"best_of", "3", [](const auto& r) { return r.best_of == 3; }},
};

std::string member(std::string_view name, std::string_view json) {
    return "\"" + std::string(name) + "\":" + std::string(json);
}

template <class Arrivals, class Parse, class Body>
void check_arrivals(const Arrivals& arrivals, Parse parse, Body body) {
    for (const auto& arrival : arrivals) {
        const std::string sent =
            body(std::string(arrival.beside) + member(arrival.name, arrival.json));
        const auto parsed = parse(sent);
        ASSERT_TRUE(parsed.has_value()) << sent << ": " << parsed.error().message;
        EXPECT_TRUE(arrival.arrived(*parsed)) << sent;
    }
}

TEST(ParametersTest, what_is_supported_arrives_where_it_belongs) {
    const auto chat = [](const std::string& body) {
        return parse_chat(body).map([](const ChatRequest& r) { return r.generation; });
    };
    const auto completion = [](const std::string& body) {
        return parse_completion(body).map([](const CompletionRequest& r) { return r.generation; });
    };
    check_arrivals(shared_arrivals, chat, chat_with);
    check_arrivals(shared_arrivals, completion, completion_with);
    check_arrivals(chat_arrivals, parse_chat, chat_with);
    check_arrivals(completion_arrivals, parse_completion, completion_with);
}

template <class... Arrivals>
std::set<std::string_view> names_in(const Arrivals&... arrivals) {
    std::set<std::string_view> names;
    (std::ranges::transform(arrivals, std::inserter(names, names.end()),
                            [](const auto& arrival) { return arrival.name; }),
     ...);
    return names;
}

template <class Draft>
std::set<std::string_view> names_of(const Rows<Draft>& rows, Support support) {
    std::set<std::string_view> names;
    for (const Row<Draft>& row : rows) {
        if (row.parameter.support == support) names.insert(row.parameter.name);
    }
    return names;
}

TEST(ParametersTest, the_lists_above_have_every_supported_parameter) {
    auto chat = names_in(shared_arrivals, chat_arrivals);
    chat.insert({"model", "messages"});
    EXPECT_EQ(chat, names_of(chat_rows(test_limits), Support::supported));
    auto completion = names_in(shared_arrivals, completion_arrivals);
    completion.insert({"model", "prompt"});
    EXPECT_EQ(completion, names_of(completion_rows(test_limits), Support::supported));
}

TEST(ParametersTest, what_has_no_effect_is_accepted_and_reported_with_its_reason) {
    const auto names = names_of(chat_rows(test_limits), Support::reported);
    EXPECT_EQ(names, (std::set<std::string_view>{"metadata", "prompt_cache_key",
                                                 "prompt_cache_retention", "safety_identifier",
                                                 "service_tier", "store", "user", "verbosity"}));
    for (const std::string_view name : names) {
        const auto request = parse_chat(chat_with(member(name, "{\"a\":[1]}")));
        ASSERT_TRUE(request.has_value()) << name;
        ASSERT_EQ(request->generation.ignored.size(), 1u);
        EXPECT_EQ(request->generation.ignored[0].param, name);
        EXPECT_NE(request->generation.ignored[0].reason, "");
    }
    const auto completion = parse_completion(completion_with(R"("user":"u","x-y":1)"));
    EXPECT_THAT(
        completion.value().generation.ignored,
        testing::ElementsAre(IgnoredParameter{"user",
                                              "callers are told apart by their tokens, and cached "
                                              "prompts by cache_salt"},
                             IgnoredParameter{"x-y", "this worker does not know it"}));
}

TEST(ParametersTest, what_is_refused_says_what_to_use_instead) {
    refuses_chat(chat_with(R"("functions":[])"),
                 "functions: functions is not supported: use tools");
    refuses_chat(chat_with(R"("function_call":"auto")"),
                 "function_call: function_call is not supported: use tool_choice");
    refuses_chat(chat_with(R"("audio":{})"),
                 "audio: audio is not supported: the model writes text only; leave it out");
    refuses_chat(
        chat_with(R"("prediction":{})"),
        "prediction: prediction is not supported: leave it out; the reply is the same, and "
        "comes without it");
    refuses_chat(
        chat_with(R"("web_search_options":{})"),
        "web_search_options: web_search_options is not supported: nothing is fetched here; "
        "search yourself and put what you find into messages");
    EXPECT_EQ(names_of(chat_rows(test_limits), Support::refused).size(), 5u);
}

TEST(ParametersTest, a_model_without_the_tokens_refuses_a_suffix) {
    RequestLimits limits = test_limits;
    limits.fill_in_middle = false;
    const auto body = worker::parse_json(completion_with(R"("suffix":"x")")).value();
    expect_refusal(parse_completion_request(body, limits), "",
                   "suffix: suffix is not supported: this model has no tokens for fill-in-middle; "
                   "put all text into prompt");
}

// A fragment of a body, and what it is refused with on both routes.
const std::pair<std::string_view, std::string_view> violations[] = {
    {R"("max_tokens":0)",
     "max_tokens: max_tokens must be at least 1; accepted: 1..64 (the model's context)"},
    {R"("max_tokens":65)",
     "max_tokens: max_tokens must be at most 64 (got 65); accepted: 1..64 (the model's context)"},
    {R"("max_tokens":"5")",
     "max_tokens: max_tokens must be an integer; accepted: 1..64 (the model's context)"},
    {R"("max_tokens":5.5)",
     "max_tokens: max_tokens must be an integer; accepted: 1..64 (the model's context)"},
    {R"("max_tokens":1e300)",
     "max_tokens: max_tokens must be at most 64 (got 1e+300); accepted: "
     "1..64 (the model's context)"},
    {R"("temperature":2.1)",
     "temperature: temperature must be at most 2.0 (got 2.1); accepted: 0..2"},
    {R"("temperature":-1)",
     "temperature: temperature must be at least 0.0 (got -1); accepted: 0..2"},
    {R"("temperature":"1")", "temperature: temperature must be a number; accepted: 0..2"},
    {R"("top_p":1.5)", "top_p: top_p must be at most 1.0 (got 1.5); accepted: 0..1"},
    {R"("presence_penalty":-2.5)",
     "presence_penalty: presence_penalty must be at least -2.0 (got -2.5); accepted: -2..2"},
    {R"("frequency_penalty":3)",
     "frequency_penalty: frequency_penalty must be at most 2.0 (got 3); accepted: -2..2"},
    {R"("seed":9223372036854775808)",
     "seed: seed must be at most 9223372036854775807 (got 9223372036854775808); accepted: "
     "-9223372036854775808..9223372036854775807"},
    {R"("logit_bias":{"100":1})",
     "logit_bias: token of logit_bias must be at most 99 (got 100); accepted: an object: up to "
     "1024 "
     "entries, token 0..99 to a number -100..100 (the model's vocabulary)"},
    {R"("logit_bias":{"1":101})",
     "logit_bias: logit_bias.1 must be at most 100.0 (got 101); accepted: an object: up to 1024 "
     "entries, token 0..99 to a number -100..100 (the model's vocabulary)"},
    {R"("stop":["a","b","c","d","e"])",
     "stop: stop must have at most 4 sequences (got 5); accepted: a text or up to 4 texts of "
     "1..256 "
     "bytes (--stop-max)"},
    {R"("stop":["a",""])",
     "stop: stop sequence 1 must not be empty; accepted: a text or up to 4 texts of 1..256 bytes "
     "(--stop-max)"},
    {R"("n":5)", "n: n must be at most 4 (got 5); accepted: 1..4 (--parallel, the worker's slots)"},
    {R"("stream":"yes")", "stream: stream must be a boolean; accepted: true or false"},
    {R"("stream_options":{})", "stream_options: stream_options is for \"stream\": true only"},
    {R"("stream":true,"stream_options":{"include_usage":1})",
     "stream_options.include_usage: stream_options.include_usage must be a boolean; accepted: true "
     "or false"},
    {R"("min_tokens":6,"max_tokens":5)",
     "min_tokens: min_tokens must be at most max_tokens, 5 (got 6)"},
    {R"("stop_token_ids":[100])",
     "stop_token_ids: token 0 must be at most 99 (got 100); accepted: a list: up to 128 tokens of "
     "0..99 (the model's vocabulary)"},
    {R"("stop_token_ids":[-1])",
     "stop_token_ids: token 0 must be at least 0; accepted: a list: up to 128 tokens of 0..99 (the "
     "model's vocabulary)"},
    {R"("bad_words":[""])",
     "bad_words: word 0 must not be empty; accepted: a list: up to 128 texts of 1..256 bytes"},
    {R"("priority":11)", "priority: priority must be at most 10 (got 11); accepted: -10..10"},
    {R"("choice":[])", "choice: choice must not be empty; accepted: a list: texts, not empty"},
    {R"("response_format":{})", "response_format.type: response_format.type is required"},
    {R"("response_format":{"type":"xml"})",
     "response_format.type: response_format.type must be one of text, json_object, json_schema; "
     "accepted: text, json_object, json_schema"},
    {R"("response_format":{"type":"json_schema"})",
     "response_format.json_schema: response_format.json_schema is required with the type "
     "json_schema"},
    {R"("response_format":{"type":"json_schema","json_schema":{"name":"x"}})",
     "response_format.json_schema.schema: response_format.json_schema.schema is required"},
    {R"("response_format":{"type":"json_schema","json_schema":{"name":"a b","schema":{}}})",
     "response_format.json_schema.name: response_format.json_schema.name must have only characters "
     "of [A-Za-z0-9_-]; accepted: a text of 1..64 bytes, of the characters [A-Za-z0-9_-]"},
    {R"("response_format":{"type":"json_object"},"regex":"a")",
     "regex: response_format and regex cannot be followed together: send one of response_format, "
     "grammar, regex, json_schema and choice"},
    {R"("json_schema":{},"choice":["a"])",
     "choice: json_schema and choice cannot be followed together: send one of response_format, "
     "grammar, regex, json_schema and choice"},
    {R"("grammar":"# a comment\n  root ::= \"a\"")",
     "grammar: grammar is GBNF: use Lark, regex or json_schema"},
};

TEST(ParametersTest, a_violation_names_the_parameter_and_what_it_accepts) {
    for (const auto& [fragment, expected] : violations) {
        refuses_chat(chat_with(fragment), expected);
        refuses_completion(completion_with(fragment), expected);
    }
}

TEST(ParametersTest, null_is_absent) {
    std::string nulls;
    for (const Parameter& parameter : parameters_of(chat_rows(test_limits))) {
        if (parameter.name != "model" && parameter.name != "messages")
            nulls += (nulls.empty() ? "" : ",") + member(parameter.name, "null");
    }
    const auto request = parse_chat(chat_with(nulls + R"(,"unknown":null)"));
    ASSERT_TRUE(request.has_value()) << request.error().message;
    EXPECT_TRUE(request->generation.ignored.empty());
    refuses_chat(R"({"model":null,"messages":[]})", "model: model is required");
    refuses_chat(R"({"model":"m"})", "messages: messages is required");
    refuses_completion(R"({"model":"m"})", "prompt: prompt is required");
}

TEST(ParametersTest, a_body_that_is_no_object_is_refused) {
    for (const std::string body : {"[]", "null", "1", "\"{}\""}) {
        refuses_chat(body, "-: the body must be an object");
        refuses_completion(body, "-: the body must be an object");
    }
}

TEST(ParametersTest, what_is_ignored_inside_objects_is_named_with_its_path) {
    const auto request = parse_completion(completion_with(
        R"("stream":true,"stream_options":{"include_obfuscation":true,"x":1},)"
        R"("response_format":{"type":"json_object","schema":{},"json_schema":{"name":"x"}})"));
    const auto& ignored = request.value().generation.ignored;
    EXPECT_THAT(ignored,
                testing::ElementsAre(
                    testing::Field(&IgnoredParameter::param, "stream_options.include_obfuscation"),
                    testing::Field(&IgnoredParameter::param, "stream_options.x"),
                    testing::Field(&IgnoredParameter::param, "response_format.schema"),
                    testing::Field(&IgnoredParameter::param, "response_format.json_schema")));
}

TEST(ParametersTest, strict_callers_are_refused_what_others_are_told) {
    worker::Fields strict;
    strict.add("x-strict-parameters", "true");
    worker::Fields lax;
    lax.add("x-strict-parameters", "false");
    const auto request = parse_chat(chat_with(R"("store":true,"user":"u")"));
    const auto& ignored = request.value().generation.ignored;
    EXPECT_EQ(strict_objection(lax, ignored), std::nullopt);
    EXPECT_EQ(strict_objection({}, ignored), std::nullopt);
    EXPECT_EQ(strict_objection(strict, {}), std::nullopt);
    const auto objection = strict_objection(strict, ignored);
    ASSERT_TRUE(objection.has_value());
    EXPECT_EQ(objection->param, "user");
    EXPECT_EQ(objection->message,
              "user has no effect here (callers are told apart by their tokens, and cached prompts "
              "by cache_salt), and x-strict-parameters is true: leave out one of the two");
}

TEST(ParametersTest, a_report_stays_in_proportion_to_its_request) {
    std::string many = "\"" + std::string(1000, 'k') + "\":1";
    for (int i = 0; i < 1000; ++i) many += ",\"k" + std::to_string(i) + "\":1";
    const auto request = parse_chat(chat_with(many));
    const auto& ignored = request.value().generation.ignored;
    ASSERT_EQ(ignored.size(), ignored_max + 1);
    EXPECT_EQ(ignored.front().param, std::string(128, 'k'));
    EXPECT_EQ(ignored.back(), (IgnoredParameter{"…", "and 901 more"}));
    EXPECT_EQ(worker::ignored_json({{"user", "why"}}),
              boost::json::array({{{"param", "user"}, {"reason", "why"}}}));
}

}  // namespace
}  // namespace llm
