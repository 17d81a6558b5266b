#include "worker/hugging_face/model_directory.h"

#include "tests/support/model_directory.h"
#include "tests/support/safetensors_writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace worker {
namespace {

namespace fs = std::filesystem;

class ModelDirectoryTest : public testing::Test {
protected:
    ModelDirectoryTest() {
        std::string name = (fs::temp_directory_path() / "model_directory_test.XXXXXX").string();
        root_ = ::mkdtemp(name.data());
        write("config.json", R"({"hidden_size": 64})");
        write("tokenizer.json", R"({"model": {}})");
    }
    ~ModelDirectoryTest() override { fs::remove_all(root_); }

    void write(const fs::path& name, std::string_view text) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name, std::ios::binary) << text;
    }
    void write_shard(const std::string& name, const std::vector<std::string>& tensors) {
        SafeTensorsWriter writer;
        for (const std::string& tensor : tensors) writer.tensor({tensor, "BF16", {2, 4}});
        writer.write_to(root_ / name);
    }
    void write_single() { write_shard("model.safetensors", {"a", "b"}); }
    void write_index(const std::string& map) {
        write("model.safetensors.index.json", R"({"weight_map": )" + map + "}");
    }

    ModelDirectory open() {
        auto directory = open_model_directory(root_);
        EXPECT_TRUE(directory) << directory.error().message;
        return directory ? std::move(*directory) : ModelDirectory();
    }
    void check_refused(ErrorCode code, const std::string& words) {
        const auto directory = open_model_directory(root_);
        ASSERT_FALSE(directory) << words;
        const std::string& message = directory.error().message;
        EXPECT_EQ(directory.error().code, code) << message;
        EXPECT_TRUE(message.starts_with(root_.native())) << message;
        EXPECT_NE(message.find(words), std::string::npos) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }

    fs::path root_;
};

TEST_F(ModelDirectoryTest, a_single_file_holds_all_tensors) {
    write_single();
    const ModelDirectory directory = open();
    EXPECT_EQ(directory.path, root_);
    EXPECT_EQ(directory.config.at("hidden_size").as_int64(), 64);
    EXPECT_EQ(directory.shards, std::vector<fs::path>{root_ / "model.safetensors"});
    ASSERT_EQ(directory.tensors.size(), 2u);
    EXPECT_EQ(directory.tensors.at("b").shard, 0u);
    EXPECT_EQ(directory.tensors.at("b").tensor.shape, (std::vector<std::uint64_t>{2, 4}));
    EXPECT_TRUE(directory.tokenizer_config.empty());
    EXPECT_FALSE(directory.sentence_transformer);
}

TEST_F(ModelDirectoryTest, an_index_names_the_shards) {
    write_shard("model-1.safetensors", {"a", "b"});
    write_shard("model-2.safetensors", {"c"});
    write_index(R"({"c": "model-2.safetensors", "a": "model-1.safetensors",
                    "b": "model-1.safetensors", "position_ids": "model-2.safetensors"})");
    const ModelDirectory directory = open();
    ASSERT_EQ(directory.shards.size(), 2u);
    EXPECT_EQ(directory.tensors.at("a").shard, 0u);
    EXPECT_EQ(directory.shards[directory.tensors.at("c").shard].filename(), "model-2.safetensors");
}

TEST_F(ModelDirectoryTest, what_is_missing_is_named) {
    check_refused(ErrorCode::model_not_found, "holds neither model.safetensors nor");
    write_single();
    fs::remove(root_ / "tokenizer.json");
    write("tokenizer.model", "x");
    check_refused(ErrorCode::model_not_found,
                  "tokenizer.json: there is no such file; save the "
                  "tokeniser with transformers");
    fs::remove(root_ / "config.json");
    check_refused(ErrorCode::model_not_found, "config.json: there is no such file");
}

TEST_F(ModelDirectoryTest, a_shard_that_is_missing_is_named) {
    write_shard("model-1.safetensors", {"a"});
    write_index(R"({"a": "model-1.safetensors", "b": "model-2.safetensors"})");
    check_refused(ErrorCode::model_not_found,
                  "model-2.safetensors: there is no such file; model.safetensors.index.json names "
                  "it among the 2 files of the model");
}

TEST_F(ModelDirectoryTest, shards_lie_in_the_directory) {
    for (const char* name : {"../model.safetensors", "/model.safetensors", "a/b.safetensors",
                             "model\\u0000.safetensors", "model.bin", "", ".."}) {
        write_index(fmt::format(R"({{"a": "{}"}})", name));
        check_refused(ErrorCode::model_corrupt, "is no plain name that ends in .safetensors");
    }
    write_index(R"({"a": 7})");
    check_refused(ErrorCode::model_corrupt, "is no plain name");
    for (const char* map : {"{}", "[]", "null"}) {
        write_index(map);
        check_refused(ErrorCode::model_corrupt, "weight_map names no tensor");
    }
}

