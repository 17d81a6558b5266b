// For tests of HiveLinks: everything they report about, and an executor that the test itself runs.
#pragma once

#include "tests/support/scripted_peer.h"
#include "worker/base/test_pipe.h"
#include "worker/hive/hive_links.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace worker {

using namespace std::chrono_literals;
using Then = ScriptedPeer::Then;

inline constexpr auto patience = 20s;  // for what must come about
inline constexpr auto never = 10min;   // an interval of which a test sees one beat

inline const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
inline const std::string unknown = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
inline const std::string broken = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";

// Time that runs, on a day that stays.
class SameDayClock final : public Clock {
public:
    TimePoint now() const override { return std::chrono::steady_clock::now(); }
    WallTime wall_now() const override { return WallTime{1769860800123ms}; }
};

inline std::string count(const std::string& text, const std::string& part) {
    int n = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
    return std::to_string(n) + " x " + part;
}

class HiveFixture : public testing::Test {
protected:
    HiveFixture() {
        settings.served = {.host = "127.0.0.1", .port = 8081};
        settings.program = "llm-worker-rbee/1.2.3";
        settings.policy = {.interval = never, .call_timeout = patience, .callback_pause = 1ms};
    }

    HiveLinks& make() {
        links = HiveLinks::make(settings, parts()).value();
        links->on_callback_failed = [this](const Error& error) { given_up = error.message; };
        return *links;
    }

    HiveLinks::Parts parts() {
        return {.executor = io.get_executor(),
                .clock = clock,
                .narrator = narrator,
                .bearer = [this] { return token; },
                .heartbeat = [this] { return beat(); },
                .worker_info = [this] { return worker(); },
                .ready_callback =
                    [] {
                        return ReadyCallback{.worker_id = "w-1",
                                             .url = {},
                                             .model_ref = "hf:x/y",
                                             .backend = "cpu",
                                             .device = 0,
                                             .vram_bytes = 0};
                    }};
    }

    Heartbeat beat() const {
        return {.worker_id = "w-1",
                .time = clock.wall_now(),
                .health = "healthy",
                .device = "cpu:0",
                .slots_total = 16,
                .model = "hf:x/y",
                .state = state};
    }

    WorkerInfo worker() const {
        return {.id = "w-1",
                .model_id = "hf:x/y",
                .device = "cpu:0",
                .port = 8081,
                .status =
                    state == "draining" ? WorkerInfo::Status::stopping : WorkerInfo::Status::ready,
                .implementation = "llm-worker-rbee",
                .version = "1.2.3"};
    }

    void run_until(const std::function<bool()>& done) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!done() && std::chrono::steady_clock::now() < deadline) {
            io.restart();
            io.run_one_for(1ms);
        }
        ASSERT_TRUE(done());
    }

    void run_until_heard(const ScriptedPeer& peer, std::size_t requests) {
        run_until([&] { return peer.received().size() >= requests; });
    }

    // Until as many of the links know what came of their last call.
    void run_until_answered(std::size_t peers) {
        const std::string part = R"("answer":{)";
        run_until([&] {
            return count(links->report().text(), part) == std::to_string(peers) + " x " + part;
        });
    }

    void say_farewell(std::chrono::milliseconds within) {
        bool over = false;
        boost::asio::co_spawn(io, links->farewell(clock.now() + within),
                              [&](std::exception_ptr) { over = true; });
        run_until([&] { return over; });
    }

    // Of each request its target, and of what it says the word after `key`.
    static std::string heard_by(const ScriptedPeer& peer, const std::string& key) {
        std::string text;
        for (const ScriptedPeer::Received& request : peer.received()) {
            const std::string& bytes = request.bytes;
            text += bytes.substr(5, bytes.find(" HTTP") - 5);
            const std::size_t at = bytes.find("\"" + key + "\":\"");
            const std::size_t word = at + key.size() + 4;
            if (at != bytes.npos) text += " " + bytes.substr(word, bytes.find('"', word) - word);
            text += "\n";
        }
        return text;
    }

    SameDayClock clock;
    TestPipe pipe;
    Log log{LogFormat::json, LogLevel::info, pipe.writing_end()};
    Narrator narrator{log, clock, "some-worker"};
    boost::asio::io_context io{1};
    HiveSettings settings;
    std::string token;
    std::string state = "idle";
    std::string given_up;
    std::unique_ptr<HiveLinks> links;
};

}  // namespace worker
