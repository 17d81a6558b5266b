#include "worker/http/shutdown_routes.h"

#include "tests/support/gate.h"
#include "tests/support/http_client.h"
#include "tests/support/test_server.h"
#include "worker/http/bearer_auth.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace worker {
namespace {

using namespace std::chrono_literals;

HttpSettings with_token(const std::string& token) {
    const auto auth = std::make_shared<const BearerAuth>(std::vector<std::string>{token},
                                                         BearerAuth::Loopback::needs_token);
    return {.authorize = [auth](const Request& request, const Route& route) {
        return auth->identify(request, route);
    }};
}

Router shutdown_router(std::function<void()> shut_down, std::chrono::milliseconds drain_timeout) {
    Router router;
    add_shutdown_routes(router,
                        {.shut_down = std::move(shut_down), .drain_timeout = drain_timeout});
    return router;
}

HttpReply post(const TestServer& server, const std::string& path, const std::string& rest) {
    HttpClient client(server.port());
    client.send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + rest);
    return client.read_reply();
}

TEST(ShutdownRoutesTest, each_call_is_accepted_and_told_the_worker) {
    std::atomic<int> calls = 0;
    const TestServer server(shutdown_router([&] { ++calls; }, 25s), with_token("s3cret"));
    int expected_calls = 0;
    for (const char* path : {"/v1/shutdown", "/v1/admin/shutdown"}) {
        for (const char* rest : {"\r\n", "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nbye",
                                 "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"}) {
            const HttpReply reply = post(server, path, rest);
            EXPECT_EQ(reply.status, 202);
            EXPECT_EQ(reply.body, R"({"status":"shutting_down","timeout_seconds":25})");
            EXPECT_EQ(reply.field("connection"), "close");
            ++expected_calls;
        }
    }
    while (calls < expected_calls) std::this_thread::yield();
}

TEST(ShutdownRoutesTest, the_reply_is_out_before_the_worker_ends) {
    Gate client_has_read;
    client_has_read.close();
    const TestServer server(shutdown_router([&] { client_has_read.pass(); }, 1ms), HttpSettings{});
    EXPECT_EQ(post(server, "/v1/shutdown", "\r\n").body,
              R"({"status":"shutting_down","timeout_seconds":1})");
    client_has_read.open();
}

TEST(ShutdownRoutesTest, a_caller_from_elsewhere_needs_the_token) {
    std::atomic<int> calls = 0;
    const TestServer server(shutdown_router([&] { ++calls; }, 1500ms), with_token("s3cret"));
    const std::string proxied = "Via: 1.1 proxy\r\n";
    EXPECT_EQ(post(server, "/v1/shutdown", proxied + "\r\n").status, 401);
    EXPECT_EQ(post(server, "/v1/shutdown", proxied + "Authorization: Bearer no\r\n\r\n").status,
              401);
    EXPECT_EQ(calls, 0);
    const HttpReply reply =
        post(server, "/v1/shutdown", proxied + "Authorization: Bearer s3cret\r\n\r\n");
    EXPECT_EQ(reply.body, R"({"status":"shutting_down","timeout_seconds":2})");
}

}  // namespace
}  // namespace worker
