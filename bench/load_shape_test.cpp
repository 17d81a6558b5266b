#include "bench/load_shape.h"

#include <gtest/gtest.h>

namespace bench {
namespace {

TEST(LoadShapeTest, takes_the_fields_that_are_given) {
    const auto shape = parse_load_shape(R"({"clients":4,"arrivals_per_second":1.5,"seed":7})");
    ASSERT_TRUE(shape);
    EXPECT_EQ(shape->clients, 4);
    EXPECT_EQ(shape->arrivals_per_second, 1.5);
    EXPECT_EQ(shape->seed, 7);
    EXPECT_EQ(shape->tokens_out, LoadShape{}.tokens_out);
}

TEST(LoadShapeTest, refuses_what_it_would_not_run) {
    for (const char* json : {"", "[]", R"({"client":4})", R"({"clients":-1})", R"({"clients":"4"})",
                             R"({"clients":4294967297})", R"({"arrivals_per_second":-1})"})
        EXPECT_FALSE(parse_load_shape(json)) << json;
}

}  // namespace
}  // namespace bench
