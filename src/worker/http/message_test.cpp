#include "worker/http/message.h"

#include <gtest/gtest.h>

#include <chrono>

namespace worker {
namespace {

void check_query(const std::string& query, const std::optional<std::string>& expected) {
    EXPECT_EQ(Request{.query = query}.query_value("job_id"), expected) << query;
}

void check_error(const Error& error, int status, const std::string& body) {
    const Response response = error_response(error);
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, body);
    EXPECT_EQ(response.content_type, "application/json");
}

TEST(MessageTest, finds_and_decodes_a_query_value) {
    check_query("", std::nullopt);
    check_query("job_id", "");
    check_query("job_id=", "");
    check_query("job_id=a", "a");
    check_query("x=1&job_id=a%20b+c&job_id=later", "a b c");
    check_query("job%5Fid=a", "a");
    check_query("xjob_id=a", std::nullopt);
    check_query("&&=&job_id=a=b", "a=b");
}

TEST(MessageTest, a_badly_encoded_query_value_is_absent) {
    check_query("job_id=%", std::nullopt);
    check_query("job_id=%zz", std::nullopt);
    check_query("job_id=%00", std::nullopt);
    check_query("job_id=%ff", std::nullopt);
}

TEST(MessageTest, the_first_field_of_a_name_counts) {
    Fields fields;
    fields.add("a", "1");
    fields.add("b", "2");
    fields.add("a", "3");
    EXPECT_EQ(fields.find("a"), "1");
    EXPECT_EQ(fields.count("a"), 2u);
    EXPECT_EQ(fields.find("c"), std::nullopt);
    EXPECT_EQ(fields.count("c"), 0u);
}

TEST(MessageTest, an_error_is_a_worker_error_body) {
    check_error({ErrorCode::invalid_request, "no \"prompt\""}, 400,
                R"({"code":"INVALID_REQUEST","message":"Invalid request: no \"prompt\"",)"
                R"("retriable":false})");
    check_error({ErrorCode::not_found, "no such job"}, 404,
                R"({"code":"NOT_FOUND","message":"no such job","retriable":false})");
    check_error({ErrorCode::not_ready, "loading"}, 503,
                R"({"code":"WORKER_UNHEALTHY","message":"Worker unhealthy: loading",)"
                R"("retriable":true})");
}

TEST(MessageTest, a_known_time_becomes_retry_after) {
    using Field = std::pair<std::string, std::string>;
    const Response known =
        error_response({ErrorCode::not_ready, "loading", std::chrono::seconds(7)});
    EXPECT_EQ(known.fields, std::vector<Field>({{"retry-after", "7"}}));
    EXPECT_TRUE(error_response({ErrorCode::not_ready, "loading"}).fields.empty());
}

}  // namespace
}  // namespace worker
