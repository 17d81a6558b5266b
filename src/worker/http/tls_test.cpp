#include "worker/http/tls.h"

#include "tests/support/certificate.h"
#include "tests/support/http_client.h"
#include "tests/support/test_server.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <future>

namespace worker {
namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;
using Transport = HttpClient::Transport;

constexpr std::size_t body_bytes_max = 8u << 20;

awaitable<void> echo(Request& request, ReplyWriter& reply) {
    reply.send({.content_type = "text/plain", .body = "[" + request.body + "]"});
    co_return;
}

awaitable<void> count_to_two(Request&, ReplyWriter& reply) {
    const bool begun = co_await reply.begin_stream({});
    if (!begun) co_return;
    co_await reply.write("data: 1\n\n");
    co_await reply.write("data: 2\n\n");
}

awaitable<void> stream_much(ReplyWriter& reply, std::promise<void>& ended) {
    co_await reply.begin_stream({});
    bool written = true;
    while (written) written = co_await reply.write(std::string(1u << 20, 'x'));
    ended.set_value();
}

class Witness {
public:
    explicit Witness(std::promise<void>& ended) : ended_(ended) {}
    ~Witness() { ended_.set_value(); }
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;

private:
    std::promise<void>& ended_;
};

awaitable<void> wait_forever(ReplyWriter& reply, std::promise<void>& ended) {
    const Witness witness(ended);
    co_await reply.begin_stream({});
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_at(boost::asio::steady_timer::time_point::max());
    co_await timer.async_wait(boost::asio::use_awaitable);
}

const std::string get_line = " HTTP/1.1\r\nHost: localhost\r\n";

class TlsTest : public testing::Test {
protected:
    TestServer& serve(HttpLimits limits = {.body_bytes = body_bytes_max}) {
        Router router;
        const auto add = [&](const char* method, const char* pattern, Handler handler) {
            router.add({.method = method, .pattern = pattern, .handler = std::move(handler)});
        };
        add("GET", "/echo", echo);
        add("POST", "/echo", echo);
        add("GET", "/stream", count_to_two);
        add("GET", "/much",
            [this](Request&, ReplyWriter& reply) { return stream_much(reply, ended_); });
        add("GET", "/wait",
            [this](Request&, ReplyWriter& reply) { return wait_forever(reply, ended_); });
        server_ = std::make_unique<TestServer>(
            std::move(router),
            HttpSettings{.limits = limits,
                         .tls = TlsFiles{.certificate_chain = certificate_.chain_path(),
                                         .key = certificate_.key_path()}});
        return *server_;
    }

    bool handler_ends() { return ended_.get_future().wait_for(20s) == std::future_status::ready; }

