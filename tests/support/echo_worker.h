#pragma once

#include "tests/support/echo_engine.h"
#include "tests/support/gate.h"
#include "tests/support/http_client.h"
#include "worker/app/daemon.h"
#include "worker/http/job_reply.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace worker {

// A whole worker whose engine echoes strings: what any modality gets from the neutral ring. Two
// slots, a queue of two. POST /echo streams its body back.
class EchoWorker {
public:
    struct Options {
        Result<void> loads = {};  // what the load comes to, once the load gate is open
        std::function<void(Config&)> change = [](Config&) {};
        std::function<Result<Config>()> reload = {};
        std::optional<Clock::Duration> keep_alive = {};  // in the stream of an echo
        LogLevel log_level = LogLevel::off;
        std::function<DeviceMemory()> device_memory = {};
        MemoryWatch::Pace memory_pace = {};
        std::string loading_stage = "loading_to_vram";
    };

    EchoWorker() : EchoWorker(Options{}) {}
    explicit EchoWorker(Options options)
        : options_(std::move(options)),
          config_(config(options_)),
          log_(LogFormat::text, options_.log_level) {
        engine_.on_load = [this](const LoadObserver& observer) { return load(observer); };
        engine_.on_step = [this] { step_gate.pass(); };
        const Result<void> opened = daemon_.open(
            host_, [this](Router& router) { add_echo_route(router); },
            [this] { return ServedModel{.device_memory = options_.device_memory}; });
        if (!opened) throw std::runtime_error(opened.error().message);
    }

    ~EchoWorker() {
        load_gate.open();
        step_gate.open();
        if (!thread_.joinable()) return;
        shut_down();
        thread_.join();
    }
    EchoWorker(const EchoWorker&) = delete;
    EchoWorker& operator=(const EchoWorker&) = delete;

    EchoWorker& start() {
        thread_ = std::thread([this] { exit_code_ = daemon_.run(); });
        return *this;
    }
    EchoWorker& wait_until_ready() {
        while (get("/readyz").status != 200) std::this_thread::yield();
        return *this;
    }
    void shut_down() { daemon_.shut_down(); }
    int exit_code() {
        thread_.join();
        return exit_code_;
    }

    std::uint16_t port() const { return daemon_.port(); }
    HttpReply get(std::string_view path) const { return http_get(port(), path); }

    // A client that has asked for an echo of `text`.
    std::unique_ptr<HttpClient> ask(const std::string& text, const std::string& fields = "") const {
        auto client = std::make_unique<HttpClient>(port());
        client->send("POST /echo HTTP/1.1\r\nHost: localhost\r\n" + fields +
                     "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
        return client;
    }
    void wait_for_metric(const std::string& line) const {
        while (get("/metrics").body.find(line) == std::string::npos) std::this_thread::yield();
    }

    Gate load_gate;
    Gate step_gate;
    EchoEngine& engine() { return engine_; }

private:
    static Config config(const Options& options) {
        Config config;
        config.host = "127.0.0.1";
        config.port = 0;
        config.model_ref = "echo";
        config.drain_timeout = std::chrono::seconds(60);
        options.change(config);
        return config;
    }

    Result<void> load(const LoadObserver& observer) {
        LoadProgress progress{.stage = options_.loading_stage, .layers_total = 4};
        progress.layers_loaded = 1;
        progress.fraction = 0.25;
        if (!observer(progress)) return fail(ErrorCode::cancelled, "given up");
        load_gate.pass();
        return options_.loads;
    }

    void add_echo_route(Router& router) {
        router.add(
            {.method = "POST", .pattern = "/echo", .handler = [this](auto& request, auto& reply) {
                 return echo(request, reply);
             }});
    }

    boost::asio::awaitable<void> echo(Request& request, ReplyWriter& reply) {
        auto job = host_.jobs().submit_owned(EchoJob{request.body, request.body == "refused"},
                                             {.job_id = request.correlation_id,
                                              .correlation_id = request.correlation_id,
                                              .deadline = clock_.now() + std::chrono::seconds(60)});
        if (!job) {
            reply.send(error_response(job.error()));
            co_return;
        }
        EventWriter writer({daemon_.board(), clock_}, "job", "echo", EventDetail::output_only);
        StreamReply<EchoOutput> stream{.reply = reply,
                                       .clock = clock_,
                                       .writer = std::move(writer),
                                       .output_frame = echo_frame,
                                       .keep_alive = options_.keep_alive};
        co_await stream_job(std::move(*job), std::move(stream));
    }

    static std::string echo_frame(const EchoOutput& output, std::uint64_t) {
        return "data: " + output.text + "\n\n";
    }

    static Environment nobody_to_notify() {
        return {.variable = [](const std::string&) { return std::nullopt; }};
    }

    const Options options_;
    const Config config_;
    SystemClock clock_;
    Log log_;
    Narrator narrator_{log_, clock_, "echo-worker"};
    const ServiceNotifier notifier_{nobody_to_notify()};
    Daemon daemon_{{.config = config_,
                    .log = log_,
                    .clock = clock_,
                    .narrator = narrator_,
                    .notifier = notifier_,
                    .program = "echo-worker",
                    .version = "1",
                    .reload = options_.reload,
                    .memory_pace = options_.memory_pace}};
    EchoEngine engine_{2, 1000};
    EngineHost<EchoJob, EchoOutput> host_{{daemon_.io().get_executor(), engine_, daemon_.board(),
                                           clock_, daemon_.metrics(), narrator_},
                                          {.queue_max = 2},
                                          2};
    std::thread thread_;
    int exit_code_ = -1;
};

}  // namespace worker
