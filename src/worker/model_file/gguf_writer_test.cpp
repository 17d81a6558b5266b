#include "worker/model_file/gguf_writer.h"

#include "worker/model_file/gguf.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using Text = std::string;

// The file with nothing but zeros in its tensors.
std::string file_of(const GgufLayout& layout) {
    std::string file = layout.header;
    file.resize(layout.file_bytes, '\0');
    return file;
}

Result<GgufHeader> read(const std::string& bytes) {
    return read_gguf_header(MemorySource("m.gguf", std::as_bytes(std::span(bytes))));
}

TEST(GgufWriterTest, every_kind_of_value_is_read_as_it_was_written) {
    const std::vector<GgufEntry> entries{
        {"u32", std::uint32_t{4'000'000'000}},
        {"i32", std::int32_t{-5}},
        {"f32", 1.5F},
        {"yes", true},
        {"no", false},
        {"text", Text("a \"text\"\n")},
        {"u32s", std::vector<std::uint32_t>{1, 4'000'000'000}},
        {"i32s", std::vector<std::int32_t>{-1, 0, 1}},
        {"f32s", std::vector<float>{0.5F, -2}},
        {"texts", std::vector<Text>{"one", "", "three"}},
        {"none", std::vector<Text>{}},
    };
    const GgufLayout layout = lay_out_gguf(entries, {});
    EXPECT_EQ(layout.file_bytes, layout.header.size());
    const auto header = read(file_of(layout));
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_EQ(header->version, 3u);
    EXPECT_EQ(header->values.size(), entries.size());
    EXPECT_EQ(header->integer("u32"), 4'000'000'000);
    EXPECT_EQ(header->integer("i32"), -5);
    EXPECT_EQ(header->number("f32"), 1.5);
    EXPECT_EQ(header->boolean("yes"), true);
    EXPECT_EQ(header->boolean("no"), false);
    EXPECT_EQ(*header->text("text"), "a \"text\"\n");
    EXPECT_EQ(header->array("u32s")->integers, (std::vector<std::int64_t>{1, 4'000'000'000}));
    EXPECT_EQ(header->array("i32s")->integers, (std::vector<std::int64_t>{-1, 0, 1}));
    EXPECT_EQ(header->array("f32s")->type, GgufType::f32);
    EXPECT_EQ(header->array("f32s")->count, 2u);
    const GgufArray* texts = header->array("texts");
    EXPECT_EQ(texts->type, GgufType::string);
    EXPECT_EQ(texts->count, 3u);
    EXPECT_EQ(layout.header.substr(texts->offset, 11), Text("\3\0\0\0\0\0\0\0one", 11));
    EXPECT_EQ(header->array("none")->count, 0u);
}

TEST(GgufWriterTest, tensors_lie_where_the_layout_says) {
    const std::vector<GgufEntry> entries{{"general.architecture", Text("llama")}};
    const std::vector<GgufTensorEntry> tensors{
        {"norm", 0, {5}}, {"matrix", 30, {3, 7}}, {"halves", 1, {64, 1}}, {"blocks", 8, {32, 2}}};
    const GgufLayout layout = lay_out_gguf(entries, tensors);
    const auto header = read(file_of(layout));
    ASSERT_TRUE(header) << header.error().message;
    ASSERT_EQ(header->tensors.size(), 4u);
    const std::uint64_t bytes[] = {20, 42, 128, 68};
    std::uint64_t end = layout.header.size();
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(header->tensors[i].name, tensors[i].name);
        EXPECT_EQ(header->tensors[i].type->id, tensors[i].type);
        EXPECT_EQ(header->tensors[i].offset, layout.places[i].offset);
        EXPECT_EQ(header->tensors[i].bytes, bytes[i]);
        EXPECT_EQ(layout.places[i].bytes, bytes[i]);
        EXPECT_EQ(layout.places[i].offset % 32, 0u);
        EXPECT_GE(layout.places[i].offset, end);
        EXPECT_LT(layout.places[i].offset, end + 32);
        end = layout.places[i].offset + bytes[i];
    }
    EXPECT_EQ(layout.file_bytes % 32, 0u);
    EXPECT_LT(layout.file_bytes, end + 32);
}

}  // namespace
}  // namespace worker
