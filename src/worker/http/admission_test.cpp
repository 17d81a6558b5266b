#include "worker/http/admission.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using Field = std::pair<std::string, std::string>;

const Endpoints endpoints = {.peer = "127.0.0.1", .local = "127.0.0.1", .bound = "127.0.0.1"};

boost::asio::awaitable<void> unused(Request&, ReplyWriter&) {
    co_return;
}

Router sample_router() {
    Router router;
    router.add({.method = "GET", .pattern = "/jobs/{id}", .handler = unused});
    router.add({.method = "POST", .pattern = "/jobs", .handler = unused, .json_body = true});
    return router;
}

tl::expected<std::string, Response> refuse_all(const Request&, const Route&) {
    return tl::make_unexpected(Response{.status = 401});
}

tl::expected<std::string, Response> known_by_path(const Request& request, const Route& route) {
    return route.pattern + " " + request.path;
}

RequestHead head_of(const std::string& method, const std::string& target,
                    const std::vector<Field>& fields) {
    RequestHead head{.method = method, .target = target};
    for (const auto& [name, value] : fields) head.fields.add(name, value);
    return head;
}

struct Case {
    std::string method = "POST";
    std::string target = "/jobs";
    std::vector<Field> fields = {};
    Authorize authorize = {};
};

struct Expected {
    int status;
    bool close;
};

void check_refused(const Case& request, const Expected& expected) {
    const Router router = sample_router();
    const HttpSettings settings{
        .host = "127.0.0.1", .limits = {.body_bytes = 10}, .authorize = request.authorize};
    const auto admitted = admit(head_of(request.method, request.target, request.fields), {},
                                endpoints, settings, router);
    ASSERT_FALSE(admitted);
    EXPECT_EQ(admitted.error().status, expected.status);
    EXPECT_EQ(admitted.error().close, expected.close);
}

const Field host = {"host", "localhost"};
const Field evil_host = {"host", "evil.example"};
const Field body = {"content-length", "1"};
const Field large_body = {"content-length", "11"};
const Field json = {"content-type", "application/json"};
const Field expect = {"expect", "miracles"};

TEST(AdmissionTest, a_request_carries_what_its_head_says) {
    const Router router = sample_router();
    const HttpSettings settings{.host = "127.0.0.1", .authorize = known_by_path};
    const auto admitted =
        admit(head_of("HEAD", "http://localhost/jobs/a%20b?c=d", {evil_host, {"x", "y"}}),
              {.correlation_id = "c", .traceparent = "t"}, endpoints, settings, router);
    ASSERT_TRUE(admitted);
    EXPECT_EQ(admitted->route->pattern, "/jobs/{id}");
    const Request& request = admitted->request;
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.path, "/jobs/a b");
    EXPECT_EQ(request.query, "c=d");
    EXPECT_EQ(request.params.at("id"), "a b");
    EXPECT_EQ(request.fields.find("x"), "y");
    EXPECT_EQ(request.correlation_id, "c");
    EXPECT_EQ(request.traceparent, "t");
    EXPECT_EQ(request.peer_address, "127.0.0.1");
    EXPECT_TRUE(request.loopback);
    EXPECT_EQ(request.caller, "/jobs/{id} /jobs/a b");
}

TEST(AdmissionTest, the_first_of_several_faults_is_told) {
    check_refused({.target = "/none", .fields = {}}, {400, true});
    check_refused({.target = "*", .fields = {host}}, {400, true});
    check_refused({.target = "/none", .fields = {evil_host}, .authorize = refuse_all},
                  {404, false});
    check_refused({.method = "PUT", .fields = {evil_host}, .authorize = refuse_all}, {405, false});
    check_refused({.fields = {evil_host, expect}, .authorize = refuse_all}, {403, false});
    check_refused({.fields = {host, expect}, .authorize = refuse_all}, {401, false});
    check_refused({.fields = {host, expect}}, {417, false});
    check_refused({.fields = {host}}, {415, false});
    check_refused({.fields = {host, json, large_body}}, {413, true});
}

TEST(AdmissionTest, a_body_that_stays_unread_ends_the_connection) {
    check_refused({.target = "/none", .fields = {host, body}}, {404, true});
    check_refused({.method = "PUT", .fields = {host, body}}, {405, true});
    check_refused({.fields = {host, body}, .authorize = refuse_all}, {401, true});
    check_refused({.fields = {host, body}}, {415, true});
}

TEST(AdmissionTest, any_host_is_served_where_a_token_guards) {
    const Router router = sample_router();
    const HttpSettings settings{.host = "0.0.0.0", .check_host = false};
    const auto admitted =
        admit(head_of("GET", "/jobs/a", {evil_host}), {}, endpoints, settings, router);
    ASSERT_TRUE(admitted);
    EXPECT_FALSE(admitted->request.loopback);
}

}  // namespace
}  // namespace worker
