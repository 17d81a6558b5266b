#include "worker/hugging_face/special_tokens.h"

#include "tests/support/model_directory.h"

#include <gtest/gtest.h>

#include <map>

namespace worker {
namespace {

namespace json = boost::json;
using Entries = std::map<std::string, GgufWritable>;

Result<std::vector<GgufEntry>> try_read(const ModelDirectory& directory) {
    const auto table = TokenTable::read(directory, tiny_vocabulary);
    EXPECT_TRUE(table) << table.error().message;
    return special_token_entries(directory, *table);
}

Entries read(const ModelDirectory& directory) {
    const auto read = try_read(directory);
    EXPECT_TRUE(read) << read.error().message;
    Entries entries;
    constexpr std::string_view prefix = "tokenizer.";
    for (const GgufEntry& entry : read.value_or(std::vector<GgufEntry>()))
        entries[entry.key.substr(prefix.size())] = entry.value;
    return entries;
}

void check(const ModelDirectory& directory, const Entries& expected) {
    EXPECT_EQ(read(directory), expected);
}

void check_refused(const ModelDirectory& directory, ErrorCode code, const std::string& words) {
    const auto read = try_read(directory);
    ASSERT_FALSE(read) << words;
    EXPECT_EQ(read.error().code, code) << read.error().message;
    EXPECT_NE(read.error().message.find(words), std::string::npos) << read.error().message;
}

TEST(SpecialTokensTest, every_family_has_its_own) {
    check(tiny_directory("llama"), {{"ggml.unknown_token_id", 0u},
                                    {"ggml.bos_token_id", 1u},
                                    {"ggml.eos_token_id", 2u},
                                    {"ggml.add_bos_token", true},
                                    {"ggml.add_eos_token", false}});
    check(tiny_directory("bert"), {{"ggml.unknown_token_id", 1u},
                                   {"ggml.padding_token_id", 0u},
                                   {"ggml.cls_token_id", 2u},
                                   {"ggml.seperator_token_id", 3u},
                                   {"ggml.mask_token_id", 4u},
                                   {"ggml.bos_token_id", 2u},
                                   {"ggml.eos_token_id", 3u},
                                   {"ggml.add_bos_token", true},
                                   {"ggml.add_eos_token", true}});
    // A model that begins with nothing gets its end for a beginning that is never added.
    check(tiny_directory("qwen2"), {{"ggml.padding_token_id", 8u},
                                    {"ggml.bos_token_id", 9u},
                                    {"ggml.eos_token_id", 9u},
                                    {"ggml.add_bos_token", false},
                                    {"ggml.add_eos_token", false}});
}

TEST(SpecialTokensTest, berts_need_no_names_for_what_their_template_says) {
    ModelDirectory directory = tiny_directory("bert");
    directory.tokenizer_config = {};
    const Entries expected = read(directory);
    EXPECT_EQ(expected.at("ggml.cls_token_id"), GgufWritable(2u));
    EXPECT_EQ(expected.at("ggml.seperator_token_id"), GgufWritable(3u));
    EXPECT_EQ(expected.at("ggml.unknown_token_id"), GgufWritable(1u));
    directory.tokenizer["post_processor"] =
        json_object(R"({"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]})");
    EXPECT_EQ(read(directory), expected);
}

TEST(SpecialTokensTest, the_ends_of_all_configurations_count) {
    ModelDirectory directory = tiny_directory("qwen2");
    directory.generation_config = json_object(R"({"eos_token_id": [9, 8]})");
    EXPECT_EQ(read(directory).at("ggml.eos_token_id"), GgufWritable(9u));
    EXPECT_EQ(read(directory).at("ggml.eot_token_id"), GgufWritable(8u));
    directory.config["eos_token_id"] = 5;
    EXPECT_EQ(read(directory).at("ggml.eom_token_id"), GgufWritable(5u));
    directory.config["eos_token_id"] = {5, 6};
    check_refused(directory, ErrorCode::model_unsupported, "4 tokens that end a text");
    directory.config["eos_token_id"] = 4'000'000'000;
    EXPECT_FALSE(read(directory).contains("ggml.eom_token_id"));
}

TEST(SpecialTokensTest, a_model_that_never_ends_is_corrupt) {
    ModelDirectory directory = tiny_directory("qwen2");
    directory.tokenizer_config = {};
    check_refused(directory, ErrorCode::model_corrupt, "names no token that ends a text");
    directory.config["eos_token_id"] = 9;
    EXPECT_EQ(read(directory).at("ggml.eos_token_id"), GgufWritable(9u));
}

