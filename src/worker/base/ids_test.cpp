#include "worker/base/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace worker {
namespace {

TEST(IdsTest, a_uuid_says_its_version_and_variant) {
    for (int i = 0; i < 100; ++i) {
        const std::string id = uuid_v4();
        EXPECT_TRUE(is_uuid(id)) << id;
        EXPECT_EQ(id[14], '4') << id;
        EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos) << id;
    }
}

TEST(IdsTest, ids_differ) {
    std::set<std::string> ids;
    std::set<std::uint64_t> numbers;
    for (int i = 0; i < 1000; ++i) {
        ids.insert(uuid_v4());
        numbers.insert(random_u64());
    }
    EXPECT_EQ(ids.size(), 1000);
    EXPECT_EQ(numbers.size(), 1000);
}

TEST(IdsTest, hexadecimal_has_the_length_asked_for) {
    for (const std::size_t digits : {0, 1, 8, 33}) {
        const std::string text = random_hex(digits);
        EXPECT_EQ(text.size(), digits);
        EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos) << text;
    }
}

void check_is_uuid(const std::string& text, bool expected) {
    EXPECT_EQ(is_uuid(text), expected) << text;
}

TEST(IdsTest, knows_a_uuid) {
    check_is_uuid("123e4567-e89b-12d3-a456-426614174000", true);
    check_is_uuid("123E4567-E89B-12D3-A456-426614174000", true);
    check_is_uuid("", false);
    check_is_uuid("123e4567-e89b-12d3-a456-42661417400", false);
    check_is_uuid("123e4567-e89b-12d3-a456-4266141740000", false);
    check_is_uuid("123e4567e-89b-12d3-a456-426614174000", false);
    check_is_uuid("123e4567-e89b-12d3-a456-42661417400g", false);
    check_is_uuid("{23e4567-e89b-12d3-a456-42661417400}", false);
}

}  // namespace
}  // namespace worker
