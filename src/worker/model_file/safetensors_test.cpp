#include "worker/model_file/safetensors.h"

#include "tests/support/safetensors_writer.h"

#include <gtest/gtest.h>

#include <random>

namespace worker {
namespace {

Result<std::vector<SafeTensor>> read(const std::string& bytes) {
    return read_safetensors_header(MemorySource("m.safetensors", std::as_bytes(std::span(bytes))));
}

void check_refused(const std::string& bytes, ErrorCode code, const std::string& words) {
    const auto tensors = read(bytes);
    ASSERT_FALSE(tensors) << words;
    const std::string& message = tensors.error().message;
    EXPECT_EQ(tensors.error().code, code) << message;
    EXPECT_NE(message.find(words), std::string::npos) << message;
    EXPECT_TRUE(message.starts_with("m.safetensors: ")) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

void check_corrupt(const std::string& bytes, const std::string& words) {
    check_refused(bytes, ErrorCode::model_corrupt, words);
}

SafeTensorsWriter two_tensors() {
    SafeTensorsWriter writer;
    writer.metadata(R"({"format":"pt"})");
    writer.tensor({"b", "BF16", {3, 2}}).tensor({"a.weight", "F32", {2}});
    return writer;
}

constexpr std::uint64_t huge = ~std::uint64_t{0};

TEST(SafeTensorsTest, reads_what_was_written) {
    const std::string bytes =
        two_tensors().tensor({"scalar", "F16", {}}).tensor({"nothing", "F32", {0, 4}}).bytes();
    const auto tensors = read(bytes);
    ASSERT_TRUE(tensors) << tensors.error().message;
    ASSERT_EQ(tensors->size(), 4u);
    const std::uint64_t begin = bytes.size() - 22;
    const SafeTensor& first = (*tensors)[0];
    EXPECT_EQ(first.name, "b");
    EXPECT_EQ(first.type, SafeTensorType::bf16);
    EXPECT_EQ(first.shape, (std::vector<std::uint64_t>{3, 2}));
    EXPECT_EQ(first.offset, begin);
    EXPECT_EQ(first.bytes, 12u);
    EXPECT_EQ((*tensors)[1].type, SafeTensorType::f32);
    EXPECT_EQ((*tensors)[1].offset, begin + 12);
    EXPECT_EQ((*tensors)[2].type, SafeTensorType::f16);
    EXPECT_EQ((*tensors)[2].bytes, 2u);
    EXPECT_EQ((*tensors)[3].bytes, 0u);
}

TEST(SafeTensorsTest, tensors_come_in_the_order_of_their_bytes) {
    const auto tensors = read(SafeTensorsWriter()
                                  .tensor({"second", "F32", {1}, {}, std::pair(4, 8)})
                                  .tensor({"first", "F32", {1}, {}, std::pair(0, 4)})
                                  .bytes());
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_EQ((*tensors)[0].name, "first");
    EXPECT_EQ((*tensors)[1].name, "second");
}

TEST(SafeTensorsTest, a_file_without_tensors_is_one) {
    EXPECT_TRUE(read(SafeTensorsWriter().bytes()));
    EXPECT_TRUE(read(SafeTensorsWriter::file("{}  \n ")));
}

TEST(SafeTensorsTest, integers_are_left_out_but_are_no_weights) {
    for (const auto* type : {"I64", "U64", "I32", "U32", "I16", "U16", "I8", "U8", "BOOL"}) {
        const auto tensors = read(two_tensors().tensor({"position_ids", type, {1, 8}}).bytes());
        ASSERT_TRUE(tensors) << tensors.error().message;
        EXPECT_EQ(tensors->size(), 2u);
        check_refused(two_tensors().tensor({"h.0.qweight", type, {8}}).bytes(),
                      ErrorCode::model_unsupported,
                      std::string("\"h.0.qweight\" is stored as ") + type);
    }
    check_corrupt(two_tensors().tensor({"ids", "I64", {2}, std::string(12, 'x')}).bytes(),
                  "\"ids\" has 12 bytes where its shape and type make 16");
}

TEST(SafeTensorsTest, other_types_are_named) {
    for (const auto* type : {"F64", "F8_E4M3", "F8_E5M2", "F4", "C64", "float32", ""}) {
        check_refused(two_tensors().tensor({"w\n", type, {2}}).bytes(),
                      ErrorCode::model_unsupported,
                      std::string("\"w\\x0a\" is stored as ") + type + ", and weights of");
    }
}

TEST(SafeTensorsTest, names_what_is_no_such_file) {
    check_corrupt("", "ends at byte 0");
    check_corrupt("abc", "ends at byte 3, in its header's length");
    check_corrupt("version https://git-lfs.github.com/spec/v1\noid sha256:…", "git lfs pull");
    check_corrupt("<!DOCTYPE html>", "claims a header of");
    check_corrupt("GGUF\x03" + std::string(100, '\0'), "claims a header of");
}

TEST(SafeTensorsTest, a_length_that_cannot_be_true_costs_nothing) {
    const auto claiming = [](std::uint64_t length) {
        std::string bytes;
        for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> 8 * i & 0xff);
        return bytes + "{}";
    };
    EXPECT_TRUE(read(claiming(2)));
    check_corrupt(claiming(0), "byte 8 of the header");
    check_corrupt(claiming(3), "the file ends at byte 10, in its header of 3 bytes");
    for (const std::uint64_t length : {safetensors_header_bytes_max, std::uint64_t{3}})
        check_corrupt(claiming(length), fmt::format("in its header of {} bytes", length));
    for (const std::uint64_t length :
         {safetensors_header_bytes_max + 1, std::uint64_t{10} << 30, huge, huge - 8})
        check_corrupt(claiming(length), fmt::format("claims a header of {} bytes", length));
}

TEST(SafeTensorsTest, a_file_cut_anywhere_is_corrupt) {
    const std::string bytes = two_tensors().bytes();
    for (std::size_t size = 0; size < bytes.size(); ++size)
        check_corrupt(bytes.substr(0, size), "download the file again");
    check_corrupt(bytes.substr(0, bytes.size() - 5), "(5 bytes) shorter than its header says");
    check_corrupt(bytes + "123", "3 bytes follow the last tensor");
}

TEST(SafeTensorsTest, the_bytes_are_filled_without_overlaps_or_holes) {
    const auto with = [](std::uint64_t begin, std::uint64_t end) {
        return two_tensors().tensor({"c", "F32", {2}, {}, std::pair(begin, end)}).bytes();
    };
    EXPECT_TRUE(read(with(20, 28)));
    for (const auto& [begin, end] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
             {0, 8}, {12, 20}, {19, 27}, {21, 29}, {28, 20}, {huge, 7}, {huge - 8, huge}})
        check_corrupt(with(begin, end), "overlap, or there is a hole");
    check_corrupt(with(20, huge), "shorter than its header says");
    check_corrupt(with(20, 20), "8 bytes follow the last tensor");
}

TEST(SafeTensorsTest, a_shape_says_how_many_bytes_there_are) {
    const auto with = [](std::vector<std::uint64_t> shape, std::uint64_t end = 28) {
        return SafeTensorsWriter()
            .tensor({"c", "F32", std::move(shape), std::string(28, '\0'), std::pair(0, end)})
            .bytes();
    };
    EXPECT_TRUE(read(with({7})));
    EXPECT_TRUE(read(with({1, 1, 1, 1, 1, 1, 1, 7})));
    check_corrupt(with({8}), "\"c\" has 28 bytes where its shape and type make 32");
    check_corrupt(with({}), "make 4");
    for (const auto& shape : std::vector<std::vector<std::uint64_t>>{
             {huge}, {huge, huge}, {std::uint64_t{1} << 62}, {std::uint64_t{1} << 32, 1u << 30}})
        check_corrupt(with(shape), "impossible shape");
    check_corrupt(with(std::vector<std::uint64_t>(9, 1)), "more than 8 dimensions");
}

TEST(SafeTensorsTest, what_the_header_may_say_is_a_closed_list) {
    const auto check_header = [](const std::string& header, const std::string& words) {
        check_corrupt(SafeTensorsWriter::file(header, std::string(4, '\0')), words);
    };
    const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
    EXPECT_TRUE(read(SafeTensorsWriter::file("{\"t\":{" + good + "}}", std::string(4, '\0'))));
    check_header("", "byte 8 of the header");
    check_header("[]", "an array where none belongs");
    check_header("7", "a number where none belongs");
    check_header("\"t\"", "a string where none belongs");
    check_header("{\"t\":{" + good + "}", "byte");
    check_header("{\"t\":{" + good + "}} {}", "byte");
    check_header("{\"t\":{" + good + "},}", "byte");
    check_header("{\"t\":{" + good + "},\"t\":{" + good + "}}", "tensor \"t\" is there twice");
    check_header("{\"t\":{" + good + ",\"dtype\":\"F32\"}}", "\"dtype\" twice");
    check_header("{\"t\":{" + good + ",\"more\":1}}", "the unknown key \"more\"");
    check_header("{\"t\":{\"" + std::string(17, 'k') + "\":1}}", "name of more than 16 bytes");
    check_header("{\"" + std::string(513, 't') + "\":{" + good + "}}", "more than 512 bytes");
    check_header("{\"\xff\":{" + good + "}}", "byte");
    check_header(R"({"t":[1]})", "an array where none belongs");
    check_header(R"({"t":"x"})", "a string where none belongs");
    check_header(R"({"t":null})", "null");
    check_header(R"({"t":true})", "true or false");
    check_header(R"({"t":{}})", "tensor \"t\" without a dtype");
    check_header(R"({"t":{"dtype":"F32","shape":[1]}})", "tensor \"t\" without a dtype");
    check_header(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[4]}})", "data_offsets");
    check_header(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", "2 offsets");
    check_header(R"({"t":{"dtype":["F32"]}})", "an array where none belongs");
    check_header(R"({"t":{"dtype":4}})", "a number where none belongs");
    check_header(R"({"t":{"shape":1}})", "a number where none belongs");
    check_header(R"({"t":{"shape":"1"}})", "a string where none belongs");
    check_header(R"({"t":{"shape":{}}})", "an object where none belongs");
    check_header(R"({"t":{"shape":[[1]]}})", "an array where none belongs");
    check_header(R"({"t":{"shape":[-1]}})", "a negative number");
    check_header(R"({"t":{"data_offsets":[-4,0]}})", "a negative number");
    check_header(R"({"t":{"shape":[1.0]}})", "no 64-bit integer");
    check_header(R"({"t":{"shape":[1e3]}})", "no 64-bit integer");
    check_header(R"({"t":{"shape":[99999999999999999999]}})", "no 64-bit integer");
    check_header(R"({"__metadata__":[]})", "an array where none belongs");
    check_header(R"({"__metadata__":{"a":1}})", "a number where none belongs");
    check_header(R"({"__metadata__":{"a":{}}})", "an object where none belongs");
}

