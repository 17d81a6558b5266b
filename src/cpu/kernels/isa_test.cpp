#include "cpu/kernels/isa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cpu {
namespace {

TEST(Isa, portable_code_runs_everywhere) {
    EXPECT_EQ(available().front(), Isa::portable);
    EXPECT_EQ(choose_isa("portable"), Isa::portable);
}

TEST(Isa, auto_is_the_best_there_is) {
    EXPECT_EQ(choose_isa("auto"), available().back());
}

TEST(Isa, what_this_cpu_cannot_run_is_refused_with_what_it_can) {
    const auto chosen = choose_isa("sse9");
    ASSERT_FALSE(chosen);
    EXPECT_THAT(chosen.error().message, testing::HasSubstr("auto portable"));
}

}  // namespace
}  // namespace cpu
