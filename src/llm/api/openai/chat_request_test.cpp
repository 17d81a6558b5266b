#include "llm/api/openai/chat_request.h"

#include "llm/api/openai/request_fixture.h"

#include <boost/json/serialize.hpp>

namespace llm {

using worker::IgnoredParameter;

namespace {

std::string conversation(std::string_view messages, std::string_view more = "") {
    return R"({"model":"m","messages":[)" + std::string(messages) + "]" + std::string(more) + "}";
}

// `expected`: the messages as a template gets them.
void reads(std::string_view messages, std::string_view expected) {
    const auto request = parse_chat(conversation(messages));
    ASSERT_TRUE(request.has_value()) << messages << ": " << request.error().message;
    EXPECT_EQ(boost::json::serialize(request->messages), "[" + std::string(expected) + "]");
}

void refuses(std::string_view messages, std::string_view expected) {
    refuses_chat(conversation(messages), expected);
}

TEST(ChatRequestTest, has_openais_defaults) {
    const ChatRequest request =
        parse_chat(conversation(R"({"role":"user","content":"Hi"})")).value();
    const GenerationRequest& generation = request.generation;
    EXPECT_EQ(generation.model, "m");
    EXPECT_EQ(generation.max_tokens, std::nullopt);
    EXPECT_EQ(generation.temperature, 1.0);
    EXPECT_EQ(generation.top_p, 1.0);
    EXPECT_EQ(generation.min_p, 0.0);
    EXPECT_EQ(generation.top_k, 0u);
    EXPECT_EQ(generation.repetition_penalty, 1.0);
    EXPECT_EQ(generation.seed, std::nullopt);
    EXPECT_EQ(generation.n, 1u);
    EXPECT_FALSE(generation.stream);
    EXPECT_FALSE(generation.include_usage);
    EXPECT_EQ(generation.grammar, std::nullopt);
    EXPECT_TRUE(generation.ignored.empty());
    EXPECT_EQ(request.tool_choice, ToolChoice{});
    EXPECT_TRUE(request.parallel_tool_calls);
    EXPECT_FALSE(request.logprobs);
    EXPECT_TRUE(request.template_arguments.empty());
}

TEST(ChatRequestTest, messages_become_what_templates_want) {
    reads(R"({"role":"system","content":""},{"role":"developer","name":"d","content":"x"})",
          R"({"role":"system","content":""},{"role":"developer","content":"x","name":"d"})");
    reads(R"({"role":"user","content":[{"type":"text","text":"a "},{"type":"text","text":"b"}]})",
          R"({"role":"user","content":"a b"})");
    reads(R"({"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[)"
          R"({"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},)"
          R"({"tool_call_id":"1","content":"2","role":"tool"})",
          R"({"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[)"
          R"({"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},)"
          R"({"role":"tool","content":"2","tool_call_id":"1"})");
    reads(R"({"role":"assistant","content":"x","tool_calls":[]})",
          R"({"role":"assistant","content":"x"})");
}

TEST(ChatRequestTest, a_wrong_message_is_named) {
    refuses("", "messages: messages must not be empty; accepted: a list, not empty");
    refuses("1", "messages[0]: messages[0] must be an object");
    refuses("{}", "messages[0].role: messages[0].role is required");
    refuses(R"({"role":"user","content":"x"},{"role":"function","content":"x"})",
            "messages[1].role: messages[1].role must be one of system, developer, user, assistant, "
            "tool; accepted: system, developer, user, assistant, tool");
    refuses(R"({"role":"user"})", "messages[0].content: messages[0].content is required");
    refuses(R"({"role":"assistant","tool_calls":[]})",
            "messages[0].content: messages[0].content is required where there are no tool_calls");
    refuses(R"({"role":"user","content":5})",
            "messages[0].content: messages[0].content must be a text or a list of at least one "
            "content part");
    refuses(R"({"role":"user","content":[]})",
            "messages[0].content: messages[0].content must be a text or a list of at least one "
            "content part");
    refuses(R"({"role":"tool","content":"x"})",
            "messages[0].tool_call_id: messages[0].tool_call_id is required: it says which call is "
            "answered");
    refuses(
        R"({"role":"assistant","content":"x","function_call":{}})",
        "messages[0].function_call: messages[0].function_call is not supported: use tool_calls");
}

TEST(ChatRequestTest, a_part_that_cannot_be_read_is_named) {
    for (const std::string type : {"image_url", "input_audio", "file"}) {
        refuses(
            R"({"role":"user","content":[{"type":"text","text":"x"},{"type":")" + type + R"("}]})",
            "messages[0].content[1]: messages[0].content[1] is of the type " + type +
                ", and this model reads text only: send parts of the type text");
    }
    refuses(R"({"role":"user","content":["x"]})",
            "messages[0].content[0]: messages[0].content[0] must be an object");
    refuses(R"({"role":"user","content":[{"type":"text"}]})",
            "messages[0].content[0].text: messages[0].content[0].text is required");
    refuses(R"({"role":"user","content":[{"type":"video"}]})",
            "messages[0].content[0].type: messages[0].content[0].type must be one of text; "
            "accepted: text");
}

