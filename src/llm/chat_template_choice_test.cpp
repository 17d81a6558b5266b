#include "llm/chat_template_choice.h"

#include "tests/support/temporary_file.h"

#include <gtest/gtest.h>

#include <fstream>

namespace llm {
namespace {

worker::ModelFacts facts() {
    worker::ModelFacts facts;
    facts.chat_template = "own";
    facts.named_templates = {{"tool_use", "for tools"}};
    return facts;
}

void check(const std::optional<std::string>& wanted, const std::string& expected) {
    const auto chosen = choose_chat_template(facts(), wanted);
    ASSERT_TRUE(chosen) << chosen.error().message;
    EXPECT_EQ(*chosen, expected);
}

void check_refused(const std::string& wanted, const std::string& words) {
    const auto chosen = choose_chat_template(facts(), wanted);
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().code, worker::ErrorCode::config_invalid);
    EXPECT_NE(chosen.error().message.find(words), std::string::npos) << chosen.error().message;
}

TEST(ChatTemplateChoiceTest, the_models_own_by_default) {
    check(std::nullopt, "own");
    EXPECT_EQ(*choose_chat_template({}, std::nullopt), std::nullopt);
}

TEST(ChatTemplateChoiceTest, another_of_the_models_by_its_name) {
    check("tool_use", "for tools");
}

TEST(ChatTemplateChoiceTest, a_file) {
    const worker::TemporaryFile file("template.jinja");
    std::ofstream(file.path()) << "{{ messages }}";
    check(file.path().string(), "{{ messages }}");
}

TEST(ChatTemplateChoiceTest, chatml_for_models_without_one) {
    const auto chosen = choose_chat_template(facts(), "chatml");
    ASSERT_TRUE(chosen);
    EXPECT_NE((*chosen)->find("<|im_start|>"), std::string::npos);
}

TEST(ChatTemplateChoiceTest, a_name_that_nothing_has_is_told_the_others) {
    check_refused("alpaca", "chatml, tool_use");
}

TEST(ChatTemplateChoiceTest, what_is_no_template_is_said_at_the_start) {
    const worker::TemporaryFile file("template.jinja");
    std::ofstream(file.path()) << "{% if %}";
    check_refused(file.path().string(), "is no template");
}

}  // namespace
}  // namespace llm
