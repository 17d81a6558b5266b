#include "worker/http/connection_quota.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace worker {
namespace {

constexpr HttpLimits limits{
    .connections = 8, .connections_per_address = 2, .connections_provisional = 1};
const std::string elsewhere = "192.0.2.1";

class ConnectionQuotaTest : public testing::Test {
protected:
    // One letter for each connection that comes: what becomes of it. They stay.
    std::string take(const std::string& address, int count) {
        std::string outcomes;
        for (int i = 0; i < count; ++i) {
            places_.push_back(quota_.take(address));
            outcomes += places_.back() ? "cpe"[static_cast<int>(places_.back()->standing())] : '-';
        }
        return outcomes;
    }

    ConnectionQuota quota_{limits};
    std::vector<std::unique_ptr<ConnectionQuota::Place>> places_;
};

TEST_F(ConnectionQuotaTest, an_address_has_so_many_and_a_few_more_that_must_show_a_token) {
    EXPECT_EQ(take(elsewhere, 4), "ccp-");
    EXPECT_EQ(take("192.0.2.2", 4), "ccp-");
}

TEST_F(ConnectionQuotaTest, loopback_is_bounded_by_the_total_alone) {
    EXPECT_EQ(take("127.0.0.1", 4), "eeee");
    EXPECT_EQ(take("::1", 5), "eeee-");
    EXPECT_EQ(take(elsewhere, 1), "-");
}

TEST_F(ConnectionQuotaTest, the_total_is_for_all) {
    EXPECT_EQ(take("127.0.0.1", 6), "eeeeee");
    EXPECT_EQ(take(elsewhere, 3), "cc-");
}

TEST_F(ConnectionQuotaTest, one_that_ends_makes_room_of_its_own_kind) {
    take(elsewhere, 3);
    places_[2].reset();
    EXPECT_EQ(take(elsewhere, 2), "p-");
    places_[0].reset();
    EXPECT_EQ(take(elsewhere, 2), "c-");
    places_.clear();
    EXPECT_EQ(take(elsewhere, 4), "ccp-");
}

TEST_F(ConnectionQuotaTest, one_that_has_shown_a_token_counts_for_the_total_alone) {
    take(elsewhere, 3);
    places_[0]->exempt();
    places_[0]->exempt();
    EXPECT_EQ(take(elsewhere, 2), "c-");
    places_[2]->exempt();
    EXPECT_EQ(take(elsewhere, 2), "p-");
    for (const auto& place : places_) {
        if (place) place->exempt();
    }
    EXPECT_EQ(take(elsewhere, 4), "ccp-");
    EXPECT_EQ(take("127.0.0.1", 1), "-");
    places_[0].reset();
    EXPECT_EQ(take("127.0.0.1", 2), "e-");
}

TEST_F(ConnectionQuotaTest, a_place_may_outlive_its_quota) {
    std::optional<ConnectionQuota> quota(limits);
    const auto place = quota->take(elsewhere);
    quota.reset();
    place->exempt();
}

}  // namespace
}  // namespace worker
