#include "cpu/weights.h"

#include "tests/support/whole_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>

namespace cpu {
namespace {

using worker::ErrorCode;
using worker::GgufWriter;
using worker::whole_model;
using Is = worker::WholeModelSizes;

ModelFiles files_of(const GgufWriter& writer) {
    auto files = ModelFiles::read(worker::one_source(writer));
    EXPECT_TRUE(files.has_value()) << files.error().message;
    return std::move(*files);
}

ModelShape shape_of(const ModelFiles& files) {
    auto shape = read_shape(files);
    EXPECT_TRUE(shape.has_value()) << shape.error().message;
    return *shape;
}

Result<void> check(const GgufWriter& writer) {
    const ModelFiles files = files_of(writer);
    return check_tensors(files, shape_of(files));
}

Result<Weights> load(const ModelFiles& files, const std::function<bool(double)>& progress) {
    ThreadTeam team(2);
    return load_weights(files, shape_of(files), team, progress);
}

std::uint32_t type_id(std::string_view name) {
    return worker::find_ggml_type(name)->id;
}

TEST(WeightsTest, every_family_is_taken_with_its_own_tensors) {
    for (const std::string_view family : worker::whole_model_families) {
        const Result<void> checked = check(whole_model(family));
        EXPECT_TRUE(checked) << family << ": " << checked.error().message;
    }
    EXPECT_TRUE(check(whole_model().without_tensor("output.weight"))) << "tied embeddings";
}

struct Refusal {
    const char* name;
    std::function<void(GgufWriter&)> change;
    const char* words;
};

// Puts a tensor in the place of another.
GgufWriter& replace(GgufWriter& writer, const char* tensor, std::vector<std::uint64_t> shape,
                    std::string_view type = "f32") {
    return writer.without_tensor(tensor).tensor(
        {.name = tensor, .shape = std::move(shape), .type = type_id(type)});
}

void check_refused(GgufWriter writer, const Refusal& refusal) {
    SCOPED_TRACE(refusal.name);
    refusal.change(writer);
    const Result<void> checked = check(writer);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ErrorCode::model_unsupported);
    EXPECT_THAT(checked.error().message, testing::HasSubstr(refusal.words));
    EXPECT_THAT(checked.error().message, testing::Not(testing::HasSubstr("\n")));
}

TEST(WeightsTest, every_tensor_that_is_missing_is_missed) {
    for (const std::string_view family : worker::whole_model_families) {
        const ModelFiles files = files_of(whole_model(family));
        for (const std::string_view name : files.names()) {
            // What a model may do without; the first names its vocabulary's size.
            if (name == "token_embd.weight" || name == "output.weight" ||
                name.starts_with("rope_factors") || (name.ends_with(".bias") && family == "qwen2"))
                continue;
            const Result<void> checked = check(whole_model(family).without_tensor(name));
            if (family == "phi2" && name.ends_with(".bias") && !name.ends_with("norm.bias"))
                EXPECT_TRUE(checked) << name;
            else
                EXPECT_FALSE(checked) << family << " " << name;
        }
    }
    check_refused(whole_model(),
                  {"by its name", [](auto& w) { w.without_tensor("blk.1.ffn_down.weight"); },
                   "without the tensor blk.1.ffn_down.weight"});
}

TEST(WeightsTest, what_nobody_would_read_is_not_ignored) {
    const Refusal refusals[] = {
        {"a further layer", [](auto& w) { replace(w, "blk.2.attn_norm.weight", {64}); },
         "blk.2.attn_norm.weight"},
        {"a further norm", [](auto& w) { replace(w, "blk.0.post_attention_norm.weight", {64}); },
         "blk.0.post_attention_norm.weight"},
        {"a norm's bias", [](auto& w) { replace(w, "output_norm.bias", {64}); },
         "output_norm.bias"},
        {"two lines", [](auto& w) { replace(w, "a\nb", {64}); }, "a\\x0ab"},
    };
    for (const Refusal& refusal : refusals) check_refused(whole_model(), refusal);
}

TEST(WeightsTest, shapes_are_those_that_the_keys_promise) {
    const Refusal refusals[] = {
        {"deep", [](auto& w) { replace(w, "blk.0.attn_q.weight", {96, 64}); },
         "blk.0.attn_q.weight of this shape"},
        {"few columns", [](auto& w) { replace(w, "blk.0.attn_q.weight", {64, 48}); },
         "blk.0.attn_q.weight of this shape"},
        {"many columns", [](auto& w) { replace(w, "blk.0.attn_q.weight", {64, 80}); },
         "blk.0.attn_q.weight of this shape"},
        {"three dimensions", [](auto& w) { replace(w, "blk.0.attn_q.weight", {64, 64, 2}); },
         "blk.0.attn_q.weight of this shape"},
        {"an output apart", [](auto& w) { replace(w, "output.weight", {64, 51}); },
         "output.weight of this shape"},
        {"a short norm", [](auto& w) { replace(w, "output_norm.weight", {32}); },
         "output_norm.weight of this shape"},
        {"a long norm", [](auto& w) { replace(w, "output_norm.weight", {96}); },
         "output_norm.weight of this shape"},
        {"a square norm", [](auto& w) { replace(w, "output_norm.weight", {8, 8}); },
         "output_norm.weight of this shape"},
        {"rotary factors", [](auto& w) { replace(w, "rope_freqs.weight", {32}); },
         "rope_freqs.weight of this shape"},
    };
    for (const Refusal& refusal : refusals) check_refused(whole_model(), refusal);
    const Refusal fused[] = {
        {"queries alone", [](auto& w) { replace(w, "blk.0.attn_qkv.weight", {64, 64}); },
         "blk.0.attn_qkv.weight of this shape"},
        {"one of two", [](auto& w) { replace(w, "blk.0.ffn_up.weight", {64, 96}); },
         "blk.0.ffn_up.weight of this shape"},
        {"a short bias", [](auto& w) { replace(w, "blk.0.attn_qkv.bias", {64}); },
         "blk.0.attn_qkv.bias of this shape"},
    };
    for (const Refusal& refusal : fused) check_refused(whole_model("phi3"), refusal);
}

TEST(WeightsTest, types_without_a_product_are_named) {
    // As wide as a block of these types.
    const auto wide = [](const char* type) {
        return [=](GgufWriter& w) {
            w.u32("llama.feed_forward_length", 256);
            for (const char* layer : {"blk.0.", "blk.1."}) {
                for (const char* part : {"ffn_gate.weight", "ffn_up.weight"})
                    replace(w, (std::string(layer) + part).c_str(), {64, 256});
                replace(w, (std::string(layer) + "ffn_down.weight").c_str(), {256, 64}, type);
            }
        };
    };
    for (const char* type : {"q2_k", "q3_k", "iq4_xs", "iq2_xxs"})
        check_refused(whole_model(), {type, wide(type), type});
    GgufWriter known = whole_model();
    wide("q4_k")(known);
    EXPECT_TRUE(check(known));
}

TEST(WeightsTest, columns_are_the_files_rows) {
    for (const std::string_view type : {"f32", "f16", "q8_0", "q4_0"}) {
        SCOPED_TRACE(type);
        const ModelFiles files = files_of(whole_model("phi3", type));
        const auto weights = load(files, [](double) { return true; });
        ASSERT_TRUE(weights) << weights.error().message;
        const auto check_rows = [&](const PackedMatrix& matrix, const char* name,
                                    std::uint32_t first) {
            const auto rows = files.floats(*files.find(name));
            std::vector<float> column(matrix.depth());
            for (std::uint32_t i = 0; i < matrix.columns(); ++i) {
                matrix.read_column(i, column.data());
                const float* const row = rows->data() + std::size_t{first + i} * matrix.depth();
                ASSERT_EQ(column, std::vector<float>(row, row + matrix.depth())) << name << i;
            }
        };
        const LayerWeights& layer = weights->layers[1];
        check_rows(layer.query.matrix, "blk.1.attn_qkv.weight", 0);
        check_rows(layer.key.matrix, "blk.1.attn_qkv.weight", 64);
        check_rows(layer.value.matrix, "blk.1.attn_qkv.weight", 96);
        check_rows(layer.gate.matrix, "blk.1.ffn_up.weight", 0);
        check_rows(layer.up.matrix, "blk.1.ffn_up.weight", Is::feed_forward);
        check_rows(weights->token_embedding, "token_embd.weight", 0);
        check_rows(weights->output.matrix, "output.weight", 0);
        EXPECT_EQ(layer.attention_norm.weight,
                  *files.floats(*files.find("blk.1.attn_norm.weight")));
        EXPECT_EQ(weights->rotary_factors_long,
                  *files.floats(*files.find("rope_factors_long.weight")));
    }
}

TEST(WeightsTest, progress_ends_at_all_and_gives_up_where_it_is_told_to) {
    const ModelFiles files = files_of(whole_model());
    double last = 0;
    ASSERT_TRUE(load(files, [&](double share) {
        EXPECT_GE(share, last);
        last = share;
        return true;
    }));
    EXPECT_EQ(last, 1);
    const auto given_up = load(files, [](double) { return false; });
    ASSERT_FALSE(given_up);
    EXPECT_EQ(given_up.error().code, ErrorCode::cancelled);
}

// A file that somebody cuts short once its header has been read.
class CutSource final : public worker::ByteSource {
public:
    CutSource(std::string bytes, const std::atomic<std::uint64_t>& end)
        : whole_(std::move(bytes)), end_(end) {}

