#include "worker/hugging_face/conversion.h"

#include "tests/support/safetensors_writer.h"
#include "tests/support/temporary_file.h"
#include "worker/base/descriptor.h"
#include "worker/hugging_face/stored_numbers.h"
#include "worker/model_file/gguf.h"
#include "worker/model_file/half.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <iterator>
#include <numeric>

namespace worker {
namespace {

namespace fs = std::filesystem;
using Writer = SafeTensorsWriter;

// bfloat16 of small integers: their float's upper half.
std::string bfloats(const std::vector<float>& values) {
    std::vector<std::uint16_t> bits;
    for (const float value : values)
        bits.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
    return Writer::halves(bits);
}

std::vector<float> counted(std::size_t count) {
    std::vector<float> values(count);
    std::iota(values.begin(), values.end(), 0.0F);
    return values;
}

// Shards in memory, and the plan that is made from them.
class ConversionTest : public testing::Test {
protected:
    void add_shard(const Writer& writer) {
        texts_.push_back(std::make_unique<std::string>(writer.bytes()));
        shards_.push_back(std::make_unique<MemorySource>("shard.safetensors",
                                                         std::as_bytes(std::span(*texts_.back()))));
        auto tensors = read_safetensors_header(*shards_.back());
        for (SafeTensor& tensor : *tensors) {
            const std::string name = tensor.name;
            directory_.tensors.emplace(
                name, ModelDirectory::Place{shards_.size() - 1, std::move(tensor)});
        }
    }