    const Certificate certificate_{"tls_test"};
    std::promise<void> ended_;
    std::unique_ptr<TestServer> server_;
};

TEST_F(TlsTest, serves_one_request_after_the_other) {
    HttpClient client(serve().port(), Transport::tls);
    client.send("GET /echo" + get_line + "\r\n");
    EXPECT_EQ(client.read_reply().body, "[]");
    client.send("GET /stream" + get_line + "\r\n");
    EXPECT_EQ(client.read_reply().body, "data: 1\n\ndata: 2\n\n");
    client.send("HEAD /echo" + get_line + "\r\n");
    EXPECT_EQ(client.read_reply_to_head().status, 200);
    client.send("GET /nowhere" + get_line + "Connection: close\r\n\r\n");
    EXPECT_EQ(client.read_reply().status, 404);
    EXPECT_EQ(client.read_all(), "");
    EXPECT_TRUE(client.saw_close_notify());
}

TEST_F(TlsTest, serves_pipelined_requests_of_one_record) {
    HttpClient client(serve().port(), Transport::tls);
    client.send("GET /stream" + get_line + "\r\nPOST /echo" + get_line +
                "Content-Length: 9000\r\n\r\n" + std::string(9000, 'x') + "GET /echo" + get_line +
                "\r\n");
    EXPECT_EQ(client.read_reply().body, "data: 1\n\ndata: 2\n\n");
    EXPECT_EQ(client.read_reply().body.size(), 9002u);
    EXPECT_EQ(client.read_reply().body, "[]");
}

TEST_F(TlsTest, moves_bodies_that_are_larger_than_any_buffer) {
    HttpClient client(serve().port(), Transport::tls);
    const std::string body(body_bytes_max, 'x');
    client.send("POST /echo" + get_line + "Content-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    EXPECT_EQ(client.read_reply().body, "[" + body + "]");
}

TEST_F(TlsTest, refusals_are_read_before_the_end) {
    HttpClient client(serve({.body_bytes = 1000}).port(), Transport::tls);
    client.send("POST /echo" + get_line + "Content-Length: 100000\r\n\r\n" +
                std::string(100'000, 'x'));
    EXPECT_EQ(client.read_reply().status, 413);
    EXPECT_EQ(client.read_all(), "");
    EXPECT_TRUE(client.saw_close_notify());
}

TEST_F(TlsTest, a_client_that_leaves_cancels_its_handler) {
    HttpClient client(serve().port(), Transport::tls);
    client.send("GET /wait" + get_line + "\r\n");
    client.read_until("\r\n\r\n");
    client.close();
    EXPECT_TRUE(handler_ends());
}

TEST_F(TlsTest, a_reset_behind_bytes_that_wait_cancels_the_handler) {
    HttpClient client(serve().port(), Transport::tls);
    client.send("GET /wait" + get_line + "\r\n");
    client.read_until("\r\n\r\n");
    client.send(std::string(100'000, 'x'));
    client.reset();
    EXPECT_TRUE(handler_ends());
}

TEST_F(TlsTest, a_client_that_reads_nothing_is_cut) {
    HttpClient client(serve({.write_idle = 50ms}).port(), Transport::tls);
    client.send("GET /much" + get_line + "\r\n");
    EXPECT_TRUE(handler_ends());
}

TEST_F(TlsTest, a_handshake_has_the_time_of_a_request) {
    HttpClient silent(serve({.request_deadline = 50ms}).port());
    EXPECT_TRUE(silent.closes_without_a_byte());
    HttpClient slow(server_->port());
    slow.send("\x16\x03");
    EXPECT_TRUE(slow.closes_without_a_byte());
}

TEST_F(TlsTest, a_request_without_tls_is_not_served) {
    HttpClient client(serve().port());
    client.send("GET /echo" + get_line + "\r\n");
    EXPECT_EQ(client.read_all().find("200"), std::string::npos);
    while (server_->log().find("failed to begin TLS") == std::string::npos) {
        std::this_thread::yield();
    }
    EXPECT_NE(server_->log().find("http request"), std::string::npos) << server_->log();
}

TEST_F(TlsTest, draining_ends_idle_connections_and_handshakes) {
    HttpClient idle(serve().port(), Transport::tls);
    idle.send("GET /echo" + get_line + "\r\n");
    EXPECT_EQ(idle.read_reply().status, 200);
    HttpClient begins(server_->port());
    begins.send("\x16\x03");
    server_->on_io([](HttpServer& server) { server.stop_accepting(); });
    EXPECT_TRUE(idle.closes_without_a_byte());
    EXPECT_TRUE(begins.closes_without_a_byte());
}

TEST_F(TlsTest, a_renewed_certificate_is_used_from_then_on) {
    HttpClient before(serve().port(), Transport::tls);
    const Certificate renewed("tls_test_renewed");
    const auto copy = [](const std::string& from, const std::string& to) {
        std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
    };
    copy(renewed.chain_path(), certificate_.chain_path());
    server_->on_io([](HttpServer& server) { EXPECT_FALSE(server.reload_certificate()); });
    const std::string kept = HttpClient(server_->port(), Transport::tls).certificate();
    copy(renewed.key_path(), certificate_.key_path());
    server_->on_io([](HttpServer& server) { EXPECT_TRUE(server.reload_certificate()); });
    EXPECT_EQ(before.certificate(), kept);
    EXPECT_NE(HttpClient(server_->port(), Transport::tls).certificate(), kept);
    before.send("GET /echo" + get_line + "\r\n");
    EXPECT_EQ(before.read_reply().status, 200);
}

// What is said of the files; nothing of what does load.
std::string said_of(const std::string& chain, const std::string& key) {
    const auto loaded = TlsServer::load({.certificate_chain = chain, .key = key});
    if (loaded) return "";
    EXPECT_EQ(loaded.error().code, ErrorCode::config_invalid);
    return loaded.error().message;
}

TEST(TlsServerTest, each_file_that_is_no_use_is_named_with_the_reason) {
    const Certificate good("tls_good");
    const Certificate other("tls_other");
    const Certificate rsa("tls_rsa", Certificate::Kind::rsa);
    const TemporaryFile garbage("tls_garbage");
    std::ofstream(garbage.path()) << "no PEM\n";
    const std::string chain = good.chain_path();
    const std::string key = good.key_path();

    EXPECT_EQ(said_of(chain, key), "");
    EXPECT_EQ(said_of(rsa.chain_path(), rsa.key_path()), "");
    EXPECT_EQ(said_of("/nowhere/a", key), "--tls-cert /nowhere/a: No such file or directory");
    EXPECT_EQ(said_of(chain, "/nowhere/a"), "--tls-key /nowhere/a: No such file or directory");
    EXPECT_EQ(said_of(chain, "/"), "--tls-key /: Is a directory");
    EXPECT_EQ(said_of(garbage.path(), key), "--tls-cert " + garbage.path().string() +
                                                ": must be a certificate chain as PEM "
                                                "(no start line)");
    EXPECT_TRUE(said_of(chain, chain)
                    .starts_with("--tls-key " + chain +
                                 ": must be a private key as PEM without passphrase ("));
    for (const Certificate* wrong : {&other, &rsa}) {
        EXPECT_EQ(
            said_of(chain, wrong->key_path()),
            "--tls-key " + wrong->key_path() + ": is not the key of the certificate in " + chain);
    }
}

TEST(TlsServerTest, a_key_with_a_passphrase_is_refused_without_asking_for_it) {
    const Certificate locked("tls_locked", Certificate::Kind::locked);
    EXPECT_TRUE(said_of(locked.chain_path(), locked.key_path())
                    .starts_with("--tls-key " + locked.key_path() +
                                 ": must be a private key as PEM without passphrase ("));
}

TEST(TlsServerTest, the_server_says_why_it_cannot_be_bound) {
    boost::asio::io_context io;
    const Router router;
    Log log(LogFormat::text, LogLevel::off);
    const auto server = HttpServer::bind(
        io.get_executor(), {.host = "127.0.0.1", .tls = TlsFiles{"/nowhere/a", "/nowhere/b"}},
        router, log);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().message, "--tls-cert /nowhere/a: No such file or directory");
}

}  // namespace
}  // namespace worker