TEST(ChatRequestTest, a_wrong_call_of_a_tool_is_named) {
    const auto with_call = [](std::string_view call) {
        return R"({"role":"assistant","tool_calls":[)" + std::string(call) + "]}";
    };
    refuses(with_call("1"),
            "messages[0].tool_calls[0]: messages[0].tool_calls[0] must be an object");
    refuses(with_call(R"({"type":"function","function":{}})"),
            "messages[0].tool_calls[0].id: messages[0].tool_calls[0].id is required");
    refuses(with_call(R"({"id":"1","type":"custom"})"),
            "messages[0].tool_calls[0].type: messages[0].tool_calls[0].type must be one of "
            "function; accepted: function");
    refuses(with_call(R"({"id":"1","type":"function","function":{"name":"f","arguments":{}}})"),
            "messages[0].tool_calls[0].function.arguments: "
            "messages[0].tool_calls[0].function.arguments must be a string; accepted: a text");
}

TEST(ChatRequestTest, what_a_message_has_in_vain_is_reported_once_for_all) {
    const auto request = parse_chat(conversation(
        R"({"role":"user","content":[{"type":"text","text":"a","cache_control":{}}],)"
        R"("tool_calls":[]},)"
        R"({"role":"assistant","content":"b","annotations":[],"tool_call_id":"1","refusal":null},)"
        R"({"role":"assistant","content":"b","annotations":[]},)"
        R"({"role":"user","content":"c","reasoning_content":"d"})"));
    std::vector<std::string> params;
    for (const IgnoredParameter& each : request.value().generation.ignored)
        params.push_back(each.param);
    EXPECT_EQ(params, (std::vector<std::string>{"messages[].tool_calls",
                                                "messages[].content[].cache_control",
                                                "messages[].annotations", "messages[].tool_call_id",
                                                "messages[].reasoning_content"}));
    EXPECT_EQ(boost::json::serialize(request->messages),
              R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"},)"
              R"({"role":"assistant","content":"b"},{"role":"user","content":"c"}])");
}

TEST(ChatRequestTest, tools_are_passed_on_as_sent) {
    const std::string tools =
        R"([{"type":"function","function":{"name":"get_weather-1","description":"d",)"
        R"("parameters":{"type":"object"},"strict":null,"x":1},"y":2}])";
    const ChatRequest request = parse_chat(chat_with("\"tools\":" + tools)).value();
    EXPECT_EQ(boost::json::serialize(request.tools), tools);
    EXPECT_EQ(request.tool_choice.kind, ToolChoice::Kind::automatic);
    EXPECT_TRUE(request.generation.ignored.empty());
}

std::string tool(std::string_view function) {
    return R"("tools":[{"type":"function","function":)" + std::string(function) + "}]";
}

TEST(ChatRequestTest, a_wrong_tool_is_named) {
    refuses_chat(chat_with(R"("tools":{})"), "tools: tools must be an array; accepted: a list");
    refuses_chat(chat_with(R"("tools":[1])"), "tools[0]: tools[0] must be an object");
    refuses_chat(chat_with(R"("tools":[{"type":"custom"}])"),
                 "tools[0].type: tools[0].type must be one of function; accepted: function");
    refuses_chat(chat_with(tool("{}")),
                 "tools[0].function.name: tools[0].function.name is required");
    const std::string name_rule =
        "; accepted: a text of 1..64 bytes, of the characters [A-Za-z0-9_-]";
    refuses_chat(chat_with(tool(R"({"name":"a.b"})")),
                 "tools[0].function.name: tools[0].function.name must have only characters of "
                 "[A-Za-z0-9_-]" +
                     name_rule);
    refuses_chat(chat_with(tool(R"({"name":")" + std::string(65, 'a') + R"("})")),
                 "tools[0].function.name: tools[0].function.name must be at most 64 characters "
                 "(got 65)" +
                     name_rule);
    refuses_chat(chat_with(tool(R"({"name":"f","parameters":[]})")),
                 "tools[0].function.parameters: tools[0].function.parameters must be an object; "
                 "accepted: an object");
    refuses_chat(chat_with(R"("tools":[{"type":"function","function":{"name":"f"}},)"
                           R"({"type":"function","function":{"name":"f"}}])"),
                 "tools[1].function.name: tools[1].function.name: f is there twice");
}

