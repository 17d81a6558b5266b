#include "llama/log_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace llama {
namespace {

TEST(LogLinesTest, joins_fragments_into_lines) {
    LogLines lines;
    lines.push("load: ");
    EXPECT_EQ(lines.next(), std::nullopt);
    lines.push("a\nb\nc");
    EXPECT_EQ(lines.next(), "load: a");
    EXPECT_EQ(lines.next(), "b");
    EXPECT_EQ(lines.next(), std::nullopt);
    EXPECT_EQ(lines.rest(), "c");
    EXPECT_EQ(lines.rest(), "");
}

void check_buffer(std::string_view line, const BufferBytes& expected) {
    const BufferBytes actual = parse_buffer_line(line);
    EXPECT_EQ(actual.host, expected.host) << line;
    EXPECT_EQ(actual.device, expected.device) << line;
}

TEST(LogLinesTest, reads_where_a_buffer_lies_and_its_size) {
    constexpr std::uint64_t mib = 1 << 20;
    check_buffer("load_tensors:   CPU_Mapped model buffer size =    92.25 MiB",
                 {.host = 92 * mib + mib / 4});
    check_buffer("llama_kv_cache:      CUDA0 KV buffer size =    45.00 MiB", {.device = 45 * mib});
    check_buffer("sched_reserve:  CUDA_Host compute buffer size =     1.50 MiB",
                 {.host = mib + mib / 2});
    check_buffer("load_tensors:  MTL0_Mapped model buffer size =   7.00 MiB", {.device = 7 * mib});
    check_buffer("llama_context:        CPU  output buffer size =     3.00 MiB", {.host = 3 * mib});
}

TEST(LogLinesTest, finds_no_buffer_in_other_lines) {
    check_buffer("", {});
    check_buffer("llama_kv_cache: size =   45.00 MiB (  2048 cells,  30 layers)", {});
    check_buffer("~llama_context: CPU compute buffer size is 15.5 MiB, matches expectation", {});
    check_buffer("x: CPU model buffer size = many MiB", {});
    check_buffer("x: CPU model buffer size = -1 MiB", {});
    check_buffer("x: CPU model buffer size =", {});
    check_buffer(" buffer size = nan", {});
}

TEST(LogLinesTest, reads_the_reason_of_a_failure) {
    const auto check = [](std::string_view line, std::string_view reason) {
        EXPECT_EQ(parse_reason(line), reason);
    };
    check("llama_model_load: error loading model: missing tensor 'x'",
          "error loading model: missing tensor 'x'");
    check("llama_model_load_from_file_impl: failed to load model", "");
    check("no function: here", "no function: here");
    check("", "");
}

}  // namespace
}  // namespace llama
