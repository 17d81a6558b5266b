// A whole worker whose engine echoes strings: what any modality gets from the neutral ring.
#include "worker/app/lifecycle.h"

#include "tests/support/echo_engine.h"
#include "tests/support/gate.h"
#include "tests/support/http_client.h"
#include "worker/http/job_reply.h"
#include "worker/http/status_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace worker {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

std::string echo_frame(const EchoOutput& output, std::uint64_t) {
    return "data: " + output.text + "\n\n";
}

class EchoWorker {
public:
    // `loads`: what the load comes to, once the load gate is open.
    explicit EchoWorker(Result<void> loads = {}) : loads_(std::move(loads)) {
        engine_.on_load = [this](const LoadObserver& observer) { return load(observer); };
        engine_.on_step = [this] { step_gate.pass(); };
        add_status_routes(router_, sources_);
        router_.add(
            {.method = "POST", .pattern = "/echo", .handler = [this](auto& request, auto& reply) {
                 return echo(request, reply);
             }});
        server_ = *HttpServer::bind(io_.get_executor(), {.host = "127.0.0.1"}, router_, log_);
        life_ = std::make_unique<Lifecycle>(
            Lifecycle::Parts{io_, *server_, host_, board_, clock_, narrator_, log_}, 60s);
    }

    ~EchoWorker() {
        load_gate.open();
        step_gate.open();
        if (!thread_.joinable()) return;
        shut_down();
        thread_.join();
    }

    EchoWorker& start() {
        thread_ = std::thread([this] { exit_code_ = life_->run(); });
        return *this;
    }
    EchoWorker& wait_until_ready() {
        while (get("/readyz").status != 200) std::this_thread::yield();
        return *this;
    }
    void shut_down() {
        boost::asio::post(io_, [this] { life_->shut_down(); });
    }
    int exit_code() {
        thread_.join();
        return exit_code_;
    }

    std::uint16_t port() const { return server_->port(); }
    HttpReply get(std::string_view path) const { return http_get(port(), path); }

    // A client that has asked for an echo of `text`.
    std::unique_ptr<HttpClient> ask(const std::string& text) const {
        auto client = std::make_unique<HttpClient>(port());
        client->send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                     std::to_string(text.size()) + "\r\n\r\n" + text);
        return client;
    }
    void wait_for_metric(const std::string& line) const {
        while (get("/metrics").body.find(line) == std::string::npos) std::this_thread::yield();
    }

    Gate load_gate;
    Gate step_gate;
    EchoEngine& engine() { return engine_; }

private:
    Result<void> load(const LoadObserver& observer) {
        LoadProgress progress{.stage = "loading_to_vram", .layers_total = 4};
        progress.layers_loaded = 1;
        progress.fraction = 0.25;
        if (!observer(progress)) return fail(ErrorCode::cancelled, "given up");
        load_gate.pass();
        return loads_;
    }

    boost::asio::awaitable<void> echo(Request& request, ReplyWriter& reply) {
        auto job = host_.jobs().submit_owned(EchoJob{request.body, request.body == "refused"},
                                            {.job_id = request.correlation_id,
                                             .correlation_id = request.correlation_id,
                                             .deadline = clock_.now() + 60s});
        if (!job) {
            reply.send(error_response(job.error()));
            co_return;
        }
        EventWriter writer({board_, clock_}, "job", "echo", EventDetail::output_only);
        StreamReply<EchoOutput> stream{.reply = reply,
                                       .clock = clock_,
                                       .writer = std::move(writer),
                                       .output_frame = echo_frame};
        co_await stream_job(std::move(*job), std::move(stream));
    }

    const Result<void> loads_;
    SystemClock clock_;
    Log log_{LogFormat::text, LogLevel::off};
    Narrator narrator_{log_, clock_};
    Metrics metrics_{"echo"};
    StatusBoard board_;
    boost::asio::io_context io_{1};
    StatusSources sources_{.board = board_,
                           .clock = clock_,
                           .metrics = metrics_,
                           .narrator = narrator_,
                           .started = clock_.now(),
                           .identity = {.model_ref = "echo"},
                           .model = {}};
    EchoEngine engine_{2, 1000};
    EngineHost<EchoJob, EchoOutput> host_{
        {io_.get_executor(), engine_, board_, clock_, metrics_, narrator_}, {.queue_max = 2}, 2};
    Router router_;
    std::unique_ptr<HttpServer> server_;
    std::unique_ptr<Lifecycle> life_;
    std::thread thread_;
    int exit_code_ = -1;
};

