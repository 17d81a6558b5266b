#include "worker/model_file/gguf.h"

#include "tests/support/gguf_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace worker {
namespace {

Result<GgufHeader> read(const std::string& bytes) {
    return read_gguf_header(MemorySource("m.gguf", std::as_bytes(std::span(bytes))));
}

void check_refused(const std::string& bytes, ErrorCode code, const std::string& words) {
    const auto header = read(bytes);
    ASSERT_FALSE(header) << words;
    EXPECT_EQ(header.error().code, code) << header.error().message;
    EXPECT_NE(header.error().message.find(words), std::string::npos) << header.error().message;
    EXPECT_TRUE(header.error().message.starts_with("m.gguf: ")) << header.error().message;
    EXPECT_EQ(header.error().message.find('\n'), std::string::npos) << header.error().message;
}

void check_corrupt(const std::string& bytes, const std::string& words) {
    check_refused(bytes, ErrorCode::model_corrupt, words);
}

void check_unsupported(const std::string& bytes, const std::string& words) {
    check_refused(bytes, ErrorCode::model_unsupported, words);
}

constexpr std::uint64_t huge = (std::uint64_t{1} << 63) - 1;

TEST(GgufTest, reads_what_was_written) {
    const auto header = read(tiny_model()
                                 .u64("u64", std::numeric_limits<std::uint64_t>::max())
                                 .i32("i32", -5)
                                 .boolean("yes", 7)
                                 .numbers<std::uint32_t>("layers", GgufType::u32, {3, 4})
                                 .bytes());
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_EQ(header->version, 3u);
    EXPECT_EQ(header->alignment, 32u);
    EXPECT_EQ(header->integer("llama.context_length"), 256);
    EXPECT_EQ(header->integer("u64"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(header->integer("i32"), -5);
    EXPECT_EQ(header->boolean("yes"), true);
    EXPECT_EQ(*header->text("general.name"), "tiny");
    EXPECT_EQ(header->array("layers")->integers, (std::vector<std::int64_t>{3, 4}));
    EXPECT_EQ(header->array("tokenizer.ggml.tokens")->count, 16u);
    EXPECT_EQ(header->integer("general.name"), std::nullopt);
    EXPECT_EQ(header->text("missing"), nullptr);
    ASSERT_EQ(header->tensors.size(), 2u);
    const GgufTensor& embedding = header->tensors[0];
    EXPECT_EQ(embedding.name, "token_embd.weight");
    EXPECT_EQ(embedding.type->name, "q8_0");
    EXPECT_EQ(embedding.elements, 1024u);
    EXPECT_EQ(embedding.bytes, 1088u);
    EXPECT_EQ(embedding.offset % 32, 0u);
    EXPECT_EQ(header->tensors[1].offset, embedding.offset + 1088);
}

TEST(GgufTest, reads_versions_2_and_3_and_names_others) {
    EXPECT_TRUE(read(tiny_model().version(2).bytes()));
    check_unsupported(tiny_model().version(1).bytes(), "version 1");
    check_unsupported(tiny_model().version(4).bytes(), "version 4");
    check_unsupported(tiny_model().version(0).bytes(), "version 0");
    check_unsupported(tiny_model().version(3u << 24).bytes(), "big-endian");
}

TEST(GgufTest, names_other_formats) {
    check_corrupt("", "the file ends at byte 0");
    check_corrupt("GG", "the file ends at byte 2");
    check_corrupt("PK\x03\x04 and more bytes", "begins with \"PK\\x03\\x04\"");
    check_unsupported(tiny_model().magic("tjgg").bytes(), "before GGUF");
}

TEST(GgufTest, a_file_cut_anywhere_is_corrupt_and_says_how_much_is_missing) {
    const std::string bytes = tiny_model().bytes();
    const std::size_t step = bytes.size() / 60;
    for (std::size_t size = 0; size < bytes.size(); size += step)
        check_corrupt(bytes.substr(0, size), "download");
    check_corrupt(bytes.substr(0, bytes.size() - 100), "100 bytes) shorter than its header says");
}

TEST(GgufTest, a_count_that_cannot_be_true_is_refused_before_it_is_used) {
    for (const std::uint64_t count : {huge, huge + 1, ~std::uint64_t{0}, std::uint64_t{5000}})
        check_corrupt(tiny_model().key_count(count).bytes(), std::to_string(count) + " keys");
    check_corrupt(tiny_model().tensor_count(huge).bytes(), std::to_string(huge) + " tensors");
    check_corrupt(tiny_model().tensor_count(60000).bytes(), "tensor");
    for (const GgufType type : {GgufType::u8, GgufType::f64, GgufType::string}) {
        check_corrupt(tiny_model().array("a", type, huge, "").bytes(), "key \"a\" claims");
        check_corrupt(tiny_model().array("a", type, ~std::uint64_t{0}, "").bytes(), "claims");
    }
    check_corrupt(tiny_model().raw("s", GgufType::string, GgufWriter::number(huge)).bytes(),
                  "the file ends");
    check_corrupt(
        tiny_model().array("s", GgufType::string, 1, GgufWriter::number(~std::uint64_t{0})).bytes(),
        "the file ends");
}

TEST(GgufTest, refuses_keys_that_are_wrong) {
    const std::string one = GgufWriter::number(std::uint32_t{1});
    check_corrupt(tiny_model().again("general.name", GgufType::u32, one).bytes(),
                  "\"general.name\" at byte");
    check_corrupt(tiny_model().raw("k", GgufType{13}, one).bytes(), "unknown type 13");
    check_corrupt(tiny_model().array("k", GgufType::array, 1, one).bytes(), "array of arrays");
    check_corrupt(tiny_model().array("k", GgufType{99}, 1, one).bytes(), "unknown type 99");
    check_corrupt(tiny_model().u32("", 1).bytes(), "name of 0 bytes");
    check_corrupt(tiny_model().u32(std::string(2000, 'k'), 1).bytes(), "name of 2000 bytes");
    check_corrupt(tiny_model().u32(std::string("a\0b", 3), 1).bytes(), "zero byte");
}

TEST(GgufTest, keeps_no_more_text_than_its_bound) {
    const std::string long_text(gguf_text_bytes_max + 1, 'x');
    const auto header = read(tiny_model().string("long", long_text).bytes());
    ASSERT_TRUE(header);
    EXPECT_TRUE(header->contains("long"));
    EXPECT_EQ(header->text("long"), nullptr);
    GgufWriter writer = tiny_model();
    for (int i = 0; i < 17; ++i) writer.string("k" + std::to_string(i), long_text.substr(1));
    check_corrupt(writer.bytes(), "of text in the header");
}

TEST(GgufTest, the_alignment_is_a_power_of_two_from_32_on) {
    EXPECT_TRUE(read(tiny_model().u32("general.alignment", 256).alignment(256).bytes()));
    for (const std::uint32_t alignment : {0u, 33u, 48u, ~0u})
        check_corrupt(tiny_model().u32("general.alignment", alignment).bytes(), "power of two");
    check_corrupt(tiny_model().string("general.alignment", "32").bytes(), "power of two");
    check_corrupt(tiny_model().i32("general.alignment", -32).bytes(), "power of two");
    check_unsupported(tiny_model().u32("general.alignment", 8).bytes(), "32 or more");
    check_corrupt(tiny_model().u32("general.alignment", 1u << 31).bytes(), "no multiple");
    check_corrupt(tiny_model()
                      .without_tensors()
                      .tensor({"t", {32}})
                      .u32("general.alignment", 1u << 31)
                      .bytes(),
                  "shorter than its header says");
}

TEST(GgufTest, refuses_tensors_that_are_wrong) {
    const auto with = [](GgufWriter::Tensor tensor) {
        return tiny_model().tensor(std::move(tensor)).bytes();
    };
    check_corrupt(with({"output_norm.weight", {64}}), "is there twice");
    check_corrupt(with({"", {64}}), "name of 0 bytes");
    check_corrupt(with({std::string(64, 't'), {64}}), "name of 64 bytes");
    check_corrupt(with({std::string("t\0u", 3), {64}}), "zero byte");
    check_corrupt(with({"t", {2, 2, 2, 2, 2}}), "5 dimensions");
    check_corrupt(with({"t", {64, 0}}), "impossible shape");
    check_corrupt(with({"t", {huge, 4}}), "impossible shape");
    check_corrupt(with({"t", {huge, 2}}), "impossible shape");
    check_corrupt(with({"t", {std::uint64_t{1} << 61, 1}}), "impossible shape");
    check_corrupt(with({"t", {33, 32}, 8}), "rows of 33 elements");
    for (const std::uint32_t type : {4u, 31u, 43u, ~0u}) {
        check_unsupported(with({"t", {64, 2}, type}),
                          "unknown quantisation type " + std::to_string(type));
    }
    check_unsupported(with({"t", {256, 2}, 15}), "stored as q8_k");
    check_unsupported(with({"t", {64, 2}, 26}), "stored as i32");
    check_unsupported(with({"t", {64}, 1}), "a vector stored as f16");
    check_unsupported(with({"blk.0.attn_norm.weight", {64, 2}, 1}), "a vector stored as f16");
    EXPECT_TRUE(read(with({"blk.0.ffn_gate_tid2eid.weight", {64, 2}, 26})));
    EXPECT_TRUE(read(with({"t.scale", {}})));
}

TEST(GgufTest, refuses_data_that_lies_elsewhere_than_in_the_file) {
    const auto at = [](std::uint64_t offset) {
        return tiny_model().tensor({"t", {64, 2}, 0, offset}).bytes();
    };
    check_corrupt(at(0), "\"token_embd.weight\" and \"t\" overlap");
    check_corrupt(at(1088), "\"output_norm.weight\" and \"t\" overlap");
    check_corrupt(at(1345), "no multiple of the alignment");
    check_corrupt(at(1u << 20), "shorter than its header says");
    check_corrupt(at(std::uint64_t{1} << 62), "shorter than its header says");
    check_corrupt(at(~std::uint64_t{31}), "outside of any file");
    EXPECT_TRUE(read(at(1344)));
}

TEST(GgufTest, a_header_longer_than_any_model_needs_is_refused) {
    // A source that claims to be endless: nothing is allocated for what it claims.
    class Endless final : public ByteSource {
    public:
        explicit Endless(std::string begin) : begin_(std::move(begin)) {}
        const std::string& name() const override { return name_; }
        std::uint64_t size() const override { return std::uint64_t{1} << 40; }
        Result<std::size_t> read_at(std::uint64_t offset,
                                    std::span<std::byte> target) const override {
            const auto begin = std::as_bytes(std::span(begin_));
            std::fill(target.begin(), target.end(), std::byte{0});
            static_cast<void>(MemorySource("", begin).read_at(offset, target));
            return target.size();
        }

    private:
        const std::string name_ = "endless";
        const std::string begin_;
    };
    const auto with_array = [](std::uint64_t bytes) {
        return GgufWriter().array("a", GgufType::u8, bytes, "").key_count(2);
    };
    const auto fits = read_gguf_header(Endless(with_array(gguf_header_bytes_max - 100).bytes()));
    ASSERT_FALSE(fits);
    EXPECT_NE(fits.error().message.find("name of 0 bytes"), std::string::npos);
    const auto too_long = read_gguf_header(Endless(with_array(gguf_header_bytes_max).bytes()));
    ASSERT_FALSE(too_long);
    EXPECT_EQ(too_long.error().code, ErrorCode::model_corrupt);
}

TEST(GgufTest, a_file_that_is_cut_while_it_is_read_is_corrupt) {
    class Shrinking final : public ByteSource {
    public:
        explicit Shrinking(const std::string& bytes) : bytes_(bytes) {}
        const std::string& name() const override { return name_; }
        std::uint64_t size() const override { return bytes_.size(); }
        Result<std::size_t> read_at(std::uint64_t offset,
                                    std::span<std::byte> target) const override {
            const auto bytes = std::as_bytes(std::span(bytes_)).first(100);
            return MemorySource("", bytes).read_at(offset, target);
        }

    private:
        const std::string name_ = "m.gguf";
        const std::string& bytes_;
    };
    const std::string bytes = tiny_model().bytes();
    const auto header = read_gguf_header(Shrinking(bytes));
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().code, ErrorCode::model_corrupt);
    EXPECT_NE(header.error().message.find("became shorter"), std::string::npos);
}

TEST(GgufTest, survives_random_bytes_and_single_changed_bytes) {
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
        std::string bytes = round % 2 == 0 ? "GGUF" : tiny_model().bytes();
        if (round % 2 == 0) {
            for (int i = 0; i < 200; ++i) bytes += static_cast<char>(random());
        } else {
            bytes[random() % 1100] = static_cast<char>(random());
        }
        const auto header = read(bytes);
        EXPECT_TRUE(header || !header.error().message.empty());
    }
}

}  // namespace
}  // namespace worker