    const std::string& name() const override { return whole_.name(); }
    std::uint64_t size() const override { return whole_.size(); }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> target) const override {
        const std::uint64_t end = end_;
        if (offset >= end) return std::size_t{0};
        return whole_.read_at(offset, target.first(std::min(target.size(), end - offset)));
    }

private:
    const worker::OwnedSource whole_;
    const std::atomic<std::uint64_t>& end_;
};

TEST(WeightsTest, a_file_cut_short_while_it_is_read_is_an_error) {
    const std::string bytes = whole_model().bytes();
    std::atomic<std::uint64_t> end = bytes.size();
    std::vector<std::unique_ptr<worker::ByteSource>> sources;
    sources.push_back(std::make_unique<CutSource>(bytes, end));
    const auto files = ModelFiles::read(std::move(sources));
    ASSERT_TRUE(files);
    const worker::GgufTensor& last = *files->find("output.weight");
    for (const std::uint64_t cut : {last.offset + last.bytes - 1, last.offset, std::uint64_t{0}}) {
        end = cut;
        const auto weights = load(*files, [](double) { return true; });
        ASSERT_FALSE(weights) << "cut at " << cut;
        EXPECT_EQ(weights.error().code, ErrorCode::model_corrupt);
        EXPECT_THAT(weights.error().message, testing::HasSubstr("m.gguf: ends in the middle of"));
    }
}