TEST(SafeTensorsTest, a_long_header_is_read_piece_by_piece) {
    SafeTensorsWriter writer;
    // Of many lengths, so that names, numbers and spaces lie across the ends of blocks.
    for (int i = 0; i < 3000; ++i)
        writer.tensor({"tensor " + std::string(i % 97, 'x') + std::to_string(i), "BF16", {1}});
    writer.metadata("{\"long\":\"" + std::string(200'000, 'x') + "\"}");
    std::string header = writer.header() + std::string(100'000, ' ');
    const auto tensors = read(SafeTensorsWriter::file(header, std::string(6000, '\0')));
    ASSERT_TRUE(tensors) << tensors.error().message;
    EXPECT_EQ(tensors->size(), 3000u);
    header += "x";
    check_corrupt(SafeTensorsWriter::file(header, std::string(6000, '\0')),
                  fmt::format("byte {} of the header", 8 + header.size() - 1));
}

TEST(SafeTensorsTest, more_tensors_than_any_model_has_are_refused) {
    SafeTensorsWriter writer;
    for (std::size_t i = 0; i < safetensors_tensors_max; ++i)
        writer.tensor({std::to_string(i), "F32", {0}});
    EXPECT_TRUE(read(writer.bytes()));
    check_corrupt(writer.tensor({"x", "F32", {0}}).bytes(), "more than 65536 tensors");
}

TEST(SafeTensorsTest, a_file_that_is_cut_while_it_is_read_is_corrupt) {
    class Shrinking final : public ByteSource {
    public:
        explicit Shrinking(const std::string& bytes) : bytes_(bytes) {}
        const std::string& name() const override { return name_; }
        std::uint64_t size() const override { return bytes_.size(); }
        Result<std::size_t> read_at(std::uint64_t offset,
                                    std::span<std::byte> target) const override {
            const auto bytes = std::as_bytes(std::span(bytes_)).first(20);
            return MemorySource("", bytes).read_at(offset, target);
        }

    private:
        const std::string name_ = "m.safetensors";
        const std::string& bytes_;
    };
    const std::string bytes = two_tensors().bytes();
    const auto tensors = read_safetensors_header(Shrinking(bytes));
    ASSERT_FALSE(tensors);
    EXPECT_EQ(tensors.error().code, ErrorCode::model_corrupt);
    EXPECT_NE(tensors.error().message.find("became shorter"), std::string::npos);
}

TEST(SafeTensorsTest, survives_single_changed_bytes) {
    std::mt19937 random(7);
    const std::string valid = two_tensors().bytes();
    for (int round = 0; round < 5000; ++round) {
        std::string bytes = valid;
        for (int i = 0; i < round % 4 + 1; ++i)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        const auto tensors = read(bytes);
        EXPECT_TRUE(tensors || !tensors.error().message.empty());
    }
}

}  // namespace
}  // namespace worker