TEST(SpecialTokensTest, numbers_of_the_configuration_stand_in_for_names) {
    ModelDirectory directory = tiny_directory("qwen2");
    directory.config["bos_token_id"] = 8;
    EXPECT_EQ(read(directory).at("ggml.bos_token_id"), GgufWritable(8u));
    for (const json::value& wrong : {json::value(300), json::value(-1), json::value("8")}) {
        directory.config["bos_token_id"] = wrong;
        EXPECT_EQ(read(directory).at("ggml.bos_token_id"), GgufWritable(9u));
    }
}

TEST(SpecialTokensTest, a_template_says_what_is_added) {
    ModelDirectory directory = tiny_directory("qwen3");
    directory.tokenizer_config["add_bos_token"] = true;  // Of no effect beside a template.
    directory.tokenizer["post_processor"] = json_object(
        R"({"type": "Sequence", "processors": [{"type": "ByteLevel"},
            {"type": "TemplateProcessing",
             "single": [{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "<|endoftext|>"}}]}]})");
    const Entries entries = read(directory);
    EXPECT_EQ(entries.at("ggml.add_bos_token"), GgufWritable(false));
    EXPECT_EQ(entries.at("ggml.add_eos_token"), GgufWritable(true));
    // What is added is the end, and what was called so ends a turn.
    EXPECT_EQ(entries.at("ggml.eos_token_id"), GgufWritable(8u));
    EXPECT_EQ(entries.at("ggml.eot_token_id"), GgufWritable(9u));
}

TEST(SpecialTokensTest, llamas_own_class_goes_by_its_flags) {
    ModelDirectory directory = tiny_directory("llama");
    directory.tokenizer_config["add_bos_token"] = false;
    directory.tokenizer_config["add_eos_token"] = true;
    EXPECT_EQ(read(directory).at("ggml.add_bos_token"), GgufWritable(false));
    EXPECT_EQ(read(directory).at("ggml.add_eos_token"), GgufWritable(true));
    directory.tokenizer_config["tokenizer_class"] = "PreTrainedTokenizerFast";
    EXPECT_EQ(read(directory).at("ggml.add_bos_token"), GgufWritable(true));
    EXPECT_EQ(read(directory).at("ggml.add_eos_token"), GgufWritable(false));
    directory.tokenizer["post_processor"] = nullptr;
    EXPECT_EQ(read(directory).at("ggml.add_bos_token"), GgufWritable(false));
    directory.tokenizer_config["tokenizer_class"] = "LlamaTokenizerFast";
    directory.tokenizer_config.erase("add_bos_token");
    EXPECT_EQ(read(directory).at("ggml.add_bos_token"), GgufWritable(true));
}

TEST(SpecialTokensTest, templates_that_libllama_cannot_follow_are_refused) {
    for (const char* single :
         {R"([{"SpecialToken": {"id": "<s>"}}, {"SpecialToken": {"id": "<s>"}},
              {"Sequence": {"id": "A"}}])",
          R"([{"SpecialToken": {"id": "<x>"}}, {"Sequence": {"id": "A"}}])", "[7, 7]", "[]"}) {
        ModelDirectory directory = tiny_directory("llama");
        directory.tokenizer["post_processor"].as_object()["single"] = *parse_json(single);
        check_refused(directory, ErrorCode::model_unsupported, "a template");
    }
    ModelDirectory directory = tiny_directory("llama");
    directory.tokenizer["post_processor"] = json_object(R"({"type": "RobertaProcessing"})");
    check_refused(directory, ErrorCode::model_unsupported,
                  "the post-processor \"RobertaProcessing\"");
    directory = tiny_directory("qwen2");
    directory.tokenizer_config["bos_token"] = nullptr;
    directory.tokenizer_config["add_bos_token"] = true;
    directory.tokenizer["post_processor"] = nullptr;
    check_refused(directory, ErrorCode::model_corrupt, "names no bos_token");
}

TEST(SpecialTokensTest, chat_templates_keep_their_names) {
    ModelDirectory directory = tiny_directory("llama");
    directory.chat_template = "{{ messages }}";
    directory.named_templates["tool_use"] = "{{ tools }}";
    EXPECT_EQ(read(directory).at("chat_template"), GgufWritable(std::string("{{ messages }}")));
    EXPECT_EQ(read(directory).at("chat_template.tool_use"),
              GgufWritable(std::string("{{ tools }}")));
    directory.chat_template = std::string((1 << 20) + 1, ' ');
    check_refused(directory, ErrorCode::model_unsupported, "a chat template of over 1 MiB");
    directory.chat_template = std::nullopt;
    directory.named_templates["a b\n"] = "";
    check_refused(directory, ErrorCode::model_unsupported, "a chat template called \"a b\\x0a\"");
}

}  // namespace
}  // namespace worker
