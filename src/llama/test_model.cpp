#include "llama/test_model.h"

#include <cstdlib>

namespace llama {

Library& test_library() {
    static Library library(nullptr);
    return library;
}

std::optional<std::string> environment(const char* name) {
    const char* value = std::getenv(name);
    return value && *value ? std::optional<std::string>(value) : std::nullopt;
}

void RealModelTest::SetUp() {
    if (!environment("RBEE_TEST_MODEL")) GTEST_SKIP() << "RBEE_TEST_MODEL names no GGUF file";
    ASSERT_NE(model(), nullptr);
}

const std::shared_ptr<const Model>& RealModelTest::model() const {
    static const std::shared_ptr<const Model> loaded = [] {
        const LoadOptions options = {.paths = {*environment("RBEE_TEST_MODEL")}};
        auto result = load_model(test_library(), options, [](double) { return true; });
        EXPECT_TRUE(result.has_value()) << result.error().message;
        return result.value_or(nullptr);
    }();
    return loaded;
}

}  // namespace llama
