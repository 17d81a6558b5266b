#pragma once

#include "worker/base/async_signal.h"
#include "worker/base/clock.h"
#include "worker/base/result.h"
#include "worker/contract/json_object.h"
#include "worker/hive/http_post.h"
#include "worker/narration/narrator.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace worker {

struct HivePolicy {
    std::chrono::milliseconds interval{30'000};
    std::chrono::milliseconds call_timeout{5'000};
    int callback_tries = 5;
    std::chrono::milliseconds callback_pause{500};  // doubles after each try
};

// The way to one hive or queen: a coroutine that beats, of one call at a time. Nothing that the
// other end does delays anything else. Thread: io.
class HiveLink : public std::enable_shared_from_this<HiveLink> {
public:
    // A call to the peer, and what to say in it. `local` is our end of the connection.
    struct Call {
        Url url;
        std::function<JsonObject(const boost::asio::ip::address& local)> payload;
    };

    // What it is given outlives `stop`.
    struct Parts {
        PostParts post;
        const Clock& clock;
        Narrator& narrator;
        HivePolicy policy;
        std::function<std::string()> bearer;
        std::string peer;  // "queen"
        Call beat;
        std::optional<Call> callback = std::nullopt;  // comes before the first beat
        // All tries of the first callback have failed.
        std::function<void(const Error&)> on_callback_failed = {};
        std::function<void()> on_ended = {};
    };

    explicit HiveLink(Parts parts);

    // Requires: held by a shared_ptr. Called again, or after `end` or `stop`, it does nothing.
    void start();
    // A beat as soon as the call under way, if there is one, has ended.
    void beat_now();
    // Gives up the call under way and sends a last beat, unless the peer has never heard of us.
    void end(Clock::TimePoint deadline);
    bool ended() const { return !running_; }
    // Sends nothing more, and touches nothing of `Parts` from now on.
    void stop();

    // What was said last, when, and what came of it. Source: wire contract, GET /heartbeat.
    JsonObject report() const;

private:
    boost::asio::awaitable<void> run();
    boost::asio::awaitable<void> call_and_beat();
    boost::asio::awaitable<bool> call_back_at_start();
    boost::asio::awaitable<void> beat();
    boost::asio::awaitable<bool> call_back_again();
    boost::asio::awaitable<Result<void>> post(const Call& call);

    Result<void> judge(const Result<HttpAnswer>& answer) const;
    bool given_up() const;
    std::chrono::milliseconds time_for_a_call() const;
    void took_beat(const Result<void>& result);
    void say(std::string action, std::string human, const Error* error = nullptr) const;
    void finished(const std::exception_ptr& thrown);

    const Parts parts_;
    AsyncSignal wake_;
    std::shared_ptr<HttpPost> under_way_;
    bool running_ = false;
    bool stopped_ = false;
    std::optional<Clock::TimePoint> ending_;  // the last beat's deadline
    bool known_ = false;                      // the callback has been taken
    bool heard_ = false;                      // a beat has been taken
    bool told_again_ = false;                 // since the last beat that was taken
    std::uint64_t failures_in_a_row_ = 0;
    // What `report` tells.
    std::optional<JsonObject> payload_;
    Clock::WallTime sent_at_;
    std::string correlation_id_;
    std::optional<Result<HttpAnswer>> answer_;
    std::uint64_t sent_ = 0;
    std::uint64_t failures_ = 0;  // with calls of which nothing could be sent
};

}  // namespace worker
