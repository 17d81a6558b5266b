#include "worker/hive/hive_link.h"

#include "worker/base/quantities.h"
#include "worker/hive/beat_schedule.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

namespace worker {
namespace {

namespace asio = boost::asio;

constexpr unsigned not_found = 404;
// A hive that is away for a night does not fill the log.
constexpr std::uint64_t failures_a_line = 10;

std::string_view wire_name(ErrorCode code) {
    return traits(code).wire_name;
}

JsonObject answer_body(const Result<HttpAnswer>& answer) {
    JsonObject object;
    if (answer) {
        object.add("status", answer->status);
    } else {
        object.add("error", answer.error().message);
    }
    return object;
}

}  // namespace

HiveLink::HiveLink(Parts parts) : parts_(std::move(parts)), wake_(parts_.post.executor) {}

void HiveLink::start() {
    if (running_ || stopped_) return;
    running_ = true;
    asio::co_spawn(
        parts_.post.executor, run(),
        [self = shared_from_this()](const std::exception_ptr& thrown) { self->finished(thrown); });
}

void HiveLink::finished(const std::exception_ptr& thrown) {
    running_ = false;
    if (stopped_) return;
    if (thrown) say("error", "The link to the " + parts_.peer + " has failed");
    stopped_ = true;
    if (parts_.on_ended) parts_.on_ended();
}

void HiveLink::beat_now() {
    if (running_) wake_.notify();
}

void HiveLink::end(Clock::TimePoint deadline) {
    if (!running_) stopped_ = true;
    if (stopped_) return;
    ending_ = deadline;
    if (under_way_) under_way_->cut();
    wake_.notify();
}

void HiveLink::stop() {
    stopped_ = true;
    if (under_way_) under_way_->cut();
    wake_.notify();
}

bool HiveLink::given_up() const {
    return stopped_ || ending_;
}

asio::awaitable<void> HiveLink::run() {
    if (stopped_) co_return;
    if (parts_.callback) {
        known_ = co_await call_back_at_start();
        if (!known_) co_return;
    }
    const Clock::TimePoint start = parts_.clock.now();
    bool last = false;
    while (!stopped_ && !last) {
        last = ending_.has_value();
        co_await call_and_beat();
        if (given_up()) continue;
        const auto due = next_beat(start, parts_.policy.interval, parts_.clock.now());
        co_await wake_.wait_until(due);
    }
}

// False: nothing more is to be said to this hive.
asio::awaitable<bool> HiveLink::call_back_at_start() {
    std::chrono::milliseconds pause = parts_.policy.callback_pause;
    for (int tries = 1; !given_up(); ++tries) {
        const Result<void> taken = co_await post(*parts_.callback);
        if (given_up()) co_return !stopped_ && taken.has_value();
        if (taken) {
            say("callback_ready", "Has told the hive that it is ready");
            co_return true;
        }
        say("callback_error", "The ready callback has failed: " + taken.error().message,
            &taken.error());
        if (tries == parts_.policy.callback_tries) {
            parts_.on_callback_failed(taken.error());
            co_return false;
        }
        const Clock::TimePoint until = parts_.clock.now() + std::exchange(pause, 2 * pause);
        while (!given_up() && parts_.clock.now() < until) co_await wake_.wait_until(until);
    }
    co_return false;
}

// A hive that has forgotten us hears the callback before anything else.
asio::awaitable<void> HiveLink::call_and_beat() {
    if (parts_.callback && !known_ && !ending_) {
        known_ = co_await call_back_again();
        if (!known_ || given_up()) co_return;
    }
    co_await beat();
}

asio::awaitable<void> HiveLink::beat() {
    const bool last = ending_.has_value();
    const Result<void> taken = co_await post(parts_.beat);
    if (stopped_ || (ending_ && !last)) co_return;
    took_beat(taken);
    const bool forgotten = !taken && *answer_ && (*answer_)->status == not_found;
    if (!parts_.callback || !forgotten || last) co_return;
    known_ = co_await call_back_again();
}

asio::awaitable<bool> HiveLink::call_back_again() {
    const Result<void> taken = co_await post(*parts_.callback);
    if (given_up()) co_return taken.has_value();
    if (!taken) {
        took_beat(taken);
    } else if (!std::exchange(told_again_, true)) {
        say("callback_ready", "Has told the hive again that it is ready");
    }
    co_return taken.has_value();
}

std::chrono::milliseconds HiveLink::time_for_a_call() const {
    if (!ending_) return parts_.policy.call_timeout;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*ending_ - parts_.clock.now());
    return std::clamp(left, std::chrono::milliseconds(0), parts_.policy.call_timeout);
}

asio::awaitable<Result<void>> HiveLink::post(const Call& call) {
    PostRequest request{
        .url = call.url, .body = {}, .bearer = parts_.bearer(), .timeout = time_for_a_call()};
    request.body = [this, &call](const asio::ip::address& local) {
        payload_ = call.payload(local);
        ++sent_;
        sent_at_ = parts_.clock.wall_now();
        return payload_->text();
    };
    const bool last = ending_.has_value();
    under_way_ = std::make_shared<HttpPost>(parts_.post, std::move(request));
    const std::shared_ptr<HttpPost> post = under_way_;
    Result<HttpAnswer> answer = co_await post->run();
    under_way_.reset();
    const Result<void> result = judge(answer);
    // What was given up for the last beat is no failure of the peer.
    if (stopped_ || (ending_ && !last)) co_return result;
    correlation_id_ = post->correlation_id();
    answer_ = std::move(answer);
    if (!result) ++failures_;
    co_return result;
}

Result<void> HiveLink::judge(const Result<HttpAnswer>& answer) const {
    if (!answer) return fail(answer.error());
    if (answer->ok()) return {};
    return fail(ErrorCode::hive_refused,
                parts_.beat.url.place() + ": it replied " + std::to_string(answer->status));
}

// In the log: the first success, each end of a row of failures, of such a row the first and then
// every tenth.
void HiveLink::took_beat(const Result<void>& result) {
    if (result) {
        const bool recovered = std::exchange(failures_in_a_row_, 0) != 0;
        told_again_ = false;
        if (!std::exchange(heard_, true))
            say("send_heartbeat", "Heartbeats begin to arrive");
        else if (recovered)
            say("send_heartbeat", "Heartbeats arrive again");
        return;
    }
    if (failures_in_a_row_++ % failures_a_line != 0) return;
    say("heartbeat_failed", "A heartbeat has failed: " + result.error().message, &result.error());
}

void HiveLink::say(std::string action, std::string human, const Error* error) const {
    Narration narration{.actor = "hive-link",
                        .action = std::move(action),
                        .target = parts_.peer + " " + parts_.beat.url.place(),
                        .human = std::move(human)};
    if (!correlation_id_.empty()) narration.correlation_id = correlation_id_;
    if (error != nullptr) narration.error_kind = wire_name(error->code);
    parts_.narrator.narrate(std::move(narration));
}

JsonObject HiveLink::report() const {
    JsonObject object;
    object.add("peer", parts_.peer).add("url", parts_.beat.url.shown());
    if (payload_) object.add("sent_at", format_rfc3339(sent_at_)).add("payload", *payload_);
    if (answer_) object.add("answer", answer_body(*answer_));
    object.add("sent", sent_).add("failures", failures_);
    return object;
}

}  // namespace worker