    Result<void> convert(const ConversionProgress& progress = [](double) { return true; }) {
        layout_ = lay_out(plan_);
        const Descriptor file(
            ::open(file_.path().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        OutputFile output("copy", file.number());
        return write_gguf(
            {.directory = directory_, .plan = plan_, .layout = layout_, .shards = shards_}, output,
            progress);
    }

    // The bytes of a tensor of the file, found by the file's own header.
    std::string written(const std::string& name) {
        std::ifstream file(file_.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(file), {}};
        EXPECT_EQ(bytes.size(), layout_.file_bytes);
        const auto header = read_gguf_header(MemorySource("copy", std::as_bytes(std::span(bytes))));
        EXPECT_TRUE(header) << header.error().message;
        for (const GgufTensor& tensor : header->tensors)
            if (tensor.name == name) return bytes.substr(tensor.offset, tensor.bytes);
        ADD_FAILURE() << name << " is not in the file";
        return {};
    }

    ModelDirectory directory_;
    ConversionPlan plan_;
    std::vector<std::unique_ptr<std::string>> texts_;
    std::vector<std::unique_ptr<ByteSource>> shards_;
    GgufLayout layout_;
    const TemporaryFile file_{"conversion_test.gguf"};
};

TEST_F(ConversionTest, numbers_of_the_planned_type_are_copied) {
    add_shard(Writer().tensor({"a", "BF16", {2, 3}, bfloats(counted(6))}));
    add_shard(Writer()
                  .tensor({"b", "F32", {5}, Writer::floats(counted(5))})
                  .tensor({"c", "F16", {2, 2}, Writer::halves({0x3c00, 0xfc00, 0x7e01, 1})}));
    plan_.entries = {{"general.architecture", std::string("llama")}};
    plan_.tensors = {{.name = "c.weight", .type = ggml_f16, .shape = {2, 2}, .sources = {"c"}},
                     {.name = "a.weight", .type = ggml_bf16, .shape = {3, 2}, .sources = {"a"}},
                     {.name = "b.bias", .type = ggml_f32, .shape = {5}, .sources = {"b"}}};
    const auto converted = convert();
    ASSERT_TRUE(converted) << converted.error().message;
    EXPECT_EQ(written("a.weight"), bfloats(counted(6)));
    EXPECT_EQ(written("b.bias"), Writer::floats(counted(5)));
    EXPECT_EQ(written("c.weight"), Writer::halves({0x3c00, 0xfc00, 0x7e01, 1}));
}

TEST_F(ConversionTest, others_go_through_f32) {
    const std::vector<float> values{1.0F, -2.5F, 0.0F, 65504.0F};
    add_shard(Writer()
                  .tensor({"f", "F32", {4}, Writer::floats(values)})
                  .tensor({"h", "F16", {4}, Writer::halves({0x3c00, 0xc100, 0, 0x7bff})})
                  .tensor({"b", "BF16", {4}, bfloats({1.0F, -2.5F, 0.0F, 65536.0F})}));
    const auto planned = [](std::string source, std::uint32_t type) {
        return PlannedTensor{.name = source + std::to_string(type),
                             .type = type,
                             .shape = {4, 1},
                             .sources = {source}};
    };
    plan_.tensors = {planned("h", ggml_f32), planned("b", ggml_f32),  planned("f", ggml_f16),
                     planned("b", ggml_f16), planned("f", ggml_bf16), planned("h", ggml_bf16)};
    ASSERT_TRUE(convert());
    EXPECT_EQ(written("h0"), Writer::floats(values));
    EXPECT_EQ(written("b0"), Writer::floats({1.0F, -2.5F, 0.0F, 65536.0F}));
    EXPECT_EQ(written("f1"), Writer::halves({0x3c00, 0xc100, 0, 0x7bff}));
    EXPECT_EQ(written("b1"), Writer::halves({0x3c00, 0xc100, 0, 0x7c00}));
    EXPECT_EQ(written("f30"), bfloats({1.0F, -2.5F, 0.0F, 65536.0F}));
    EXPECT_EQ(written("h30"), written("f30"));
}

TEST_F(ConversionTest, sources_are_joined_and_values_written) {
    add_shard(Writer()
                  .tensor({"q", "F32", {2, 2}, Writer::floats({1, 2, 3, 4})})
                  .tensor({"k", "BF16", {1, 2}, bfloats({5, 6})}));
    plan_.tensors = {{.name = "qk", .type = ggml_f32, .shape = {2, 3}, .sources = {"q", "k"}},
                     {.name = "factors", .type = ggml_f32, .shape = {3}, .values = {7, 8, 9}}};
    ASSERT_TRUE(convert());
    EXPECT_EQ(written("qk"), Writer::floats({1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(written("factors"), Writer::floats({7, 8, 9}));
}

TEST_F(ConversionTest, the_rows_of_each_head_go_from_halves_to_neighbours) {
    // Two heads of four rows, two wide: row r holds 2r and 2r + 1.
    add_shard(Writer()
                  .tensor({"q", "F32", {8, 2}, Writer::floats(counted(16))})
                  .tensor({"bias", "BF16", {8}, bfloats(counted(8))}));
    const auto planned = [](const char* name, std::vector<std::uint64_t> shape) {
        return PlannedTensor{.name = std::string(name) + ".out",
                             .type = ggml_f32,
                             .shape = std::move(shape),
                             .sources = {name},
                             .order = RowOrder::rotary_pairs,
                             .heads = 2};
    };
    plan_.tensors = {planned("q", {2, 8}), planned("bias", {8})};
    ASSERT_TRUE(convert());
    EXPECT_EQ(written("bias.out"), Writer::floats({0, 2, 1, 3, 4, 6, 5, 7}));
    EXPECT_EQ(written("q.out"),
              Writer::floats({0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15}));
}

TEST_F(ConversionTest, large_tensors_go_in_pieces_and_progress_only_grows) {
    const std::vector<float> values = counted((3 << 20) + 5);  // 12 MiB, no whole pieces
    const std::uint64_t count = values.size();
    add_shard(Writer().tensor({"w", "F32", {count}, Writer::floats(values)}));
    plan_.tensors = {{.name = "same", .type = ggml_f32, .shape = {count}, .sources = {"w"}},
                     {.name = "half", .type = ggml_f16, .shape = {count, 1}, .sources = {"w"}}};
    std::vector<double> told;
    ASSERT_TRUE(convert([&](double fraction) {
        told.push_back(fraction);
        return true;
    }));
    EXPECT_EQ(written("same"), Writer::floats(values));
    std::string halves;
    for (const float value : values) halves += Writer::halves({half_of_float(value)});
    EXPECT_EQ(written("half"), halves);
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
    EXPECT_GE(told.size(), 4u);
    EXPECT_EQ(told.back(), 1.0);
}

TEST_F(ConversionTest, whoever_watches_may_give_it_up) {
    add_shard(Writer().tensor({"w", "F32", {8}}));
    plan_.tensors = {{.name = "w", .type = ggml_f32, .shape = {8}, .sources = {"w"}}};
    const auto converted = convert([](double) { return false; });
    ASSERT_FALSE(converted);
    EXPECT_EQ(converted.error().code, ErrorCode::cancelled);
}

TEST_F(ConversionTest, a_shard_that_was_cut_short_is_corrupt) {
    add_shard(Writer().tensor({"w\n", "F32", {8}}));
    plan_.tensors = {{.name = "w", .type = ggml_f32, .shape = {8}, .sources = {"w\n"}}};
    shards_[0] = std::make_unique<MemorySource>(
        "shard.safetensors", std::as_bytes(std::span(*texts_[0])).first(texts_[0]->size() - 1));
    const auto converted = convert();
    ASSERT_FALSE(converted);
    EXPECT_EQ(converted.error().code, ErrorCode::model_corrupt);
    EXPECT_EQ(converted.error().message,
              "shard.safetensors: ends in the middle of tensor \"w\\x0a\"; it was changed while it "
              "was read");
}

TEST(OutputFileTest, a_full_disk_is_told) {
    const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    if (!full.is_open()) GTEST_SKIP() << "there is no /dev/full";
    OutputFile output("copy", full.number());
    ASSERT_TRUE(output.append("some bytes"));
    EXPECT_EQ(output.bytes(), 10u);
    const auto flushed = output.flush();
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.error().code, ErrorCode::insufficient_resources);
    EXPECT_EQ(flushed.error().message, "copy: writing failed: No space left on device");
}

}  // namespace
}  // namespace worker
