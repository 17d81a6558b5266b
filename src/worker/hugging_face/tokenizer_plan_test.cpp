#include "worker/hugging_face/tokenizer_plan.h"

#include "tests/support/model_directory.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

namespace worker {
namespace {

namespace json = boost::json;
using Texts = std::vector<std::string>;
using Entries = std::map<std::string, GgufWritable>;

constexpr std::string_view prefix = "tokenizer.ggml.";

// By what follows "tokenizer.ggml.", or by the whole key.
Entries plan(const ModelDirectory& directory) {
    const auto planned = plan_tokenizer(directory, tiny_vocabulary);
    EXPECT_TRUE(planned) << planned.error().message;
    Entries entries;
    if (!planned) return entries;
    for (const GgufEntry& entry : planned->entries) {
        const bool usual = entry.key.starts_with(prefix);
        entries[usual ? entry.key.substr(prefix.size()) : entry.key] = entry.value;
    }
    return entries;
}

void check_refused(const ModelDirectory& directory, ErrorCode code, const std::string& words) {
    const auto planned = plan_tokenizer(directory, tiny_vocabulary);
    ASSERT_FALSE(planned) << words;
    EXPECT_EQ(planned.error().code, code) << planned.error().message;
    EXPECT_NE(planned.error().message.find(words), std::string::npos) << planned.error().message;
    EXPECT_EQ(planned.error().message.find('\n'), std::string::npos) << planned.error().message;
}

void check_corrupt(const ModelDirectory& directory, const std::string& words) {
    check_refused(directory, ErrorCode::model_corrupt, words);
}

void check_unsupported(const ModelDirectory& directory, const std::string& words) {
    check_refused(directory, ErrorCode::model_unsupported, words);
}

json::object& model_of(ModelDirectory& directory) {
    return directory.tokenizer["model"].as_object();
}

json::object& vocabulary_of(ModelDirectory& directory) {
    return model_of(directory)["vocab"].as_object();
}

void add_token(ModelDirectory& directory, std::string_view token) {
    directory.tokenizer["added_tokens"].as_array().push_back(json_object(token));
}

std::string text_of(const Entries& entries, std::size_t token) {
    return std::get<Texts>(entries.at("tokens")).at(token);
}

TokenType type_of(const Entries& entries, std::size_t token) {
    return TokenType(std::get<std::vector<std::int32_t>>(entries.at("token_type")).at(token));
}

float score_of(const Entries& entries, std::size_t token) {
    return std::get<std::vector<float>>(entries.at("scores")).at(token);
}

TEST(TokenizerPlanTest, merges_of_bytes_become_gpt2) {
    const Entries entries = plan(tiny_directory("qwen2"));
    EXPECT_EQ(entries.at("model"), GgufWritable(std::string("gpt2")));
    EXPECT_EQ(entries.at("pre"), GgufWritable(std::string("qwen2")));
    EXPECT_EQ(entries.at("merges"), GgufWritable(Texts{"a b", "Ġ ab"}));
    EXPECT_EQ(text_of(entries, 5), "Ġab");
    EXPECT_EQ(type_of(entries, 5), TokenType::normal);
    EXPECT_EQ(type_of(entries, 9), TokenType::control);
    EXPECT_EQ(text_of(entries, 10), "<think>");
    EXPECT_EQ(type_of(entries, 10), TokenType::user_defined);
    EXPECT_FALSE(entries.contains("scores"));
}

TEST(TokenizerPlanTest, rows_without_a_token_are_filled_up) {
    const Entries entries = plan(tiny_directory("qwen2"));
    EXPECT_EQ(std::get<Texts>(entries.at("tokens")).size(), tiny_vocabulary);
    EXPECT_EQ(text_of(entries, 7), "[PAD7]");
    EXPECT_EQ(type_of(entries, 7), TokenType::unused);
    EXPECT_EQ(text_of(entries, 299), "[PAD299]");
}

TEST(TokenizerPlanTest, merges_are_read_as_pairs_too) {
    ModelDirectory directory = tiny_directory("qwen2");
    model_of(directory)["merges"] = *parse_json(R"([["a", "b"], ["Ġ", "ab"]])");
    EXPECT_EQ(plan(directory).at("merges"), GgufWritable(Texts{"a b", "Ġ ab"}));
    for (const json::value& wrong :
         {json::value("ab"), json::value("a b c"), json::value(" b"), json::value("a "),
          json::value{"a"}, json::value{"a", 7}, json::value(7), json::value{"a", ""}}) {
        model_of(directory)["merges"] = json::array{"a b", wrong};
        check_corrupt(directory, "merge 1 is no pair");
    }
    model_of(directory)["merges"] = {"b a"};
    check_corrupt(directory, "merge 0 makes no token of the vocabulary");
    model_of(directory)["merges"] = 7;
    check_corrupt(directory, "has no merges");
}

TEST(TokenizerPlanTest, what_looks_special_is_special) {
    ModelDirectory directory = tiny_directory("qwen2");
    add_token(directory, R"({"id": 11, "content": "<|fim_prefix|>", "special": false})");
    add_token(directory, R"({"id": 12, "content": "<｜fim▁hole｜>", "special": false})");
    const Entries entries = plan(directory);
    EXPECT_EQ(type_of(entries, 11), TokenType::control);
    EXPECT_EQ(type_of(entries, 12), TokenType::control);
}

TEST(TokenizerPlanTest, merges_with_bytes_to_fall_back_on_become_sentence_piece) {
    const Entries entries = plan(tiny_directory("llama"));
    EXPECT_EQ(entries.at("model"), GgufWritable(std::string("llama")));
    EXPECT_EQ(entries.at("pre"), GgufWritable(std::string("default")));
    EXPECT_EQ(entries.at("add_space_prefix"), GgufWritable(true));
    EXPECT_EQ(type_of(entries, 0), TokenType::unknown);
    EXPECT_EQ(type_of(entries, 1), TokenType::control);
    EXPECT_EQ(text_of(entries, 3 + 0x0a), "<0x0A>");
    EXPECT_EQ(type_of(entries, 3 + 0x0a), TokenType::byte);
    EXPECT_EQ(type_of(entries, 264), TokenType::normal);
    // The rank of its first merge; what no merge makes comes last.
    EXPECT_EQ(score_of(entries, 262), 0.0F);
    EXPECT_EQ(score_of(entries, 263), -1.0F);
    EXPECT_EQ(score_of(entries, 264), -2.0F);
    EXPECT_EQ(score_of(entries, 260), -4.0F);
    EXPECT_FALSE(entries.contains("merges"));
}

TEST(TokenizerPlanTest, merges_that_do_not_follow_from_the_vocabulary_are_refused) {
    ModelDirectory directory = tiny_directory("llama");
    model_of(directory)["merges"] = {"a b", "▁ a", "▁a b"};
    check_unsupported(directory, "the merges of the token \"▁ab\"");
    model_of(directory)["merges"] = {"▁ ab", "a b", "▁ a", "▁a b"};
    check_unsupported(directory, "the merges of the token \"▁ab\"");
    model_of(directory)["merges"] = {"▁ a", "▁a b", "▁ ab"};
    check_unsupported(directory, "the merges of the token \"ab\"");
    model_of(directory)["merges"] = {"a b", "▁ a", "▁a b", "▁ ab", "b a"};
    check_corrupt(directory, "merge 4 makes no token of the vocabulary");
    directory = tiny_directory("llama");
    // A character that is no token of its own would be merged all the same.
    vocabulary_of(directory)["bc"] = 265;
    check_unsupported(directory, "the merges of the token \"bc\"");
}

TEST(TokenizerPlanTest, spaces_before_texts_follow_the_normaliser) {
    const auto check = [](std::string_view normalizer, std::string_view pre_tokenizer,
                          bool every_part, bool the_text) {
        ModelDirectory directory = tiny_directory("llama");
        directory.tokenizer["normalizer"] = *parse_json(normalizer);
        directory.tokenizer["pre_tokenizer"] = *parse_json(pre_tokenizer);
        const Entries entries = plan(directory);
        EXPECT_EQ(entries.at("add_space_prefix"), GgufWritable(every_part));
        EXPECT_EQ(entries.contains("rbee.tokenizer.leading_space"), the_text);
    };
    const std::string_view replace =
        R"({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})";
    check(replace, "null", false, false);
    check(fmt::format(R"({{"type": "Sequence", "normalizers": [{}]}})", replace), "null", false,
          false);
    const auto metaspace = [](std::string_view scheme) {
        return fmt::format(R"({{"type": "Metaspace", "replacement": "▁", "split": false, {}}})",
                           scheme);
    };
    check("null", metaspace(R"("prepend_scheme": "always")"), true, false);
    check("null", metaspace(R"("prepend_scheme": "first")"), false, true);
    check("null", metaspace(R"("prepend_scheme": "never")"), false, false);
    check("null", metaspace(R"("add_prefix_space": true)"), true, false);
    check("null", metaspace(R"("add_prefix_space": false)"), false, false);
}

TEST(TokenizerPlanTest, other_normalisers_are_refused) {
    for (const std::string_view normalizer :
         {R"({"type": "NFKC"})", R"({"type": "Sequence", "normalizers": []})",
          R"({"type": "Sequence", "normalizers": [7]})", "null",
          R"({"type": "Replace", "pattern": {"String": " "}, "content": "_"})"}) {
        ModelDirectory directory = tiny_directory("llama");
        directory.tokenizer["normalizer"] = *parse_json(normalizer);
        check_unsupported(directory, "with byte_fallback");
    }
    ModelDirectory directory = tiny_directory("llama");
    directory.tokenizer["normalizer"] = nullptr;
    directory.tokenizer["pre_tokenizer"] =
        *parse_json(R"({"type": "Metaspace", "replacement": "▁"})");
    check_unsupported(directory, "with byte_fallback");  // It splits at spaces.
    directory = tiny_directory("qwen2");
    directory.tokenizer["normalizer"] = json_object(R"({"type": "Lowercase"})");
    check_unsupported(directory, "the normaliser Lowercase");
}

TEST(TokenizerPlanTest, all_bytes_are_there) {
    ModelDirectory directory = tiny_directory("llama");
    vocabulary_of(directory).erase("<0xFF>");
    check_corrupt(directory, "lacks the token <0xFF>");
}

TEST(TokenizerPlanTest, pieces_of_words_become_bert) {
    const Entries entries = plan(tiny_directory("bert"));
    EXPECT_EQ(entries.at("model"), GgufWritable(std::string("bert")));
    EXPECT_EQ(text_of(entries, 2), "[CLS]");
    EXPECT_EQ(type_of(entries, 2), TokenType::control);
    EXPECT_EQ(text_of(entries, 5), "▁a");
    EXPECT_EQ(text_of(entries, 7), "b");
    EXPECT_EQ(text_of(entries, 8), "▁ab");
    EXPECT_EQ(entries.at("normalizer.lowercase"), GgufWritable(true));
    EXPECT_EQ(entries.at("normalizer.strip_accents"), GgufWritable(true));
    ModelDirectory cased = tiny_directory("bert");
    cased.tokenizer["normalizer"].as_object()["lowercase"] = false;
    EXPECT_EQ(plan(cased).at("normalizer.lowercase"), GgufWritable(false));
    EXPECT_EQ(plan(cased).at("normalizer.strip_accents"), GgufWritable(false));
    cased.tokenizer["normalizer"].as_object()["strip_accents"] = true;
    EXPECT_EQ(plan(cased).at("normalizer.strip_accents"), GgufWritable(true));
}

TEST(TokenizerPlanTest, what_berts_tokeniser_does_in_libllama_cannot_be_changed) {
    for (const char* key : {"clean_text", "handle_chinese_chars"}) {
        ModelDirectory directory = tiny_directory("bert");
        directory.tokenizer["normalizer"].as_object()[key] = false;
        check_unsupported(directory, "BERT's own");
    }
    ModelDirectory directory = tiny_directory("bert");
    directory.tokenizer["pre_tokenizer"] = json_object(R"({"type": "Whitespace"})");
    check_unsupported(directory, "BERT's own");
    directory = tiny_directory("bert");
    model_of(directory)["continuing_subword_prefix"] = "@@";
    check_unsupported(directory, "##");
    directory = tiny_directory("bert");
    directory.tokenizer["post_processor"] = nullptr;
    check_unsupported(directory, "puts every text between [CLS] and [SEP]");
}

TEST(TokenizerPlanTest, a_token_that_would_be_there_twice_is_refused) {
    ModelDirectory directory = tiny_directory("bert");
    vocabulary_of(directory)["##▁a"] = 9;
    check_corrupt(directory, "the token \"▁a\" is twice in the vocabulary");
    directory = tiny_directory("qwen2");
    vocabulary_of(directory)["[PAD299]"] = 12;
    check_corrupt(directory, "the token \"[PAD299]\" is twice in the vocabulary");
}

TEST(TokenizerPlanTest, ids_are_within_the_vocabulary_and_of_one_token) {
    ModelDirectory directory = tiny_directory("qwen2");
    for (const json::value& id : {json::value(300), json::value(-1), json::value(1e3),
                                  json::value("1"), json::value(nullptr)}) {
        vocabulary_of(directory)["c"] = id;
        check_corrupt(directory, "the token \"c\" has no id below the 300");
    }
    vocabulary_of(directory)["c"] = 0;
    check_corrupt(directory, "has the id 0 of another");
    directory = tiny_directory("qwen2");
    add_token(directory, R"({"id": 0, "content": "<x>"})");
    check_corrupt(directory, "the token \"<x>\" has the id 0 of another");
    directory = tiny_directory("qwen2");
    add_token(directory, R"({"id": 12, "content": "<|im_end|>"})");
    check_corrupt(directory, "or two ids");
    for (const char* wrong : {R"({"id": 12})", R"({"content": "x"})",
                              R"({"id": 12, "content": ""})", R"({"id": "12", "content": "x"})"}) {
        directory = tiny_directory("qwen2");
        add_token(directory, wrong);
        check_corrupt(directory, "an added token has no id or no content");
    }
}

TEST(TokenizerPlanTest, an_added_token_beyond_the_models_rows_is_left_out) {
    ModelDirectory directory = tiny_directory("llama");
    add_token(directory, R"({"id": 300, "content": "<pad>", "special": true})");
    const Entries entries = plan(directory);
    EXPECT_EQ(text_of(entries, 299), "[PAD299]");
}

TEST(TokenizerPlanTest, tokens_that_take_white_space_away_are_refused_or_all_do_as_in_phi_3) {
    ModelDirectory directory = tiny_directory("qwen2");
    add_token(directory, R"({"id": 12, "content": "<x>", "rstrip": true})");
    check_unsupported(directory, "the token \"<x>\" takes white space beside it away");
    directory = tiny_directory("qwen2");
    add_token(directory, R"({"id": 12, "content": "<x>", "lstrip": true})");
    check_unsupported(directory, "the token \"<x>\" takes white space beside it away");
    directory = tiny_directory("qwen2");
    add_token(directory, R"({"id": 12, "content": "<x>", "single_word": true})");
    check_unsupported(directory, "the token \"<x>\" stands for whole words only");

    directory = tiny_directory("llama");
    json::array& added = directory.tokenizer["added_tokens"].as_array();
    added[2].as_object()["rstrip"] = true;  // </s>
    check_unsupported(directory, "the token \"</s>\"");
    add_token(directory, R"({"id": 270, "content": "<|endoftext|>", "special": true})");
    EXPECT_EQ(plan_tokenizer(directory, tiny_vocabulary)->stripping, Stripping::phi3);
    add_token(directory, R"({"id": 271, "content": "<|end|>", "special": true})");
    check_unsupported(directory, "the token \"</s>\"");
    EXPECT_EQ(plan_tokenizer(tiny_directory("llama"), tiny_vocabulary)->stripping, Stripping::none);
}

TEST(TokenizerPlanTest, other_kinds_of_tokenisers_are_named) {
    ModelDirectory directory = tiny_directory("llama");
    directory.tokenizer["model"] = json_object(R"({"type": "Unigram", "vocab": [["a", -1.5]]})");
    check_unsupported(directory, "the tokeniser Unigram is not supported");
    directory = tiny_directory("qwen2");
    model_of(directory)["end_of_word_suffix"] = "</w>";
    check_unsupported(directory, "end_of_word_suffix");
    model_of(directory)["end_of_word_suffix"] = nullptr;
    model_of(directory).erase("type");  // Older versions say none.
    EXPECT_EQ(plan(directory).at("model"), GgufWritable(std::string("gpt2")));
    for (const char* tokenizer : {"{}", R"({"model": 7})", R"({"model": null})"}) {
        directory.tokenizer = json_object(tokenizer);
        check_corrupt(directory, "has no model");
    }
    directory.tokenizer = json_object(R"({"model": {"type": "BPE", "vocab": {}, "merges": []}})");
    check_corrupt(directory, "has no vocabulary");
}

}  // namespace
}  // namespace worker
