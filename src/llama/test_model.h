#pragma once

#include "llama/library.h"
#include "llama/model.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace llama {

// The one Library of a test program.
Library& test_library();

// What the environment variable holds; nothing when it is unset or empty.
std::optional<std::string> environment(const char* name);

// Tests on the model that RBEE_TEST_MODEL names, loaded once for all of them; skipped without.
class RealModelTest : public testing::Test {
protected:
    void SetUp() override;
    const std::shared_ptr<const Model>& model() const;
};

}  // namespace llama
