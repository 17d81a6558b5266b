#include "worker/hugging_face/tensor_names.h"

#include "tests/support/model_directory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace worker {
namespace {

using Tensors = std::map<std::string, PlannedTensor>;

Result<std::vector<PlannedTensor>> try_plan(const ModelDirectory& directory) {
    const auto config = read_model_config(directory);
    EXPECT_TRUE(config) << config.error().message;
    return plan_tensors(directory, *config);
}

Tensors plan(const ModelDirectory& directory) {
    const auto planned = try_plan(directory);
    EXPECT_TRUE(planned) << planned.error().message;
    Tensors tensors;
    for (const PlannedTensor& tensor : planned.value_or(std::vector<PlannedTensor>()))
        EXPECT_TRUE(tensors.emplace(tensor.name, tensor).second) << tensor.name;
    return tensors;
}

// "source -> type [shape] heads"
std::string line(const PlannedTensor& tensor) {
    const std::string heads = tensor.order == RowOrder::rotary_pairs
                                  ? fmt::format(" pairs of {}", tensor.heads)
                                  : std::string();
    return fmt::format("{} -> {} {}{}", fmt::join(tensor.sources, "+"), tensor.type, tensor.shape,
                       heads);
}

void check_tensor(const Tensors& tensors, const std::string& name, const std::string& expected) {
    ASSERT_TRUE(tensors.contains(name)) << name;
    EXPECT_EQ(line(tensors.at(name)), expected) << name;
}

void check_refused(const ModelDirectory& directory, ErrorCode code, const std::string& message) {
    const auto planned = try_plan(directory);
    ASSERT_FALSE(planned);
    EXPECT_EQ(planned.error().code, code);
    EXPECT_EQ(planned.error().message, message);
}

TEST(TensorNamesTest, every_weight_of_every_family_has_a_place) {
    for (const std::string_view family : directory_families) {
        SCOPED_TRACE(family);
        const ModelDirectory directory = tiny_directory(family);
        std::set<std::string> used;
        for (const auto& [name, tensor] : plan(directory))
            used.insert(tensor.sources.begin(), tensor.sources.end());
        for (const auto& [name, place] : directory.tensors)
            EXPECT_TRUE(used.contains(name) || name.starts_with("pooler.")) << name;
    }
}

TEST(TensorNamesTest, llama_rotates_neighbours_so_that_rows_change_places) {
    ModelDirectory directory = tiny_directory("llama");
    add_weight(directory, "model.layers.1.self_attn.q_proj.bias", {64});
    const Tensors tensors = plan(directory);
    check_tensor(tensors, "token_embd.weight", "model.embed_tokens.weight -> 30 [64, 300]");
    check_tensor(tensors, "output.weight", "lm_head.weight -> 30 [64, 300]");
    check_tensor(tensors, "output_norm.weight", "model.norm.weight -> 0 [64]");
    check_tensor(tensors, "blk.0.attn_q.weight",
                 "model.layers.0.self_attn.q_proj.weight -> 30 [64, 64] pairs of 4");
    check_tensor(tensors, "blk.1.attn_q.bias",
                 "model.layers.1.self_attn.q_proj.bias -> 0 [64] pairs of 4");
    check_tensor(tensors, "blk.1.attn_k.weight",
                 "model.layers.1.self_attn.k_proj.weight -> 30 [64, 32] pairs of 2");
    check_tensor(tensors, "blk.1.attn_v.weight",
                 "model.layers.1.self_attn.v_proj.weight -> 30 [64, 32]");
    check_tensor(tensors, "blk.1.attn_output.weight",
                 "model.layers.1.self_attn.o_proj.weight -> 30 [64, 64]");
    check_tensor(tensors, "blk.0.ffn_down.weight",
                 "model.layers.0.mlp.down_proj.weight -> 30 [96, 64]");
    check_tensor(tensors, "blk.0.ffn_norm.weight",
                 "model.layers.0.post_attention_layernorm.weight -> 0 [64]");
    EXPECT_EQ(tensors.size(), 22u);
}

TEST(TensorNamesTest, other_families_keep_their_rows) {
    for (const char* family : {"qwen2", "qwen3", "phi3", "phi2", "bert"})
        for (const auto& [name, tensor] : plan(tiny_directory(family)))
            EXPECT_EQ(tensor.order, RowOrder::as_is) << family << " " << name;
    const Tensors qwen3 = plan(tiny_directory("qwen3"));
    check_tensor(qwen3, "blk.1.attn_q_norm.weight",
                 "model.layers.1.self_attn.q_norm.weight -> 0 [32]");
    check_tensor(qwen3, "blk.1.attn_output.weight",
                 "model.layers.1.self_attn.o_proj.weight -> 30 [128, 64]");
    const Tensors phi3 = plan(tiny_directory("phi3"));
    check_tensor(phi3, "blk.0.attn_qkv.weight",
                 "model.layers.0.self_attn.qkv_proj.weight -> 30 [64, 128]");
    check_tensor(phi3, "blk.0.ffn_up.weight",
                 "model.layers.0.mlp.gate_up_proj.weight -> 30 [64, 192]");
    const Tensors phi2 = plan(tiny_directory("phi2"));
    check_tensor(phi2, "output.bias", "lm_head.bias -> 0 [300]");
    check_tensor(phi2, "blk.1.ffn_up.bias", "model.layers.1.mlp.fc1.bias -> 0 [96]");
}

TEST(TensorNamesTest, what_is_added_to_an_encoders_embeddings_is_f32) {
    const Tensors tensors = plan(tiny_directory("bert"));
    check_tensor(tensors, "token_types.weight",
                 "embeddings.token_type_embeddings.weight -> 0 [64, 2]");
    check_tensor(tensors, "position_embd.weight",
                 "embeddings.position_embeddings.weight -> 0 [64, 256]");
    check_tensor(tensors, "token_embd.weight", "embeddings.word_embeddings.weight -> 30 [64, 300]");
    check_tensor(tensors, "token_embd_norm.bias", "embeddings.LayerNorm.bias -> 0 [64]");
    check_tensor(tensors, "blk.1.layer_output_norm.weight",
                 "encoder.layer.1.output.LayerNorm.weight -> 0 [64]");
    check_tensor(tensors, "blk.1.attn_output_norm.bias",
                 "encoder.layer.1.attention.output.LayerNorm.bias -> 0 [64]");
}

TEST(TensorNamesTest, names_may_have_a_prefix_or_none_and_norms_older_endings) {
    ModelDirectory bert = tiny_directory("bert");
    ModelDirectory::Place norm = bert.tensors.at("embeddings.LayerNorm.bias");
    norm.tensor.name = "embeddings.LayerNorm.beta";
    bert.tensors.erase("embeddings.LayerNorm.bias");
    bert.tensors["embeddings.LayerNorm.beta"] = norm;
    check_tensor(plan(bert), "token_embd_norm.bias", "embeddings.LayerNorm.beta -> 0 [64]");

    ModelDirectory llama = tiny_directory("llama");
    llama.config["architectures"] = {"LlamaModel"};
    decltype(llama.tensors) plain;
    for (auto [name, place] : llama.tensors) {
        if (name.starts_with("model.")) place.tensor.name.erase(0, 6);
        plain[place.tensor.name] = place;
    }
    llama.tensors = plain;
    const Tensors tensors = plan(llama);
    check_tensor(tensors, "token_embd.weight", "embed_tokens.weight -> 30 [64, 300]");
    EXPECT_FALSE(tensors.contains("output.weight"));
}

TEST(TensorNamesTest, a_tied_head_is_left_out_whether_it_is_there_or_not) {
    ModelDirectory directory = tiny_directory("qwen2");
    directory.config["tie_word_embeddings"] = true;
    EXPECT_FALSE(plan(directory).contains("output.weight"));
    directory.tensors.erase("lm_head.weight");
    EXPECT_FALSE(plan(directory).contains("output.weight"));
    directory.config["tie_word_embeddings"] = false;
    check_refused(directory, ErrorCode::model_corrupt,
                  "models/tiny: the tensor \"lm_head.weight\" is missing; get another copy of this "
                  "model");
}

TEST(TensorNamesTest, constants_are_no_weights) {
    ModelDirectory directory = tiny_directory("llama");
    const std::size_t tensors = plan(directory).size();
    add_weight(directory, "model.layers.#.self_attn.rotary_emb.inv_freq", {8});
    EXPECT_EQ(plan(directory).size(), tensors);
}

TEST(TensorNamesTest, a_tensor_without_a_place_is_named) {
    ModelDirectory directory = tiny_directory("llama");
    add_weight(directory, "model.layers.2.mlp.up_proj.weight", {96, 64});
    check_refused(directory, ErrorCode::model_unsupported,
                  "models/tiny/model.safetensors: the tensor \"model.layers.2.mlp.up_proj.weight\" "
                  "has no place in a model of the architecture \"llama\"; name a GGUF file of this "
                  "model instead");
    directory = tiny_directory("qwen2");
    add_weight(directory, "model.layers.0.self_attn.o_proj.bias", {64});
    EXPECT_FALSE(try_plan(directory));
    directory = tiny_directory("bert");
    add_weight(directory, "classifier.weight", {2, 64});
    EXPECT_FALSE(try_plan(directory));
}

TEST(TensorNamesTest, a_tensor_that_is_missing_or_of_another_shape_is_named) {
    ModelDirectory directory = tiny_directory("phi2");
    directory.tensors.erase("model.layers.1.mlp.fc2.bias");
    check_refused(directory, ErrorCode::model_corrupt,
                  "models/tiny: the tensor \"model.layers.1.mlp.fc2.bias\" is missing; get another "
                  "copy of this model");
    directory = tiny_directory("llama");
    add_weight(directory, "model.norm.weight", {63});
    check_refused(directory, ErrorCode::model_corrupt,
                  "models/tiny: the tensor \"model.norm.weight\" is 63, and 64 by config.json; get "
                  "another copy of this model");
    add_weight(directory, "model.embed_tokens.weight", {64, 300});
    check_refused(directory, ErrorCode::model_corrupt,
                  "models/tiny: the tensor \"model.embed_tokens.weight\" is 64 x 300, and 300 x 64 "
                  "by config.json; get another copy of this model");
}

TEST(TensorNamesTest, the_file_type_is_that_of_most_bytes) {
    const auto file_type = [](SafeTensorType type) {
        ModelDirectory directory = tiny_directory("llama");
        for (auto& [name, place] : directory.tensors)
            if (!name.starts_with("lm_head")) place.tensor.type = type;
        return file_type_of(try_plan(directory).value());
    };
    EXPECT_EQ(file_type(SafeTensorType::bf16), 32u);
    EXPECT_EQ(file_type(SafeTensorType::f16), 1u);
    EXPECT_EQ(file_type(SafeTensorType::f32), 0u);
    EXPECT_EQ(file_type_of({}), 0u);
}

}  // namespace
}  // namespace worker
