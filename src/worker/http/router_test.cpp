#include "worker/http/router.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using Params = std::map<std::string, std::string>;

boost::asio::awaitable<void> unused(Request&, ReplyWriter&) {
    co_return;
}

Response other_shape(const Error&) {
    return {.status = 418, .body = "other"};
}

Router sample_router() {
    Router router;
    router.add({.method = "GET", .pattern = "/", .handler = unused});
    router.add({.method = "GET", .pattern = "/v1/jobs/{id}", .handler = unused});
    router.add({.method = "DELETE", .pattern = "/v1/jobs/{id}", .handler = unused});
    router.add({.method = "GET", .pattern = "/v1/{a}/x/{b}", .handler = unused});
    router.add(
        {.method = "POST", .pattern = "/v1/chat", .handler = unused, .error_shape = other_shape});
    return router;
}

void check(std::string_view method, std::string_view path, std::string_view pattern,
           const Params& params = {}) {
    const Router router = sample_router();
    const Result<RouteMatch> match = router.find(method, path);
    ASSERT_TRUE(match) << method << " " << path;
    EXPECT_EQ(match->route->pattern, pattern);
    EXPECT_EQ(match->params, params);
}

void check_refused(std::string_view method, std::string_view path, ErrorCode expected) {
    const Result<RouteMatch> match = sample_router().find(method, path);
    ASSERT_FALSE(match) << method << " " << path;
    EXPECT_EQ(match.error().code, expected) << method << " " << path;
}

std::string allow_of(std::string_view path) {
    const Response response = sample_router().refusal({ErrorCode::method_not_allowed, "no"}, path);
    for (const auto& [name, value] : response.fields) {
        if (name == "allow") return value;
    }
    return "absent";
}

TEST(RouterTest, finds_a_route_and_its_params) {
    check("GET", "/", "/");
    check("GET", "/v1/jobs/job-1", "/v1/jobs/{id}", {{"id", "job-1"}});
    check("GET", "/v1/p/x/q", "/v1/{a}/x/{b}", {{"a", "p"}, {"b", "q"}});
}

TEST(RouterTest, head_is_served_by_get) {
    check("HEAD", "/", "/");
    check_refused("HEAD", "/v1/chat", ErrorCode::method_not_allowed);
}

TEST(RouterTest, decodes_each_segment_by_itself) {
    check("GET", "/%761/jobs/a%20b", "/v1/jobs/{id}", {{"id", "a b"}});
    check("GET", "/v1/jobs/org%2Fmodel", "/v1/jobs/{id}", {{"id", "org/model"}});
    check_refused("GET", "/v1%2Fjobs/a", ErrorCode::not_found);
}

TEST(RouterTest, unknown_paths_are_not_found) {
    for (const char* path : {"/v1", "/v1/jobs", "/v1/jobs/", "/v1/jobs/a/", "/v1/jobs/a/b", "//",
                             "/V1/jobs/a", "/../"}) {
        check_refused("GET", path, ErrorCode::not_found);
    }
}

TEST(RouterTest, a_known_path_says_which_methods_it_takes) {
    check_refused("PUT", "/v1/jobs/a", ErrorCode::method_not_allowed);
    check_refused("get", "/", ErrorCode::method_not_allowed);
    EXPECT_EQ(allow_of("/v1/jobs/a"), "DELETE, GET, HEAD");
    EXPECT_EQ(allow_of("/v1/chat"), "POST");
}

TEST(RouterTest, a_bad_escape_is_a_bad_request) {
    for (const char* path : {"/v1/jobs/%", "/v1/jobs/%00", "/%zz", "/v1/jobs/%ff"}) {
        check_refused("GET", path, ErrorCode::bad_request);
    }
}

TEST(RouterTest, refuses_in_the_shape_of_the_path) {
    EXPECT_EQ(sample_router().refusal({ErrorCode::method_not_allowed, "no"}, "/v1/chat").body,
              "other");
    EXPECT_EQ(sample_router().refusal({ErrorCode::not_found, "no"}, "/nowhere").status, 404);
}

}  // namespace
}  // namespace worker