// Matrices of the shapes of a small model, whose last tile is not full.
TEST(WeightsTest, packed_weights_take_at_most_a_seventh_more_than_the_file) {
    struct Shape {
        std::uint32_t depth;
        std::uint32_t columns;
    };
    for (const std::string_view name : cpu_weight_types) {
        const worker::GgmlType& type = *worker::find_ggml_type(name);
        for (const Shape shape : {Shape{576, 576}, {576, 192}, {576, 1536}, {1536, 576}}) {
            if (!can_pack(type, shape.depth)) continue;
            const double file_bytes = static_cast<double>(shape.depth) / type.block_elements *
                                      type.block_bytes * shape.columns;
            EXPECT_LE(PackedMatrix::bytes_of(type, shape.depth, shape.columns), 1.15 * file_bytes)
                << name << " " << shape.depth << " " << shape.columns;
        }
    }
}

TEST(WeightsTest, all_matrices_lie_in_the_memory_that_was_promised_for_them) {
    for (const std::string_view type : {"q4_0", "q8_0", "f16"}) {
        const ModelFiles files = files_of(whole_model("llama", type));
        std::size_t promised = 0;
        for (const std::string_view name : files.names()) {
            const worker::GgufTensor& tensor = *files.find(name);
            if (tensor.dimensions == 2)
                promised += PackedMatrix::bytes_of(*tensor.type,
                                                   static_cast<std::uint32_t>(tensor.shape[0]),
                                                   static_cast<std::uint32_t>(tensor.shape[1]));
        }
        const auto weights = load(files, [](double) { return true; });
        ASSERT_TRUE(weights);
        EXPECT_EQ(weights->memory.size(), promised);
    }
}

}  // namespace
}  // namespace cpu