TEST_F(ModelDirectoryTest, an_index_and_its_shards_agree) {
    write_shard("model-1.safetensors", {"a"});
    write_shard("model-2.safetensors", {"a"});
    write_index(R"({"a": "model-1.safetensors", "b": "model-1.safetensors"})");
    check_refused(ErrorCode::model_corrupt,
                  "model-1.safetensors: the tensor \"b\", which model.safetensors.index.json finds "
                  "here, is missing");
    write_index(R"({"a": "model-1.safetensors", "b": "model-2.safetensors"})");
    check_refused(ErrorCode::model_corrupt, "the tensor \"a\" is in an earlier file too");
}

TEST_F(ModelDirectoryTest, json_that_is_none_is_corrupt) {
    write_single();
    for (const char* name :
         {"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"}) {
        SCOPED_TRACE(name);
        write(name, "{\"a\": 1,\n}");
        check_refused(ErrorCode::model_corrupt, std::string(name) + ": line 2, column ");
        write(name, "[]");
        check_refused(ErrorCode::model_corrupt, std::string(name) + ": holds no JSON object");
        write(name, "{}");
    }
    write("model.safetensors", "nothing of the kind");
    check_refused(ErrorCode::model_corrupt, "model.safetensors: ");
}

TEST_F(ModelDirectoryTest, chat_templates_come_from_their_own_file_first) {
    write_single();
    EXPECT_FALSE(open().chat_template);
    write("tokenizer_config.json", R"({"chat_template": "in the settings"})");
    EXPECT_EQ(open().chat_template, "in the settings");
    write("tokenizer_config.json", R"({"chat_template": [
        {"name": "default", "template": "usual"}, {"name": "tool_use", "template": "tools"}]})");
    EXPECT_EQ(open().chat_template, "usual");
    EXPECT_EQ(open().named_templates.at("tool_use"), "tools");
    write("chat_template.jinja", "of its own\n");
    EXPECT_EQ(open().chat_template, "of its own\n");
    write("chat_template.jinja", "\xff");
    check_refused(ErrorCode::model_corrupt, "chat_template.jinja: is no UTF-8");
    fs::remove(root_ / "chat_template.jinja");
    write("tokenizer_config.json", R"({"chat_template": [{"name": "default"}]})");
    check_refused(ErrorCode::model_corrupt, "a chat template has no name or no text");
}

TEST_F(ModelDirectoryTest, the_map_of_special_tokens_fills_gaps) {
    write_single();
    write("tokenizer_config.json", R"({"bos_token": "<s>"})");
    write("special_tokens_map.json", R"({"bos_token": "<other>", "eos_token": "</s>"})");
    EXPECT_EQ(open().tokenizer_config.at("bos_token").as_string(), "<s>");
    EXPECT_EQ(open().tokenizer_config.at("eos_token").as_string(), "</s>");
}

TEST_F(ModelDirectoryTest, modules_make_an_embedding_model) {
    write_single();
    write("modules.json", R"([{"path": "", "type": "sentence_transformers.models.Transformer"},
                              {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
                              {"path": "2", "type": "sentence_transformers.models.Normalize"}])");
    check_refused(ErrorCode::model_not_found, "1_Pooling/config.json");
    const std::pair<const char*, Pooling> poolings[] = {
        {R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})", Pooling::first},
        {R"({"pooling_mode_mean_tokens": true})", Pooling::mean},
        {R"({"pooling_mode_lasttoken": true, "include_prompt": true})", Pooling::last},
        {R"({"pooling_mode": "mean"})", Pooling::mean}};
    for (const auto& [json, pooling] : poolings) {
        write("1_Pooling/config.json", json);
        EXPECT_EQ(open().sentence_transformer.value().pooling, pooling) << json;
    }
    EXPECT_FALSE(open().sentence_transformer->lower_case);
    write("sentence_bert_config.json", R"({"max_seq_length": 256, "do_lower_case": true})");
    EXPECT_TRUE(open().sentence_transformer->lower_case);
}

TEST_F(ModelDirectoryTest, other_poolings_and_modules_are_named) {
    write_single();
    write("modules.json",
          R"([{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
    const std::pair<const char*, const char*> unsupported[] = {
        {R"({"pooling_mode_max_tokens": true})", "the pooling \"pooling_mode_max_tokens\""},
        {R"({"pooling_mode": "weightedmean"})", "the pooling \"weightedmean\""},
        {R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})",
         "several poolings"}};
    for (const auto& [json, words] : unsupported) {
        write("1_Pooling/config.json", json);
        check_refused(ErrorCode::model_unsupported, words);
    }
    write("1_Pooling/config.json", "{}");
    check_refused(ErrorCode::model_corrupt, "names no pooling");
    write("modules.json", R"([{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}])");
    check_refused(ErrorCode::model_unsupported, "the module \"Dense\"");
    for (const char* path : {"../a", "..", "/a"}) {
        write("modules.json", fmt::format(R"([{{"path": "{}", "type": "Pooling"}}])", path));
        check_refused(ErrorCode::model_corrupt, "leads elsewhere");
    }
    write("modules.json", "{}");
    check_refused(ErrorCode::model_corrupt, "holds no list of modules");
}

}  // namespace
}  // namespace worker
