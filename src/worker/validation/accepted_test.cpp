#include "worker/validation/accepted.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

TEST(AcceptedTest, says_what_each_form_accepts) {
    const Text short_text = {.non_empty = true, .bytes_max = 9};
    const std::pair<Form, std::string_view> cases[] = {
        {Boolean{}, "true or false"},
        {Integer{.min = -1, .max = 4096}, "-1..4096"},
        {Number{.min = -0.5, .max = 2}, "-0.5..2"},
        {Text{}, "a text"},
        {Text{.non_empty = true}, "a text, not empty"},
        {Text{.characters_max = 5}, "a text of 1..5 characters"},
        {Text{.bytes_max = 5, .alphabet = "a-z"}, "a text of 0..5 bytes, of the characters [a-z]"},
        {Text{.words = {"low", "high"}}, "low, high"},
        {TextList{}, "a list: texts"},
        {TextList{.count_max = 4, .item = short_text}, "a list: up to 4 texts of 1..9 bytes"},
        {TextList{.count_max = 4, .item = short_text, .lone_text = LoneText::accepted},
         "a text or up to 4 texts of 1..9 bytes"},
        {TextList{.item = {.words = {"x", "y"}}}, "a list: of x, y"},
        {IntegerList{.count_max = 8, .noun = "tokens", .item = {.min = 0, .max = 7}},
         "a list: up to 8 tokens of 0..7"},
        {NumberMap{.count_max = 8,
                   .key_noun = "token",
                   .key = {.min = 0, .max = 7},
                   .value = {.min = -1, .max = 1}},
         "an object: up to 8 entries, token 0..7 to a number -1..1"},
        {Object{}, "an object"},
        {List{}, "a list"},
        {List{.non_empty = true}, "a list, not empty"},
        {Anything{}, "any value"},
    };
    for (const auto& [form, expected] : cases) EXPECT_EQ(accepted_text(form), expected);
}

}  // namespace
}  // namespace worker
