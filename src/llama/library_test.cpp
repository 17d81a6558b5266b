#include "llama/library.h"

#include "llama/model.h"
#include "tests/support/temporary_file.h"

#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace llama {
namespace {

using worker::ErrorCode;

TEST(LibraryTest, lists_the_processor_among_the_devices) {
    const Library library(nullptr);
    const std::vector<worker::Device> devices = library.devices();
    const auto cpu = std::find_if(devices.begin(), devices.end(), [](const worker::Device& device) {
        return device.kind == "cpu";
    });
    ASSERT_NE(cpu, devices.end());
    EXPECT_EQ(cpu->index, 0u);
    EXPECT_GT(cpu->memory_total_bytes, 0u);
    EXPECT_GE(cpu->memory_total_bytes, cpu->memory_free_bytes);
}

TEST(LibraryTest, hands_the_log_to_the_sink_and_keeps_the_reason) {
    std::vector<std::string> errors;
    Library library([&](worker::LogLevel level, std::string_view line) {
        EXPECT_EQ(line.find('\n'), std::string_view::npos);
        if (level == worker::LogLevel::error) errors.emplace_back(line);
    });
    const worker::TemporaryFile file("no_model.gguf");
    std::ofstream(file.path()) << "this is no model";
    const auto model = load_model(library, {.paths = {file.path()}}, [](double) { return true; });
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().code, ErrorCode::model_corrupt);
    EXPECT_NE(model.error().message.find("error loading model"), std::string::npos)
        << model.error().message;
    EXPECT_FALSE(errors.empty());
    EXPECT_EQ(library.take_reason(), "");
}

TEST(LibraryTest, refuses_a_device_that_is_not_there) {
    Library library(nullptr);
    worker::Device none;
    none.kind = "cuda";
    none.index = 1000;
    const worker::TemporaryFile file("no_model.gguf");
    const auto model = load_model(library, {.paths = {file.path()}, .devices = {none}},
                                  [](double) { return true; });
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().code, ErrorCode::device_unavailable);
}

TEST(LibraryTest, names_the_split_modes) {
    EXPECT_EQ(parse_split_mode("row"), SplitMode::row);
    EXPECT_EQ(parse_split_mode("layer"), SplitMode::layer);
    const auto unknown = parse_split_mode("diagonal");
    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error().code, ErrorCode::config_invalid);
}

void check_abort(Phase phase, const char* message, ErrorCode code, int exit_code) {
    const AbortReport report = abort_report(phase, message);
    EXPECT_EQ(report.code, code) << message;
    EXPECT_EQ(report.exit_code, exit_code) << message;
}

TEST(LibraryTest, tells_what_a_failed_assertion_means) {
    check_abort(Phase::loading, "GGML_ASSERT(n > 0) failed", ErrorCode::model_corrupt, 1);
    check_abort(Phase::running, "GGML_ASSERT(n > 0) failed", ErrorCode::inference_failed, 3);
    check_abort(Phase::loading, "ggml-cuda.cu:1: CUDA error", ErrorCode::cuda_error, 1);
    check_abort(Phase::running, "ggml-cuda.cu:1: ROCm error", ErrorCode::cuda_error, 3);
}

void fail_an_assertion_in(Phase phase) {
    Library library(nullptr);
    library.enter(phase);
    ggml_abort("ops.c", 7, "GGML_ASSERT(%s) failed", "a > b");
}

TEST(LibraryDeathTest, a_failed_assertion_is_one_line_and_an_exit_code) {
    EXPECT_EXIT(fail_an_assertion_in(Phase::loading), testing::ExitedWithCode(1),
                "^error: MODEL_CORRUPT: .*ops.c:7: GGML_ASSERT.a > b. failed\n$");
    EXPECT_EXIT(fail_an_assertion_in(Phase::running), testing::ExitedWithCode(3),
                "^error: INFERENCE_FAILED: .*failed\n$");
}

}  // namespace
}  // namespace llama
