#include "worker/http/cors.h"

#include "tests/support/http_client.h"
#include "tests/support/test_server.h"

#include <gtest/gtest.h>

namespace worker {
namespace {

using boost::asio::awaitable;

const std::string listed = "https://ui.example";

awaitable<void> echo(Request& request, ReplyWriter& reply) {
    reply.send({.body = request.body});
    co_return;
}

awaitable<void> stream_one(Request&, ReplyWriter& reply) {
    const bool begun = co_await reply.begin_stream({});
    if (begun) co_await reply.write("data: 1\n\n");
}

awaitable<void> forget_the_reply(Request&, ReplyWriter&) {
    co_return;
}

tl::expected<std::string, Response> refuse_secrets(const Request&, const Route& route) {
    if (route.pattern != "/secret") return "";
    return tl::make_unexpected(Response{.status = 401});
}

Router sample_router() {
    Router router;
    const auto add = [&](const char* method, const char* pattern, Handler handler) {
        router.add({.method = method, .pattern = pattern, .handler = std::move(handler)});
    };
    add("GET", "/echo", echo);
    add("POST", "/echo", echo);
    add("GET", "/stream", stream_one);
    add("GET", "/secret", echo);
    add("GET", "/forget", forget_the_reply);
    return router;
}

// The status, and every field about origins in the order of arrival.
std::string about_origins(const HttpReply& reply) {
    std::string text = std::to_string(reply.status);
    for (const auto& [name, value] : reply.fields) {
        if (name == "vary" || name == "allow" || name.starts_with("access-control-")) {
            text += "\n" + name + ": " + value;
        }
    }
    return text;
}

const std::string for_the_page =
    "\nvary: origin\naccess-control-allow-origin: https://ui.example"
    "\naccess-control-expose-headers: x-correlation-id, x-request-id, retry-after";

class CorsTest : public testing::Test {
protected:
    static HttpSettings settings(std::vector<std::string> origins) {
        return {.limits = {.body_bytes = 9, .request_deadline = std::chrono::milliseconds(500)},
                .authorize = refuse_secrets,
                .cors_origins = std::move(origins)};
    }

    static std::string exchange(const TestServer& server, const std::string& sent) {
        HttpClient client(server.port());
        client.send(sent);
        return about_origins(client.read_reply());
    }

    void check(const std::string& line, const std::string& fields, const std::string& expected) {
        const std::string sent =
            line + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields + "\r\n";
        EXPECT_EQ(exchange(server_, sent), expected) << sent;
    }

    TestServer server_{sample_router(), settings({"http://localhost:3000", listed})};
};

TEST_F(CorsTest, every_reply_to_a_listed_origin_says_so) {
    const std::string origin = "Origin: " + listed + "\r\n";
    check("GET /echo", origin, "200" + for_the_page);
    check("HEAD /echo", origin, "200" + for_the_page);
    check("GET /stream", origin, "200" + for_the_page);
    check("GET /secret", origin, "401" + for_the_page);
    check("GET /none", origin, "404" + for_the_page);
    check("PUT /echo", origin, "405\nallow: GET, HEAD, POST" + for_the_page);
    check("POST /echo", origin + "Content-Length: 5\r\n", "408" + for_the_page);
    check("POST /echo", origin + "Content-Length: 10\r\n", "413" + for_the_page);
    check("GET /forget", origin, "500" + for_the_page);
}

TEST_F(CorsTest, other_callers_get_no_more_than_what_caches_need) {
    for (const std::string& fields :
         {std::string(), std::string("Origin: null\r\n"), std::string("Origin: *\r\n"),
          "Origin: " + listed + ":443\r\n", "Origin: " + listed + ".evil\r\n",
          std::string("Origin: http://ui.example\r\n"),
          "Origin: " + listed + "\r\nOrigin: " + listed + "\r\n"}) {
        check("GET /echo", fields, "200\nvary: origin");
    }
    EXPECT_EQ(exchange(server_, "no request\r\n\r\n"), "400\nvary: origin");
}

TEST_F(CorsTest, without_origins_there_is_nothing_to_say) {
    const TestServer server(sample_router(), settings({}));
    EXPECT_EQ(
        exchange(server, "GET /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: " + listed + "\r\n\r\n"),
        "200");
}

TEST_F(CorsTest, a_preflight_learns_what_the_path_takes) {
    const std::string asks = "Origin: " + listed + "\r\nAccess-Control-Request-Method: POST\r\n";
    const std::string methods = "204\naccess-control-allow-methods: GET, HEAD";
    const std::string end = "\naccess-control-max-age: 7200" + for_the_page;
    check("OPTIONS /echo", asks, methods + ", POST" + end);
    check("OPTIONS /secret", asks, methods + end);
    check("OPTIONS /echo",
          asks +
              "Access-Control-Request-Headers: Authorization,content-type, x-evil , "
              "x-stainless-os,x-stainless-a:b,,x-deadline\r\n",
          methods +
              ", POST\naccess-control-allow-headers: authorization, content-type, "
              "x-stainless-os, x-deadline" +
              end);
    check("OPTIONS /echo", asks + "Access-Control-Request-Headers: x-evil\r\n",
          methods + ", POST" + end);
}

TEST_F(CorsTest, every_field_of_the_contract_may_be_sent) {
    const std::string names =
        "authorization, content-type, x-correlation-id, x-deadline, x-request-id, traceparent, "
        "last-event-id, x-strict-parameters, x-gateway-inference-fairness-id";
    Fields fields;
    fields.add("access-control-request-headers", names);
    EXPECT_EQ(preflight_response(fields, "GET").fields[1].second, names);
}

TEST_F(CorsTest, any_other_preflight_is_an_ordinary_request) {
    const std::string method = "Access-Control-Request-Method: POST\r\n";
    check("OPTIONS /echo", "Origin: https://other.example\r\n" + method,
          "405\nallow: GET, HEAD, POST\nvary: origin");
    check("OPTIONS /none", "Origin: https://other.example\r\n" + method, "404\nvary: origin");
    check("OPTIONS /none", "Origin: " + listed + "\r\n" + method, "404" + for_the_page);
    check("OPTIONS /echo", "Origin: " + listed + "\r\n",
          "405\nallow: GET, HEAD, POST" + for_the_page);
}

}  // namespace
}  // namespace worker
