#include "worker/hive/hive_links.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace worker {
namespace {

namespace asio = boost::asio;

// Source: wire contract, 7: such a callback URL stands for no hive at all.
constexpr std::string_view test_mode_mark = "localhost:9999";

Result<Url> url_of(const char* flag, const std::string& text) {
    Result<Url> url = parse_url(text);
    if (!url)
        return fail(ErrorCode::config_invalid, std::string(flag) + ": " + url.error().message);
    return url;
}

bool needs_tls(const std::optional<std::string>& url) {
    const Result<Url> parsed = parse_url(url.value_or(""));
    return parsed && parsed->scheme == Url::Scheme::https;
}

PostParts post_parts(const asio::any_io_executor& executor, const HiveSettings& settings) {
    PostParts parts{.executor = executor, .program = settings.program};
    const std::array urls{settings.callback_url, settings.hive_url, settings.queen_url};
    // Now, for it reads files.
    if (std::any_of(urls.begin(), urls.end(), needs_tls)) parts.tls = trust_of_this_machine();
    return parts;
}

}  // namespace

Result<std::unique_ptr<HiveLinks>> HiveLinks::make(const HiveSettings& settings, Parts parts) {
    std::unique_ptr<HiveLinks> links(new HiveLinks(settings, std::move(parts)));
    const Result<void> added = links->add_links(settings);
    if (!added) return fail(added.error());
    return links;
}

HiveLinks::HiveLinks(const HiveSettings& settings, Parts parts)
    : parts_(std::move(parts)),
      served_(settings.served),
      policy_(settings.policy),
      post_(post_parts(parts_.executor, settings)),
      link_ended_(parts_.executor) {}

HiveLinks::~HiveLinks() {
    for (const auto& link : links_) link->stop();
}

Result<void> HiveLinks::add_links(const HiveSettings& settings) {
    if (settings.callback_url && settings.callback_url->find(test_mode_mark) == std::string::npos) {
        const Result<Url> url = url_of("--callback-url", *settings.callback_url);
        if (!url) return fail(url.error());
        HiveLink::Parts parts = link_parts("callback_hive", heartbeat_to(*url));
        parts.callback = callback_to(*url);
        parts.on_callback_failed = [this](const Error& error) {
            if (on_callback_failed) on_callback_failed(error);
        };
        callback_hive_ = links_.emplace_back(std::make_shared<HiveLink>(std::move(parts)));
    }
    if (settings.hive_url) {
        const Result<Url> url = url_of("--hive-url", *settings.hive_url);
        if (!url) return fail(url.error());
        links_.push_back(
            std::make_shared<HiveLink>(link_parts("heartbeat_hive", heartbeat_to(*url))));
    }
    if (settings.queen_url) {
        const Result<Url> url = url_of("--queen-url", *settings.queen_url);
        if (!url) return fail(url.error());
        links_.push_back(std::make_shared<HiveLink>(link_parts("queen", queen_beat_to(*url))));
    }
    return {};
}

HiveLink::Parts HiveLinks::link_parts(const char* peer, HiveLink::Call beat) {
    return {.post = post_,
            .clock = parts_.clock,
            .narrator = parts_.narrator,
            .policy = policy_,
            .bearer = parts_.bearer,
            .peer = peer,
            .beat = std::move(beat),
            .on_ended = [this] { link_ended_.notify(); }};
}

HiveLink::Call HiveLinks::heartbeat_to(const Url& url) const {
    return {.url = url.with_target("/v1/heartbeat"),
            .payload = [heartbeat = parts_.heartbeat](const asio::ip::address&) {
                return to_json(heartbeat());
            }};
}

HiveLink::Call HiveLinks::callback_to(const Url& url) const {
    return {.url = url, .payload = [this](const asio::ip::address& local) {
                ReadyCallback callback = parts_.ready_callback();
                callback.url = advertised_url(served_, local);
                return to_json(callback);
            }};
}

HiveLink::Call HiveLinks::queen_beat_to(const Url& url) const {
    return {.url = url.with_target(url.path() + "/v1/worker-heartbeat"),
            .payload = [this](const asio::ip::address&) {
                return queen_heartbeat(parts_.worker_info(), parts_.clock.wall_now());
            }};
}

void HiveLinks::start() {
    for (const auto& link : links_) {
        if (link != callback_hive_) link->start();
    }
}

void HiveLinks::worker_ready() {
    if (callback_hive_) callback_hive_->start();
}

void HiveLinks::beat_now() {
    for (const auto& link : links_) link->beat_now();
}

bool HiveLinks::all_ended() const {
    return std::all_of(links_.begin(), links_.end(),
                       [](const auto& link) { return link->ended(); });
}

asio::awaitable<void> HiveLinks::farewell(Clock::TimePoint deadline) {
    for (const auto& link : links_) link->end(deadline);
    while (!all_ended() && parts_.clock.now() < deadline) co_await link_ended_.wait_until(deadline);
    for (const auto& link : links_) link->stop();
}

JsonObject HiveLinks::report() const {
    std::vector<JsonObject> peers;
    peers.reserve(links_.size());
    for (const auto& link : links_) peers.push_back(link->report());
    JsonObject object;
    object.add("peers", peers);
    return object;
}

}  // namespace worker
