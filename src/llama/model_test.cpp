#include "llama/model.h"

#include "llama/test_model.h"
#include "tests/support/temporary_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace llama {
namespace {

using ModelTest = RealModelTest;

TEST_F(ModelTest, loads_weights_and_says_how_far_it_is) {
    std::vector<double> fractions;
    const LoadOptions options = {.paths = {*environment("RBEE_TEST_MODEL")}};
    const auto loaded = load_model(test_library(), options, [&](double fraction) {
        fractions.push_back(fraction);
        return true;
    });
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    EXPECT_GT((*loaded)->buffers().host, 0u);
    EXPECT_EQ((*loaded)->buffers().device, 0u);
    EXPECT_GT((*loaded)->context_trained(), 0u);
    ASSERT_FALSE(fractions.empty());
    EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
    EXPECT_EQ(fractions.back(), 1);
}

TEST_F(ModelTest, gives_up_loading_when_told_to) {
    const LoadOptions options = {.paths = {*environment("RBEE_TEST_MODEL")}};
    const auto loaded = load_model(test_library(), options, [](double) { return false; });
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().code, worker::ErrorCode::cancelled);
}

TEST_F(ModelTest, refuses_a_file_that_is_cut_short) {
    const worker::TemporaryFile file("cut_short.gguf");
    std::filesystem::copy_file(*environment("RBEE_TEST_MODEL"), file.path());
    std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) / 2);
    const auto loaded =
        load_model(test_library(), {.paths = {file.path()}}, [](double) { return true; });
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().code, worker::ErrorCode::model_corrupt);
    EXPECT_NE(loaded.error().message.find("not within the file bounds"), std::string::npos)
        << loaded.error().message;
}

TEST_F(ModelTest, loads_a_vocabulary_alone) {
    const LoadOptions options = {.paths = {*environment("RBEE_TEST_MODEL")},
                                 .vocabulary_only = true};
    const auto loaded = load_model(test_library(), options, [](double) { return true; });
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    EXPECT_EQ((*loaded)->buffers(), BufferBytes{});
}

}  // namespace
}  // namespace llama
