#include "cpu/model_shape.h"

#include "tests/support/whole_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace cpu {
namespace {

using worker::GgufType;
using worker::GgufWriter;
using worker::whole_model;
using Is = worker::WholeModelSizes;

Result<ModelShape> shape_of(const GgufWriter& writer) {
    auto files = ModelFiles::read(worker::one_source(writer));
    EXPECT_TRUE(files.has_value()) << files.error().message;
    return read_shape(*files);
}

ModelShape known_shape_of(const GgufWriter& writer) {
    auto shape = shape_of(writer);
    EXPECT_TRUE(shape.has_value()) << shape.error().message;
    return shape ? *shape : ModelShape{};
}

struct Refusal {
    const char* name;
    std::function<void(GgufWriter&)> change;
    const char* key;  // that the message names
};

void check_refused(GgufWriter writer, const Refusal& refusal) {
    SCOPED_TRACE(refusal.name);
    refusal.change(writer);
    const auto shape = shape_of(writer);
    ASSERT_FALSE(shape);
    EXPECT_EQ(shape.error().code, worker::ErrorCode::model_unsupported);
    EXPECT_THAT(shape.error().message, testing::HasSubstr(refusal.key));
    EXPECT_THAT(shape.error().message, testing::Not(testing::HasSubstr("\n")));
}

TEST(ModelShapeTest, sizes_are_those_of_the_file) {
    for (const std::string_view family : worker::whole_model_families) {
        SCOPED_TRACE(family);
        const ModelShape shape = known_shape_of(whole_model(family));
        EXPECT_EQ(shape.architecture, family);
        EXPECT_EQ(shape.layers, Is::layers);
        EXPECT_EQ(shape.width, Is::width);
        EXPECT_EQ(shape.feed_forward, Is::feed_forward);
        EXPECT_EQ(shape.heads, Is::heads);
        EXPECT_EQ(shape.heads_kv, Is::heads_kv);
        EXPECT_EQ(shape.group(), 2U);
        EXPECT_EQ(shape.head_dim, Is::head_dim);
        EXPECT_EQ(shape.vocabulary, Is::vocabulary);
        EXPECT_EQ(shape.context_trained, Is::context);
        EXPECT_FLOAT_EQ(shape.epsilon, 1e-5F);
    }
}

TEST(ModelShapeTest, each_family_computes_in_its_own_way) {
    struct Family {
        const char* name;
        Norm norm;
        RotaryPairs pairs;
        bool parallel;
        bool gated;
    };
    const Family families[] = {
        {"llama", Norm::rms, RotaryPairs::neighbours, false, true},
        {"qwen2", Norm::rms, RotaryPairs::halves, false, true},
        {"qwen3", Norm::rms, RotaryPairs::halves, false, true},
        {"phi3", Norm::rms, RotaryPairs::halves, false, true},
        {"phi2", Norm::layer, RotaryPairs::halves, true, false},
    };
    for (const Family& family : families) {
        SCOPED_TRACE(family.name);
        const ModelShape shape = known_shape_of(whole_model(family.name));
        EXPECT_EQ(shape.norm, family.norm);
        EXPECT_EQ(shape.rotary.pairs, family.pairs);
        EXPECT_EQ(shape.parallel, family.parallel);
        EXPECT_EQ(shape.gated, family.gated);
    }
}

TEST(ModelShapeTest, what_a_file_does_not_say_has_the_libraries_defaults) {
    const ModelShape shape = known_shape_of(whole_model().without("llama.attention.head_count_kv"));
    EXPECT_EQ(shape.heads_kv, Is::heads);
    EXPECT_EQ(shape.window, 0U);
    EXPECT_EQ(shape.rotary.scaling, RotaryScaling::linear);
    EXPECT_EQ(shape.rotary.dimensions, Is::head_dim);
    EXPECT_EQ(shape.rotary.original_context, Is::context);
    EXPECT_EQ(shape.rotary.base, 10000);
    EXPECT_EQ(shape.rotary.factor, 1);
    EXPECT_EQ(shape.rotary.magnitude, 1);
}

TEST(ModelShapeTest, heads_may_have_a_width_of_their_own) {
    const ModelShape shape = known_shape_of(whole_model("qwen3")
                                                .u32("qwen3.attention.key_length", 128)
                                                .u32("qwen3.attention.value_length", 128)
                                                .u32("qwen3.rope.dimension_count", 64));
    EXPECT_EQ(shape.head_dim, 128U);
    EXPECT_EQ(shape.rotary.dimensions, 64U);
}

TEST(ModelShapeTest, windows_and_scaled_rotations_are_read) {
    const ModelShape shape =
        known_shape_of(whole_model()
                           .u32("llama.attention.sliding_window", 48)
                           .string("llama.rope.scaling.type", "yarn")
                           .f32("llama.rope.scaling.factor", 4)
                           .f32("llama.rope.scaling.attn_factor", 0.5F)
                           .f32("llama.rope.freq_base", 500000)
                           .u32("llama.rope.scaling.original_context_length", 32));
    EXPECT_EQ(shape.window, 48U);
    EXPECT_EQ(shape.rotary.scaling, RotaryScaling::yarn);
    EXPECT_EQ(shape.rotary.factor, 4);
    EXPECT_EQ(shape.rotary.magnitude, 0.5);
    EXPECT_EQ(shape.rotary.base, 500000);
    EXPECT_EQ(shape.rotary.original_context, 32U);
    const auto longrope = [](GgufWriter writer) {
        return known_shape_of(writer.string("phi3.rope.scaling.type", "longrope"));
    };
    EXPECT_EQ(longrope(whole_model("phi3")).rotary.scaling, RotaryScaling::longrope);
}

TEST(ModelShapeTest, a_scaling_of_none_has_no_factor) {
    const ModelShape shape = known_shape_of(whole_model()
                                                .string("llama.rope.scaling.type", "none")
                                                .f32("llama.rope.scaling.factor", 4));
    EXPECT_EQ(shape.rotary.factor, 1);
}

TEST(ModelShapeTest, what_it_does_not_compute_is_named) {
    const Refusal refusals[] = {
        {"another architecture", [](auto& w) { w.string("general.architecture", "mamba"); },
         "mamba"},
        {"no architecture", [](auto& w) { w.without("general.architecture"); }, "architecture"},
        {"two lines", [](auto& w) { w.string("general.architecture", "a\nb"); }, "a\\x0ab"},
        {"no embedding", [](auto& w) { w.without_tensor("token_embd.weight"); },
         "token_embd.weight"},
        {"an unknown key", [](auto& w) { w.u32("llama.expert_count", 8); }, "llama.expert_count"},
        {"an unknown scaling", [](auto& w) { w.string("llama.rope.scaling.type", "su"); },
         "llama.rope.scaling.type is su"},
    };
    for (const Refusal& refusal : refusals) check_refused(whole_model(), refusal);
    check_refused(whole_model("qwen2"),
                  {"a window where none is known",
                   [](auto& w) { w.u32("qwen2.attention.sliding_window", 64); },
                   "qwen2.attention.sliding_window"});
}

TEST(ModelShapeTest, sizes_that_do_not_fit_together_are_refused) {
    const Refusal refusals[] = {
        {"no multiple", [](auto& w) { w.u32("llama.attention.head_count_kv", 3); },
         "attention.head_count_kv"},
        {"more than heads", [](auto& w) { w.u32("llama.attention.head_count_kv", 4); },
         "attention.head_count_kv"},
        {"a narrow head", [](auto& w) { w.u32("llama.attention.key_length", 8); },
         "attention.key_length"},
        {"a wide head", [](auto& w) { w.u32("llama.attention.key_length", 272); },
         "attention.key_length"},
        {"more heads than width", [](auto& w) { w.u32("llama.attention.head_count", 100); },
         "attention."},
        {"values apart", [](auto& w) { w.u32("llama.attention.value_length", 64); },
         "attention.value_length"},
        {"an odd rotation", [](auto& w) { w.u32("llama.rope.dimension_count", 15); },
         "rope.dimension_count"},
        {"a rotation beyond the head", [](auto& w) { w.u32("llama.rope.dimension_count", 34); },
         "rope.dimension_count"},
        {"rows of broken blocks", [](auto& w) { w.u32("llama.feed_forward_length", 100); },
         "feed_forward_length"},
        {"a narrow stream",
         [](auto& w) { w.u32("llama.embedding_length", 48).u32("llama.attention.key_length", 32); },
         "embedding_length"},
        {"many layers", [](auto& w) { w.u32("llama.block_count", 513); }, "block_count"},
        {"many heads",
         [](auto& w) {
             w.u32("llama.attention.head_count", 1 << 22).u32("llama.attention.key_length", 32);
         },
         "attention.head_count is too large"},
    };
    for (const Refusal& refusal : refusals) check_refused(whole_model(), refusal);
}

TEST(ModelShapeTest, counts_are_whole_numbers_in_their_range) {
    for (const char* key :
         {"llama.block_count", "llama.embedding_length", "llama.feed_forward_length",
          "llama.context_length", "llama.attention.head_count", "llama.attention.head_count_kv",
          "llama.attention.key_length", "llama.attention.value_length",
          "llama.attention.sliding_window", "llama.rope.dimension_count",
          "llama.rope.scaling.original_context_length"}) {
        const Refusal refusals[] = {
            {"zero", [&](auto& w) { w.u32(key, 0); }, key},
            {"negative", [&](auto& w) { w.i32(key, -64); }, key},
            {"huge", [&](auto& w) { w.u32(key, std::numeric_limits<std::uint32_t>::max()); }, key},
            {"beyond", [&](auto& w) { w.u64(key, std::numeric_limits<std::uint64_t>::max()); },
             key},
            {"a fraction", [&](auto& w) { w.f32(key, 64); }, key},
            {"text", [&](auto& w) { w.string(key, "64"); }, key},
            {"one a layer",
             [&](auto& w) { w.template numbers<std::uint32_t>(key, GgufType::u32, {64, 64}); },
             key},
        };
        for (const Refusal& refusal : refusals) check_refused(whole_model(), refusal);
    }
}

TEST(ModelShapeTest, what_must_be_said_is_missed) {
    for (const char* key : {"llama.block_count", "llama.embedding_length",
                            "llama.feed_forward_length", "llama.context_length",
                            "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon"})
        check_refused(whole_model(), {key, [&](auto& w) { w.without(key); }, key});
}

TEST(ModelShapeTest, numbers_are_finite_and_not_negative) {
    for (const char* key : {"llama.attention.layer_norm_rms_epsilon", "llama.rope.freq_base",
                            "llama.rope.scaling.factor", "llama.rope.scaling.attn_factor"}) {
        const Refusal refusals[] = {
            {"negative", [&](auto& w) { w.f32(key, -2); }, key},
            {"no number", [&](auto& w) { w.f32(key, std::numeric_limits<float>::quiet_NaN()); },
             key},
            {"infinite", [&](auto& w) { w.f32(key, std::numeric_limits<float>::infinity()); }, key},
            {"whole", [&](auto& w) { w.u32(key, 2); }, key},
            {"text", [&](auto& w) { w.string(key, "2"); }, key},
        };
        for (const Refusal& refusal : refusals) check_refused(whole_model(), refusal);
    }
    for (const float base : {0.0F, 1.0F})
        check_refused(whole_model(), {"a base without slower pairs",
                                      [&](auto& w) { w.f32("llama.rope.freq_base", base); },
                                      "llama.rope.freq_base"});
    check_refused(whole_model(), {"scaling", [](auto& w) { w.u32("llama.rope.scaling.type", 1); },
                                  "llama.rope.scaling.type"});
}

}  // namespace
}  // namespace cpu