TEST(ChatRequestTest, a_choice_among_tools_has_to_be_possible) {
    const std::string one = tool(R"({"name":"f"})") + ",";
    const auto choice = [](std::string_view more) {
        return parse_chat(chat_with(more)).value().tool_choice;
    };
    EXPECT_EQ(choice(one + R"("tool_choice":"none")"), (ToolChoice{ToolChoice::Kind::none}));
    EXPECT_EQ(choice(R"("tool_choice":"auto")"), (ToolChoice{ToolChoice::Kind::none}));
    EXPECT_EQ(choice(R"("tools":[],"tool_choice":"none")"), (ToolChoice{ToolChoice::Kind::none}));

    refuses_chat(chat_with(R"("tool_choice":"required")"),
                 "tool_choice: tool_choice is required, and there are no tools");
    refuses_chat(chat_with(one + R"("tool_choice":{"type":"function","function":{"name":"g"}})"),
                 "tool_choice: tool_choice names g, which is not among the tools");
    refuses_chat(chat_with(one + R"("tool_choice":{"type":"allowed_tools"})"),
                 "tool_choice.type: tool_choice.type must be one of function; accepted: function");
    for (const std::string wrong : {"1", "\"any\"", "[]"}) {
        refuses_chat(chat_with(one + "\"tool_choice\":" + wrong),
                     "tool_choice: tool_choice must be none, auto, required or "
                     "{\"type\":\"function\",\"function\":{\"name\":\"…\"}}");
    }
}

TEST(ChatRequestTest, a_call_that_is_required_excludes_a_grammar) {
    const std::string both = tool(R"({"name":"f"})") + R"(,"regex":"a+","tool_choice":)";
    refuses_chat(
        chat_with(both + R"("required")"),
        "tool_choice: a reply that has to call a tool cannot follow regex: use tool_choice "
        "auto or none, or leave out regex");
    EXPECT_TRUE(parse_chat(chat_with(both + R"("auto")")).has_value());
}

TEST(ChatRequestTest, fields_have_to_agree_with_each_other) {
    refuses_chat(chat_with(R"("max_tokens":5,"max_completion_tokens":6)"),
                 "max_tokens: max_tokens and max_completion_tokens differ (5 and 6): send "
                 "max_completion_tokens alone");
    refuses_chat(chat_with(R"("max_completion_tokens":5,"min_tokens":6)"),
                 "min_tokens: min_tokens must be at most max_tokens, 5 (got 6)");
    refuses_chat(chat_with(R"("top_logprobs":1)"),
                 "top_logprobs: top_logprobs is for \"logprobs\": true only");
    refuses_chat(chat_with(R"("logprobs":true,"top_logprobs":21)"),
                 "top_logprobs: top_logprobs must be at most 20 (got 21); accepted: 0..20");
    refuses_chat(chat_with(R"("modalities":["text","audio"])"),
                 "modalities: item 1 must be one of text; accepted: a list: of text");
    refuses_chat(chat_with(R"("reasoning_effort":"much")"),
                 "reasoning_effort: reasoning_effort must be one of none, minimal, low, medium, "
                 "high, xhigh; accepted: none, minimal, low, medium, high, xhigh");
    refuses_chat(chat_with(R"("reasoning_effort":"low","chat_template_kwargs":)"
                           R"({"reasoning_effort":"high"})"),
                 "reasoning_effort: reasoning_effort and chat_template_kwargs.reasoning_effort "
                 "differ: send one of them");
    refuses_chat(chat_with(R"("chat_template_kwargs":{"bos_token":"x"})"),
                 "chat_template_kwargs.bos_token: chat_template_kwargs.bos_token is not the "
                 "caller's to set: leave it out");
}

TEST(ChatRequestTest, what_a_request_leaves_out_can_be_the_models_to_choose) {
    RequestLimits limits = test_limits;
    limits.defaults = {.temperature = 0.5, .top_k = 20};
    const auto request =
        parse_chat_request(worker::parse_json(chat_with(R"("top_k":3)")).value(), limits);
    EXPECT_EQ(request.value().generation.temperature, 0.5);
    EXPECT_EQ(request.value().generation.top_k, 3u);
    EXPECT_EQ(request.value().generation.top_p, 1.0);
}

TEST(ChatRequestTest, a_last_message_of_the_assistant_can_go_on) {
    const std::string goes_on = R"(,"continue_final_message":true)";
    const std::string user = R"({"role":"user","content":"x"})";
    const auto request =
        parse_chat(conversation(user + R"(,{"role":"assistant","content":"y"})", goes_on));
    EXPECT_TRUE(request.value().continue_final_message);
    for (const std::string& last :
         {user, std::string(R"({"role":"assistant","content":"y","tool_calls":[{"id":"1",)"
                            R"("type":"function","function":{"name":"f","arguments":""}}]})")}) {
        refuses_chat(conversation(last, goes_on),
                     "continue_final_message: continue_final_message needs a last message of the "
                     "role assistant with content and without tool_calls");
    }
}

}  // namespace
}  // namespace llm
