#include "worker/validation/violation.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

const Violation missing = {.kind = ViolationKind::shape,
                           .field = "prompt",
                           .constraint = "required",
                           .message = "prompt is required"};
const Violation too_hot = {.kind = ViolationKind::value,
                           .field = "temperature",
                           .constraint = "range(0.0..=2.0)",
                           .message = "temperature must be at most 2.0 (got 3)",
                           .value = "3"};

TEST(ViolationTest, a_wrong_shape_decides_the_status) {
    EXPECT_EQ(http_status({too_hot}), 400);
    EXPECT_EQ(http_status({missing}), 422);
    EXPECT_EQ(http_status({too_hot, missing}), 422);
}

TEST(ViolationTest, the_body_lists_all_and_leaves_absent_values_out) {
    EXPECT_EQ(violations_body({missing, too_hot}),
              R"json({"errors":[{"field":"prompt","constraint":"required",)json"
              R"json("message":"prompt is required"},)json"
              R"json({"field":"temperature","constraint":"range(0.0..=2.0)",)json"
              R"json("message":"temperature must be at most 2.0 (got 3)","value":"3"}]})json");
}

}  // namespace
}  // namespace worker