TEST(LifecycleTest, while_loading_it_says_so_everywhere_and_takes_no_work) {
    EchoWorker worker;
    worker.load_gate.close();
    worker.start();
    while (worker.get("/v1/ready").body.find("progress_url") == std::string::npos)
        std::this_thread::yield();
    EXPECT_EQ(worker.get("/health").status, 503);
    EXPECT_THAT(worker.get("/health").body, HasSubstr(R"("status":"degraded","state":"loading")"));
    EXPECT_EQ(worker.get("/livez").status, 200);
    EXPECT_EQ(worker.get("/readyz").status, 503);
    EXPECT_EQ(worker.get("/").status, 503);
    EXPECT_EQ(worker.get("/metrics").status, 200);
    const HttpReply reply = worker.ask("a")->read_reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_THAT(reply.body, HasSubstr("WORKER_UNHEALTHY"));
    EXPECT_FALSE(reply.field("retry-after").empty());
}

TEST(LifecycleTest, load_progress_is_streamed_until_ready) {
    EchoWorker worker;
    worker.load_gate.close();
    worker.start();
    HttpClient client(worker.port());
    client.send("GET /v1/loading/progress HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.read_until(R"("layers_loaded":1,"layers_total":4)");
    worker.load_gate.open();
    client.read_until("data: {\"stage\":\"ready\"}\n\n");
    client.read_until("data: [DONE]\n\n");
}

TEST(LifecycleTest, a_job_is_streamed) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    const HttpReply reply = worker.ask("abc")->read_reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(reply.body, HasSubstr("data: a"));
    EXPECT_THAT(reply.body, HasSubstr(R"("tokens_out":3)"));
    EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n"));
}

TEST(LifecycleTest, a_job_that_fails_at_once_is_an_error_reply) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    const HttpReply reply = worker.ask("refused")->read_reply();
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, HasSubstr("INVALID_REQUEST"));
}

TEST(LifecycleTest, a_client_that_leaves_cancels_its_job) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    worker.step_gate.close();
    worker.ask("abc")->close();
    worker.wait_for_metric(R"(worker_requests_total{outcome="cancelled"} 1)");
    worker.step_gate.open();
    EXPECT_EQ(worker.ask("d")->read_reply().status, 200);
}

TEST(LifecycleTest, draining_lets_jobs_end_and_takes_no_others) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    worker.step_gate.close();
    const auto client = worker.ask("abc");
    while (worker.get("/v1/ready").body.find("busy") == std::string::npos)
        std::this_thread::yield();
    worker.shut_down();
    while (worker.get("/readyz").status != 503) std::this_thread::yield();
    EXPECT_THAT(worker.get("/health").body, HasSubstr(R"("state":"draining")"));
    EXPECT_EQ(worker.ask("x")->read_reply().status, 503);
    worker.step_gate.open();
    EXPECT_TRUE(client->read_reply().body.ends_with("data: [DONE]\n\n"));
    EXPECT_EQ(worker.exit_code(), 0);
}

TEST(LifecycleTest, a_load_that_fails_is_exit_code_1) {
    EchoWorker worker(fail(ErrorCode::model_corrupt, "cut short"));
    EXPECT_EQ(worker.start().exit_code(), 1);
}

TEST(LifecycleTest, an_engine_that_fails_three_times_is_unhealthy) {
    EchoWorker worker;
    worker.start().wait_until_ready();
    for (int i = 0; i < 3; ++i) {
        worker.engine().next_step = EchoEngine::NextStep::fails;
        EXPECT_EQ(worker.ask("a")->read_reply().status, 500);
    }
    EXPECT_EQ(worker.get("/health").status, 503);
    EXPECT_EQ(worker.get("/livez").status, 503);
    EXPECT_EQ(worker.ask("a")->read_reply().status, 503);
}

}  // namespace
}  // namespace worker
