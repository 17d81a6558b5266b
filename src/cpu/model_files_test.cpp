#include "cpu/model_files.h"

#include "tests/support/whole_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>

namespace cpu {
namespace {

using worker::GgufWriter;

std::string bytes_of(std::initializer_list<float> values) {
    std::string bytes;
    for (const float value : values) bytes += GgufWriter::number(value);
    return bytes;
}

GgufWriter shard(const std::string& tensor, std::initializer_list<float> values) {
    GgufWriter writer;
    writer.string("general.name", tensor);
    writer.tensor({.name = tensor, .shape = {values.size()}, .data = bytes_of(values)});
    return writer;
}

Result<ModelFiles> two_shards() {
    auto sources = worker::one_source(shard("first", {1, 2}));
    sources.push_back(std::make_unique<worker::OwnedSource>(shard("second", {3, 4, 5}).bytes()));
    return ModelFiles::read(std::move(sources));
}

TEST(ModelFilesTest, tensors_are_found_in_whichever_file_they_are) {
    const auto files = two_shards();
    ASSERT_TRUE(files);
    EXPECT_THAT(files->names(), testing::UnorderedElementsAre("first", "second"));
    EXPECT_EQ(*files->floats(*files->find("first")), (std::vector<float>{1, 2}));
    EXPECT_EQ(*files->floats(*files->find("second")), (std::vector<float>{3, 4, 5}));
    EXPECT_EQ(files->find("third"), nullptr);
}

TEST(ModelFilesTest, the_first_files_header_is_the_models) {
    const auto files = two_shards();
    ASSERT_TRUE(files);
    EXPECT_EQ(*files->header().text("general.name"), "first");
}

TEST(ModelFilesTest, a_part_of_a_tensor_is_read_from_any_place) {
    const auto files = two_shards();
    ASSERT_TRUE(files);
    std::array<std::byte, 4> bytes{};
    ASSERT_TRUE(files->read(*files->find("second"), 4, bytes));
    EXPECT_EQ(std::bit_cast<float>(bytes), 4);
}

TEST(ModelFilesTest, a_header_that_cannot_be_read_is_an_error) {
    auto sources = worker::one_source(shard("first", {1, 2}));
    sources.push_back(std::make_unique<worker::OwnedSource>("GGUF"));
    const auto files = ModelFiles::read(std::move(sources));
    ASSERT_FALSE(files);
    EXPECT_EQ(files.error().code, worker::ErrorCode::model_corrupt);
}

TEST(ModelFilesTest, a_file_that_is_not_there_is_an_error) {
    const auto files = ModelFiles::open({"/no/such/model.gguf"});
    ASSERT_FALSE(files);
    EXPECT_EQ(files.error().code, worker::ErrorCode::model_not_found);
}

}  // namespace
}  // namespace cpu
