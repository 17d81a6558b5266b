#pragma once

#include "worker/base/async_signal.h"
#include "worker/base/clock.h"
#include "worker/base/result.h"
#include "worker/contract/heartbeat.h"
#include "worker/contract/json_object.h"
#include "worker/contract/ready_callback.h"
#include "worker/contract/worker_info.h"
#include "worker/hive/advertised_url.h"
#include "worker/hive/hive_link.h"
#include "worker/narration/narrator.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace worker {

struct HiveSettings {
    std::optional<std::string> callback_url = {};
    std::optional<std::string> hive_url = {};
    std::optional<std::string> queen_url = {};
    ServedAt served = {};
    std::string program = {};  // for User-Agent: "llm-worker-rbee/0.1.0"
    HivePolicy policy = {};
};

// The hives and the queen that this worker reports to. Source: wire contract, 7. Thread: io.
class HiveLinks {
public:
    // All of it outlives the links; the executor's context outlives them too, and may still hold
    // what they had under way.
    struct Parts {
        boost::asio::any_io_executor executor;
        const Clock& clock;
        Narrator& narrator;
        std::function<std::string()> bearer;  // the token as it is now; empty: none
        std::function<Heartbeat()> heartbeat;
        std::function<WorkerInfo()> worker_info;
        std::function<ReadyCallback()> ready_callback;  // its `url` is set by the link
    };

    // Errors: config_invalid, naming the flag.
    static Result<std::unique_ptr<HiveLinks>> make(const HiveSettings& settings, Parts parts);
    ~HiveLinks();
    HiveLinks(const HiveLinks&) = delete;
    HiveLinks& operator=(const HiveLinks&) = delete;

    // The ready callback has failed for good: the process is of no use to the hive that started it.
    std::function<void(const Error&)> on_callback_failed;

    // The port is open: heartbeat hive and queen hear from now on.
    void start();
    // The model is loaded: the ready callback, and then heartbeats to that hive.
    void worker_ready();
    // A beat to each peer out of turn: something has changed that it waits for.
    void beat_now();
    // A last beat to each peer at once. Returns when each has replied or failed, at `deadline` at
    // the latest; nothing is sent any more then. Requires: called once; this outlives it.
    boost::asio::awaitable<void> farewell(Clock::TimePoint deadline);

    // {"peers":[{"peer","url","sent_at","payload","answer","sent","failures"}]}
    JsonObject report() const;

private:
    HiveLinks(const HiveSettings& settings, Parts parts);
    Result<void> add_links(const HiveSettings& settings);
    HiveLink::Parts link_parts(const char* peer, HiveLink::Call beat);
    HiveLink::Call heartbeat_to(const Url& url) const;
    HiveLink::Call callback_to(const Url& url) const;
    HiveLink::Call queen_beat_to(const Url& url) const;
    bool all_ended() const;

    const Parts parts_;
    const ServedAt served_;
    const HivePolicy policy_;
    const PostParts post_;
    AsyncSignal link_ended_;
    std::shared_ptr<HiveLink> callback_hive_;  // hears nothing before the worker is ready
    std::vector<std::shared_ptr<HiveLink>> links_;
};

}  // namespace worker
