#include "worker/contract/error_body.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

TEST(ErrorBodyTest, puts_the_prefix_of_the_code_before_the_message) {
    EXPECT_EQ(error_body({ErrorCode::insufficient_vram, "needs 2 GiB"}),
              R"({"code":"INSUFFICIENT_VRAM","message":"Insufficient VRAM: needs 2 GiB",)"
              R"("retriable":true})");
    EXPECT_EQ(error_body({ErrorCode::not_found, "no such job"}),
              R"({"code":"NOT_FOUND","message":"no such job","retriable":false})");
}

TEST(ErrorBodyTest, an_api_key_error_is_wrapped) {
    EXPECT_EQ(api_key_error_body({ErrorCode::missing_api_key, "a token is needed"}),
              R"({"error":{"code":"MISSING_API_KEY","message":"a token is needed"}})");
}

TEST(ErrorBodyTest, a_full_queue_tells_the_slots) {
    EXPECT_EQ(all_slots_busy_body({ErrorCode::all_slots_busy, "the queue is full"},
                                  {.total = 16, .busy = 15}),
              R"({"error":{"code":"ALL_SLOTS_BUSY","message":"the queue is full",)"
              R"("slots_total":16,"slots_busy":15}})");
}

}  // namespace
}  // namespace worker
