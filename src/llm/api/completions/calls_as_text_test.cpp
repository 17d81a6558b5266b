#include "llm/api/completions/calls_as_text.h"

#include "worker/base/json.h"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <string>

namespace llm {
namespace {

void check(const std::string& messages, const std::string& expected) {
    const auto read = worker::parse_json(messages).value();
    EXPECT_EQ(boost::json::serialize(calls_as_text(read.as_array())), expected);
}

const std::string calls =
    R"({"role":"assistant","content":null,"tool_calls":[)"
    R"({"id":"1","type":"function","function":{"name":"tide","arguments":{"day":2}}},)"
    R"({"id":"2","type":"function","function":{"name":"moon","arguments":{}}}]})";

TEST(CallsAsTextTest, leaves_a_conversation_without_calls_as_it_is) {
    const std::string messages =
        R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"}])";
    check(messages, messages);
    check("[]", "[]");
}

TEST(CallsAsTextTest, spells_out_calls_as_the_instructions_ask_for_them) {
    check("[" + calls + "]", R"([{"role":"assistant","content":"{\"tool_calls\": [)"
                             R"({\"name\": \"tide\", \"arguments\": {\"day\":2}}, )"
                             R"({\"name\": \"moon\", \"arguments\": {}}]}"}])");
    check(R"([{"role":"assistant","content":"Wait.","tool_calls":[{"id":"1","type":"function",)"
          R"("function":{"name":"\"","arguments":"no JSON"}}]}])",
          R"([{"role":"assistant","content":"Wait.\n\n{\"tool_calls\": [)"
          R"({\"name\": \"\\\"\", \"arguments\": \"no JSON\"}]}"}])");
}

TEST(CallsAsTextTest, the_results_of_a_turn_are_one_message_of_the_user) {
    const std::string results = R"({"role":"tool","content":"low","tool_call_id":"1"},)"
                                R"({"role":"tool","content":"new","tool_call_id":"2"},)"
                                R"({"role":"assistant","content":"b"},)"
                                R"({"role":"tool","content":"?","tool_call_id":"3"})";
    const std::string told = R"({"role":"user","content":"{\"name\":\"tide\",\"result\":\"low\"}\n)"
                             R"({\"name\":\"moon\",\"result\":\"new\"}"},)"
                             R"({"role":"assistant","content":"b"},)"
                             R"({"role":"user","content":"{\"name\":null,\"result\":\"?\"}"}])";
    const auto read = worker::parse_json("[" + calls + "," + results + "]").value();
    const std::string said = boost::json::serialize(calls_as_text(read.as_array()));
    EXPECT_TRUE(said.ends_with(told)) << said;
}

}  // namespace
}  // namespace llm
