#include "llm/api/completions/reply_grammar.h"

#include "llm/api/openai/request_fixture.h"
#include "tests/support/toy_model.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace llm {

using worker::OpenAiError;

namespace {

class ReplyGrammarTest : public testing::Test {
protected:
    // The grammar of a chat with one tool, whose schema and more is `function`.
    tl::expected<std::optional<ReplyGrammar>, OpenAiError> grammar(const std::string& function) {
        request_ = parse_chat(chat_with(R"("tools":[{"type":"function","function":{"name":"f",)" +
                                        function + "}}]"))
                       .value();
        const ChatPrompt prompt{.tool_format = ToolFormat::generic};
        return chat_grammar(request_, prompt, format_);
    }

    ChatRequest request_;
    ChatFormat format_ = ChatFormat::make({.chat_template = "{{ messages[0].content }}"},
                                          std::make_shared<ToyVocabulary>())
                             .value();
};

TEST_F(ReplyGrammarTest, what_of_a_tools_schema_cannot_be_enforced_is_told) {
    const auto grammar =
        this->grammar(R"("parameters":{"properties":{"a":{"type":"string","not":{"const":"b"}}}})");
    ASSERT_TRUE(grammar.has_value()) << grammar.error().message;
    ASSERT_EQ(request_.generation.ignored.size(), 1u);
    EXPECT_EQ(request_.generation.ignored[0].param, "tools[0].function.parameters");
    EXPECT_EQ(request_.generation.ignored[0].reason,
              "not at #/properties/a cannot be enforced by this worker");
    EXPECT_EQ((*grammar)->spec.text.find("\"not\""), std::string::npos) << (*grammar)->spec.text;
    EXPECT_NE((*grammar)->spec.text.find("\"a\""), std::string::npos) << (*grammar)->spec.text;
}

TEST_F(ReplyGrammarTest, a_strict_tools_schema_is_enforced_or_refused) {
    const auto grammar =
        this->grammar(R"("strict":true,"parameters":{"type":"object","not":{"const":{}}})");
    ASSERT_FALSE(grammar.has_value());
    EXPECT_EQ(grammar.error().param, "tools[0].function.parameters");
    EXPECT_EQ(grammar.error().message, "the schema's 'not' at # cannot be enforced");
}

TEST_F(ReplyGrammarTest, what_is_no_schema_is_refused) {
    const auto grammar = this->grammar(R"("parameters":{"type":"strin"})");
    ASSERT_FALSE(grammar.has_value());
    EXPECT_EQ(grammar.error().param, "tools[0].function.parameters");
}

}  // namespace
}  // namespace llm
