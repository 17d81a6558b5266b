#include "worker/hugging_face/pre_tokenizer.h"

#include "tests/support/model_directory.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

namespace json = boost::json;

constexpr const char* llama_3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* qwen_2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

json::object split(std::string_view pattern) {
    return {{"type", "Split"},
            {"pattern", {{"Regex", pattern}}},
            {"behavior", "Isolated"},
            {"invert", false}};
}

json::object bytes(std::string_view fields = R"({"use_regex": false})") {
    json::object step = json_object(R"({"type": "ByteLevel", "add_prefix_space": false})");
    for (const auto& [key, value] : json_object(fields)) step[key] = value;
    return step;
}

const json::object digits = json_object(R"({"type": "Digits", "individual_digits": true})");

Result<std::string> name(const json::value& pre_tokenizer, bool ignore_merges = false) {
    return name_pre_tokenizer("tokenizer.json", {{"pre_tokenizer", pre_tokenizer},
                                                 {"model", {{"ignore_merges", ignore_merges}}}});
}

json::value sequence(const json::array& steps) {
    return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

void check_name(const json::value& pre_tokenizer, const std::string& expected,
                bool ignore_merges = false) {
    const auto actual = name(pre_tokenizer, ignore_merges);
    ASSERT_TRUE(actual) << expected << ": " << actual.error().message;
    EXPECT_EQ(*actual, expected);
}

void check_unknown(const json::value& pre_tokenizer, const std::string& shown) {
    const auto actual = name(pre_tokenizer);
    ASSERT_FALSE(actual) << *actual;
    EXPECT_EQ(actual.error().code, ErrorCode::model_unsupported);
    EXPECT_EQ(actual.error().message,
              "tokenizer.json: the pre-tokeniser (" + shown +
                  ") is not supported; name a GGUF file of this model instead");
}

TEST(PreTokenizerTest, is_recognised_by_its_patterns_and_by_whether_merges_are_ignored) {
    check_name(sequence({split(llama_3), bytes()}), "llama-bpe", true);
    check_name(sequence({split(llama_3), bytes()}), "dbrx");
    check_name(sequence({split(qwen_2), bytes()}), "qwen2");
    check_name(bytes(R"({"use_regex": true})"), "gpt-2");
    check_name(bytes("{}"), "gpt-2");
    check_name(sequence({bytes("{}")}), "gpt-2");
    check_name(sequence({digits, bytes("{}")}), "smollm");
    check_name(sequence({split(R"(\p{N}{1,3})"), split("[一-龥぀-ゟ゠-ヿ]+"),
                         split("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}"
                               "\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|"
                               "\\s+(?!\\S)|\\s+"),
                         bytes()}),
               "deepseek-v3");
}

TEST(PreTokenizerTest, a_pattern_that_keeps_what_it_finds_is_the_same_as_one_that_cuts_there) {
    json::object kept = split(qwen_2);
    kept["behavior"] = "Removed";
    kept["invert"] = true;
    check_name(sequence({kept, bytes()}), "qwen2");
    kept["invert"] = false;
    check_unknown(sequence({kept, bytes()}), "<Split>");
}

TEST(PreTokenizerTest, an_unknown_one_is_shown) {
    check_unknown(sequence({split("\\d+\n"), bytes()}), "\\d+\\n");
    check_unknown(sequence({digits, split("a|b"), bytes("{}")}), "digits, then a|b, then words");
    check_unknown(sequence({split("words"), bytes()}), "<Split>");
    check_unknown(sequence({bytes(), digits}), "<something else>");
    check_unknown(sequence({digits}), "digits, then <no bytes>");
    check_unknown(bytes(R"({"add_prefix_space": true})"), "<a space before all>");
    check_unknown(nullptr, "<no bytes>");
    check_unknown(json::value(7), "<no bytes>");
    check_unknown(sequence({7}), "<something else>");
    check_unknown(sequence({}), "<no bytes>");
    check_unknown(sequence({json_object(R"({"type": "Split", "pattern": 7})"), bytes()}),
                  "<Split>");
    check_unknown(sequence({json_object(R"({"type": "Punctuation"})"), bytes()}), "<Punctuation>");
    check_unknown(sequence(json::array(100, digits)), "<something else>");
}

TEST(PreTokenizerTest, what_is_shown_is_bounded) {
    const auto actual = name(sequence({split(std::string(100'000, 'x')), bytes()}));
    ASSERT_FALSE(actual);
    EXPECT_LT(actual.error().message.size(), 600u);
}

}  // namespace
}  // namespace worker
